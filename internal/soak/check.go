package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dropferry/dropferry/file"
)

// What a soak may not pass.
const (
	mostRatio      = 1.5 // bytes sent over bytes needed
	leastFaults    = 10  // a minute, that met something
	moreFDs        = 8   // of an agent at rest, more than a fresh one has
	moreThreads    = 24  // threads stay once they were needed
	moreGoroutines = 8
	// SQLite keeps the files of readers until the last one of them ends, for the next ones: as many as there have ever been
	// at once, and that is one for each file under way, of which there are 64 at most.
	mostStoreFDs    = 64 + 32
	mostInferred    = 0.1 // share of receipts that are inferred
	findingsOfAKind = 10  // more are only counted
)

// check returns what is wrong, in words.
func check(f *facts) []string {
	p := gather(f)
	var all []string
	for _, c := range []func(*facts, *publications) []string{
		checkRest, checkWhole, checkMissing, checkTwice, checkOrder, checkReceipts, checkInferred, checkServer, checkFolders,
		checkArchive, checkExits, checkFigures, checkFaults, checkRatio,
	} {
		found := c(f, p)
		if more := len(found) - findingsOfAKind; more > 0 {
			found = append(found[:findingsOfAKind:findingsOfAKind], fmt.Sprintf("... and %d more like these", more))
		}
		all = append(all, found...)
	}
	return all
}

// checkRest: when nothing fails any more, the agent comes to an end of its work.
func checkRest(f *facts, _ *publications) []string {
	if f.Quiet {
		return nil
	}
	return []string{"the agent did not come to rest after the faults: " + f.Left}
}

// checkWhole: what was ever seen under a final name was a whole version of it, as far as anybody could read it.
func checkWhole(f *facts, p *publications) (wrong []string) {
	known := map[string]bool{}
	for k := range p.times {
		known[k.name] = true
	}
	for _, s := range f.Sightings {
		if s.SHA256 == "" && !known[s.Name] {
			wrong = append(wrong, fmt.Sprintf("unread: %s appeared at the server and vanished", s.Name))
		}
	}
	for _, k := range sorted(p.times) {
		if _, ok := p.versions[k]; ok {
			continue
		}
		if len(p.names[k.name]) == 0 {
			wrong = append(wrong, fmt.Sprintf("extra: %s appeared at the server, and nobody made it", k))
			continue
		}
		wrong = append(wrong, fmt.Sprintf("partial: %s appeared with %d bytes that no version had", k, p.sizes[k]))
	}
	return wrong
}

// checkMissing: what a producer completed and left in peace was published.
func checkMissing(f *facts, p *publications) (wrong []string) {
	for _, v := range f.Versions {
		if k := (published{v.Name, v.SHA256}); v.required() && p.times[k] == 0 {
			wrong = append(wrong, fmt.Sprintf("missing: %s of %d bytes was never published", k, v.Size))
		}
	}
	return wrong
}

// checkTwice: a version is published once.
func checkTwice(_ *facts, p *publications) (wrong []string) {
	for _, k := range sorted(p.times) {
		if p.times[k] > 1 {
			wrong = append(wrong, fmt.Sprintf("twice: %s was published %d times", k, p.times[k]))
		}
	}
	return wrong
}

// checkOrder: no name goes back to an earlier version.
func checkOrder(_ *facts, p *publications) (wrong []string) {
	order := sorted(p.first)
	slices.SortStableFunc(order, func(a, b published) int { return p.first[a].Compare(p.first[b]) })
	latest := map[string]int{}
	for _, k := range order {
		i, ok := p.versions[k]
		if !ok {
			continue
		}
		if before, seen := latest[k.name]; seen && i < before {
			wrong = append(wrong, fmt.Sprintf("back: %s appeared after a later version of that name", k))
			continue
		}
		latest[k.name] = i
	}
	return wrong
}

// checkReceipts: there is one receipt for each publication, and none for anything else. A version that a later one has
// replaced may have been there too briefly to be seen.
func checkReceipts(f *facts, p *publications) (wrong []string) {
	for _, k := range sorted(p.times) {
		if p.receipts[k] == 0 {
			wrong = append(wrong, fmt.Sprintf("receipts: none for %s", k))
		}
	}
	for _, k := range sorted(p.receipts) {
		if n := p.receipts[k]; n > 1 {
			wrong = append(wrong, fmt.Sprintf("receipts: %d for %s", n, k))
		}
		if p.times[k] == 0 && !p.laterSeen(k) {
			wrong = append(wrong, fmt.Sprintf("receipts: one for %s, which was never seen", k))
		}
	}
	for _, r := range f.Receipts {
		if i, ok := p.versions[published{r.Name, r.SHA256}]; ok && f.Versions[i].Size != r.Size {
			wrong = append(wrong, fmt.Sprintf("receipts: %s has %d bytes of %d", r.ID, r.Size, f.Versions[i].Size))
		}
	}
	return wrong
}

