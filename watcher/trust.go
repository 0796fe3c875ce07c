package watcher

import (
	"hash/maphash"
	"slices"
	"time"

	"github.com/dropferry/dropferry/file"
)

// trust checks hints against scans. A scan that finds a file which changed a while ago, after the scan before, and of
// which no hint has told, nor tells soon, has found that hints cannot be relied on: changes come through another mount of
// the file system, say, or through memory.
type trust struct {
	told map[uint64]struct{} // paths that hints have told of since the time in turn; nil: too many to remember
	past map[uint64]struct{} // and before that, at least since from
	turn time.Time
	from time.Time // by the wall clock: what changed before was checked, or was there before hints; zero: nothing can be said
	till time.Time // hints of what changed after may still come
	dark unread    // what the scan before could not read: it may have changed at any time

	suspects []suspect
	example  file.Path // something that hints did not tell of
	clean    int       // scans to come until hints are trusted again; 0: they are
}

// suspect is something that a scan has found before a hint told of it. It may have been renamed that moment.
type suspect struct {
	path file.Path
	at   time.Time
}

const (
	maxTold     = 1 << 17 // bounds the memory for a busy folder: beyond it one scan cannot check
	maxSuspects = 16      // one is enough
)

// tell notes that a hint has told of p, and of all below it.
func (t *trust) tell(p file.Path) {
	if t.told == nil {
		return
	}
	if len(t.told) >= maxTold {
		t.skip()
		return
	}
	t.told[maphash.String(seed, string(p))] = struct{}{}
}

func (t *trust) hasTold(p file.Path) bool {
	for at := p; at != ""; at = at.Dir() {
		name := maphash.String(seed, string(at))
		_, told := t.told[name]
		_, before := t.past[name]
		if told || before {
			return true
		}
	}
	return false
}

// begin starts a scan.
func (t *trust) begin(now time.Time, grace time.Duration) { t.till = now.Round(0).Add(-grace) }

// checks tells whether something that changed at that time must have been told of.
func (t *trust) checks(changed int64) bool {
	return !t.from.IsZero() && changed > t.from.UnixNano() && changed < t.till.UnixNano()
}

// check takes what a scan has found at p, changed at that time, into account.
func (t *trust) check(p file.Path, changed int64, now time.Time) {
	if len(t.suspects) < maxSuspects && t.checks(changed) && !t.dark.hold(p) && !t.hasTold(p) {
		t.suspects = append(t.suspects, suspect{p, now})
	}
}

// end ends a scan that has seen all but what could not be read.
func (t *trust) end(now time.Time, u unread) {
	t.dark = u
	if t.from.IsZero() {
		t.from = now.Round(0)
		t.past, t.told, t.turn = nil, map[uint64]struct{}{}, t.from
		return
	}
	if t.clean > 0 && len(t.suspects) == 0 {
		t.clean--
	}
	if t.till.After(t.from) { // not where scans follow each other at once: before from nobody listened
		t.from = t.till
	}
	if !t.turn.After(t.from) { // nobody asks for what was told before it any more
		t.past, t.told, t.turn = t.told, map[uint64]struct{}{}, now.Round(0)
	}
}

// confirm judges the suspects that hints have had time to tell of. scans is how many without a find it takes to trust
// hints again. It reports whether trust was lost just now.
func (t *trust) confirm(now time.Time, grace time.Duration, scans int) (lost bool) {
	t.suspects = slices.DeleteFunc(t.suspects, func(s suspect) bool {
		if now.Sub(s.at) < grace {
			return false
		}
		if !t.hasTold(s.path) {
			lost = lost || t.clean == 0
			t.clean, t.example = scans, s.path
		}
		return true
	})
	return lost
}

// skip makes the next scan check nothing: hints are known to be lost, or clocks were set.
func (t *trust) skip() {
	t.told, t.past, t.from, t.suspects = nil, nil, time.Time{}, nil
}

func (t *trust) lost() bool { return t.clean > 0 }
