package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// published names one content under one name.
type published struct{ name, sha256 string }

// publications is what the checks want to look up.
type publications struct {
	versions map[published]int       // the first version of that content, as an index
	names    map[string][]int        // name: its versions
	sizes    map[published]int64     // of what was seen or taken
	times    map[published]int       // how often it appeared, at least
	taken    map[published]bool      // by the partner
	first    map[published]time.Time // when it was there
	receipts map[published]int
}

// gather brings sightings and takings together. What the observer was too late to read, the partner has taken. Both may
// have had the same file, so the one who had it more often counts.
func gather(f *facts) *publications {
	p := &publications{
		versions: map[published]int{}, names: map[string][]int{}, sizes: map[published]int64{}, times: map[published]int{},
		taken: map[published]bool{}, first: map[published]time.Time{}, receipts: map[published]int{},
	}
	for i, v := range f.Versions {
		k := published{v.Name, v.SHA256}
		p.names[v.Name] = append(p.names[v.Name], i)
		if _, ok := p.versions[k]; !ok {
			p.versions[k] = i
		}
	}
	takings := map[published]int{}
	appear := func(k published, size int64, at time.Time) {
		p.sizes[k] = size
		if first, ok := p.first[k]; !ok || at.Before(first) {
			p.first[k] = at
		}
	}
	for _, s := range f.Sightings {
		if k := (published{s.Name, s.SHA256}); s.SHA256 != "" {
			p.times[k]++
			appear(k, s.Size, s.At)
		}
	}
	for _, t := range f.Takings {
		k := published{t.Name, t.SHA256}
		p.taken[k] = true
		takings[k]++
		appear(k, t.Size, t.At)
	}
	for k, n := range takings {
		p.times[k] = max(p.times[k], n)
	}
	for _, r := range f.Receipts {
		p.receipts[published{r.Name, r.SHA256}]++
	}
	return p
}

// sorted returns keys in an order that is the same each time.
func sorted[V any](m map[published]V) []published {
	return slices.SortedFunc(maps.Keys(m), func(a, b published) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.sha256, b.sha256))
	})
}

func (k published) String() string { return fmt.Sprintf("%s (%.12s)", k.name, k.sha256) }

// laterSeen tells whether a later version of a name was seen.
func (p *publications) laterSeen(k published) bool {
	i, ok := p.versions[k]
	if !ok {
		return false
	}
	for other := range p.times {
		if j, ok := p.versions[other]; ok && other.name == k.name && j > i {
			return true
		}
	}
	return false
}