// checkInferred: a publication is inferred only where the partner has taken it, and rarely.
func checkInferred(f *facts, p *publications) (wrong []string) {
	n := 0
	for _, r := range f.Receipts {
		if r.Evidence != "inferred" {
			continue
		}
		n++
		if k := (published{r.Name, r.SHA256}); !p.taken[k] {
			wrong = append(wrong, fmt.Sprintf("inferred: %s, which nobody took", k))
		}
	}
	if float64(n) > mostInferred*float64(len(f.Receipts)) {
		wrong = append(wrong, fmt.Sprintf("inferred: %d of %d receipts", n, len(f.Receipts)))
	}
	return wrong
}

// emptySum is the SHA-256 of nothing.
const emptySum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// checkServer: no temp is left there, and each file of the mirror is there as it is here. An empty temp may be one that a frozen
// server has made when it went on: the agent looks for it later.
func checkServer(f *facts, _ *publications) (wrong []string) {
	there := map[string]string{}
	froze := slices.ContainsFunc(f.Faults, func(i injected) bool { return i.Kind == frozen && i.Hit })
	for _, e := range f.There {
		there[e.Name] = e.SHA256
		if file.IsPrivate(e.Name[strings.LastIndex(e.Name, "/")+1:]) && (!froze || e.SHA256 != emptySum) {
			wrong = append(wrong, "server: a temp is left: "+e.Name)
		}
	}
	for _, e := range f.Here {
		if isOf(mirror, e.Name) && there[e.Name] != e.SHA256 {
			wrong = append(wrong, fmt.Sprintf("server: %s is not as it is here (%.12s, not %.12s)", e.Name, there[e.Name], e.SHA256))
		}
	}
	return wrong
}

// checkFolders: no private name is left here, the outbox is empty, and the mirror holds what its producers made.
func checkFolders(f *facts, _ *publications) (wrong []string) {
	here := map[string]string{}
	for _, e := range f.Here {
		here[e.Name] = e.SHA256
		switch {
		case file.IsPrivate(e.Name[strings.LastIndex(e.Name, "/")+1:]):
			wrong = append(wrong, "folder: a private name is left: "+e.Name)
		case isOf(outbox, e.Name):
			wrong = append(wrong, "folder: it is still in the outbox: "+e.Name)
		}
	}
	for _, v := range f.Versions {
		if v.End == stands && isOf(mirror, v.Name) && here[v.Name] != v.SHA256 {
			wrong = append(wrong, fmt.Sprintf("folder: %s is no more as its producer left it", v.Name))
		}
	}
	return wrong
}

// there is where each folder goes to, below the server's root.
var there = map[string]string{outbox: "in", mirror: "copy"}

func isOf(folder, name string) bool { return strings.HasPrefix(name, there[folder]+"/") }

// checkArchive: each version that the outbox was left with is in the archive, once, and nothing else is.
func checkArchive(f *facts, _ *publications) (wrong []string) {
	count, made := map[string]int{}, map[string]bool{}
	empty := map[string]bool{}
	for _, a := range f.Archived {
		count[a.SHA256]++
	}
	for _, v := range f.Versions {
		if !isOf(outbox, v.Name) {
			continue
		}
		made[v.SHA256], empty[v.SHA256] = true, v.Size == 0
		if v.required() && count[v.SHA256] == 0 {
			wrong = append(wrong, fmt.Sprintf("archive: %s (%.12s) is not there", v.Name, v.SHA256))
		}
	}
	for _, a := range f.Archived {
		switch {
		case !made[a.SHA256]:
			wrong = append(wrong, fmt.Sprintf("archive: %s (%.12s) is no version of anything", a.Name, a.SHA256))
		case count[a.SHA256] > 1 && !empty[a.SHA256]:
			wrong = append(wrong, fmt.Sprintf("archive: %s (%.12s) is there %d times", a.Name, a.SHA256, count[a.SHA256]))
		}
	}
	return wrong
}

// checkExits: an agent ends when it is told to, with 0 where it was asked, and says nothing that no log may hold.
func checkExits(f *facts, _ *publications) (wrong []string) {
	codes := map[cause]int{byKill: -1, byStop: 0, byDump: 2}
	for _, e := range f.Exits {
		if want, told := codes[e.Cause]; !told || e.Code != want {
			wrong = append(wrong, fmt.Sprintf("exit: the agent ended with %d after %v: %s", e.Code, round(e.After), e.Cause))
		}
	}
	for _, m := range f.Marks {
		wrong = append(wrong, "log: "+m)
	}
	return wrong
}

// checkFigures: an agent at rest holds no more than a fresh one.
func checkFigures(f *facts, _ *publications) (wrong []string) {
	for _, row := range []struct {
		what             string
		before, now, may int
	}{
		{"open files", f.Before.FDs, f.After.FDs, moreFDs},
		{"threads", f.Before.Threads, f.After.Threads, moreThreads},
		{"goroutines", f.Before.Goroutines, f.After.Goroutines, moreGoroutines},
	} {
		if row.before == 0 || row.now == 0 {
			wrong = append(wrong, fmt.Sprintf("growth: %s were not counted", row.what))
		}
		if row.now > row.before+row.may {
			wrong = append(wrong, fmt.Sprintf("growth: %d %s, %d in a fresh agent", row.now, row.what, row.before))
		}
	}
	if f.After.Store > mostStoreFDs {
		wrong = append(wrong, fmt.Sprintf("growth: %d open files of the store", f.After.Store))
	}
	return wrong
}
