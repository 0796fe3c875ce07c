package watcher

import (
	"cmp"
	"hash/maphash"
	"slices"

	"github.com/dropferry/dropferry/file"
)

// sample is what was last seen in one directory that is polled. A directory is polled by itself where only a part of a
// folder cannot be watched: the rest lives on hints, and is spared a scan every so often.
type sample struct {
	err   error      // why it is not watched; nil where it is, and hints do not tell of everything
	on    fileSystem // where err is nil
	round uint       // of the last visit; see watchTree.begin

	marks []mark // by name
	next  []mark // what the visit under way has found so far
}

// mark stands for one name and what it had: 16 bytes, since a polled directory may be large.
type mark struct{ name, print uint64 }

// seed is that of the marks of this process.
var seed = maphash.MakeSeed()

func markOf(name string, kind Kind, print file.Fingerprint) mark {
	m := mark{name: maphash.String(seed, name)}
	if kind == File {
		m.print = maphash.Comparable(seed, print)
	}
	return m
}

// take makes marks the ones that the next look is compared with.
func (s *sample) take(marks []mark) {
	slices.SortFunc(marks, func(a, b mark) int { return cmp.Compare(a.name, b.name) })
	s.marks = slices.CompactFunc(marks, func(a, b mark) bool { return a.name == b.name }) // several links may lead there
}

// known tells whether m was there with the same print, and whether its name was.
func (s *sample) known(m mark) (same, named bool) {
	i, named := slices.BinarySearchFunc(s.marks, m.name, func(have mark, name uint64) int { return cmp.Compare(have.name, name) })
	return named && s.marks[i].print == m.print, named
}

// poll takes the directory at p among those that are polled: err says why it cannot be watched, or on why hints of it do
// not tell everything.
func (t *watchTree) poll(p file.Path, on fileSystem, err error) {
	t.unpollErr(t.polled[p])
	s := t.polled[p]
	if s == nil {
		s = &sample{}
		t.polled[p] = s
	}
	s.on, s.round = on, t.round
	if err != nil {
		s.err = err
		t.missed++
		if t.missedErr == nil {
			t.missedErr = err
		}
	}
}

// unpoll takes p out of the directories that are polled.
func (t *watchTree) unpoll(p file.Path) {
	if s := t.polled[p]; s != nil {
		t.unpollErr(s)
		delete(t.polled, p)
	}
}

func (t *watchTree) unpollErr(s *sample) {
	if s == nil || s.err == nil {
		return
	}
	s.err = nil
	if t.missed--; t.missed == 0 {
		t.missedErr = nil
	}
}

// note adds what a scan has found in a directory to its sample, if that is polled.
func (t *watchTree) note(e *Entry, in file.Path) {
	if len(t.polled) == 0 || e.Err != nil {
		return
	}
	if s := t.polled[in]; s != nil {
		kind := e.Kind
		if e.Target != "" {
			kind = Other // as a list has it
		}
		s.next = append(s.next, markOf(e.Path.Base(), kind, e.Fingerprint))
	}
}
