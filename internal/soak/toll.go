package main

import "fmt"

// checkFaults: the soak was one.
func checkFaults(f *facts, _ *publications) []string {
	if n := faultsAMinute(f); n < leastFaults {
		return []string{fmt.Sprintf("faults: %.1f a minute met something, %d are wanted", n, leastFaults)}
	}
	return nil
}

func faultsAMinute(f *facts) float64 {
	hits := 0
	for _, i := range f.Faults {
		if i.Hit {
			hits++
		}
	}
	return float64(hits) / max(f.Faulted.Minutes(), 1.0/60)
}

// checkRatio: what faults have interrupted is not sent again from its beginning.
func checkRatio(f *facts, p *publications) []string {
	if r := ratio(f, p); r > mostRatio {
		return []string{fmt.Sprintf("ratio: %s were sent for %s, %.2f times as much", amount(f.Sent), amount(needed(f, p)), r)}
	}
	return nil
}

func ratio(f *facts, p *publications) float64 { return float64(f.Sent) / float64(max(needed(f, p), 1)) }

// needed is how many bytes would have been sent without faults: what was published, and what was sent of versions that
// their producer changed meanwhile. What was published under two names counts once: of a file that was renamed, the
// server can make a copy.
func needed(f *facts, p *publications) int64 {
	n, counted := overtaken(f), map[string]bool{}
	for k, size := range p.sizes {
		if !counted[k.sha256] {
			counted[k.sha256] = true
			n += size
		}
	}
	return n
}

// overtaken is how far the uploads came that never led to a receipt.
func overtaken(f *facts) (n int64) {
	delivered := map[string]bool{}
	for _, r := range f.Receipts {
		delivered[r.ID] = true
	}
	for _, t := range f.Temps {
		if !delivered[t.id()] {
			n += t.Size
		}
	}
	return n
}
