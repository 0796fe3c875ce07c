package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// describe words a soak for people: what was done, what came of it, what is wrong.
func describe(f *facts, wrong []string) string {
	p := gather(f)
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d, %v of faults\n\n", f.Seed, f.Faulted.Round(time.Second))
	fmt.Fprintf(&b, "%-12s  %s\n", "faults", "met something / made")
	hits := 0
	for _, k := range kinds {
		hit, made := 0, 0
		for _, i := range f.Faults {
			if i.Kind == k {
				made++
				if i.Hit {
					hit++
				}
			}
		}
		hits += hit
		fmt.Fprintf(&b, "  %-10s  %d / %d\n", k, hit, made)
	}
	fmt.Fprintf(&b, "  %-10s  %d / %d, %.1f a minute\n\n", "all", hits, len(f.Faults), faultsAMinute(f))
	required := 0
	for _, v := range f.Versions {
		if v.required() {
			required++
		}
	}
	inferred, attempts := 0, 0
	for _, r := range f.Receipts {
		if r.Evidence == "inferred" {
			inferred++
		}
		attempts += r.Attempts
	}
	fmt.Fprintf(&b, "files         %d names, %d versions, %d of them to be published\n", len(p.names), len(f.Versions), required)
	fmt.Fprintf(&b, "published     %d versions; the partner took %d\n", len(p.times), len(f.Takings))
	fmt.Fprintf(&b, "receipts      %d, %d of them inferred, %d attempts\n", len(f.Receipts), inferred, attempts)
	fmt.Fprintf(&b, "sent          %s for %s (%s of it for versions that changed meanwhile): %.2f times as much\n",
		amount(f.Sent), amount(needed(f, p)), amount(overtaken(f)), ratio(f, p))
	fmt.Fprintf(&b, "agent         %d processes; at rest %d open files and %d of the store, %d threads, %d goroutines; a fresh one %d, %d, %d, %d; at most %s of memory\n",
		len(f.Exits), f.After.FDs, f.After.Store, f.After.Threads, f.After.Goroutines,
		f.Before.FDs, f.Before.Store, f.Before.Threads, f.Before.Goroutines, amount(f.After.MostMemory))
	if largestOf := largestVersion(f); largestOf > 0 {
		fmt.Fprintf(&b, "largest       %s\n", amount(largestOf))
	}
	if f.NotTried != "" {
		fmt.Fprintf(&b, "\nNOT TRIED     %s\n", f.NotTried)
	}
	if len(wrong) > 0 {
		fmt.Fprintf(&b, "\n%s\n", strings.Join(wrong, "\n"))
	} else if len(f.Versions) > 0 {
		b.WriteString("\nnothing missing, nothing extra, nothing twice, nothing half visible, nothing left behind\n")
	}
	return b.String()
}

func largestVersion(f *facts) int64 {
	if len(f.Versions) == 0 {
		return 0
	}
	return slices.MaxFunc(f.Versions, func(a, b version) int { return int(a.Size - b.Size) }).Size
}
