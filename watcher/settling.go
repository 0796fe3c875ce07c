package watcher

import (
	"container/heap"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dropferry/dropferry/file"
)

// Why a file is not ready.
const (
	reasonSettling = "settling"
	reasonChanging = "changing"
	reasonWriting  = "being written"
)

// unsettled is one file that is not ready yet.
type unsettled struct {
	path file.Path
	sighting
	seen   time.Time // of the last look
	quiet  time.Duration
	reason string
	due    time.Time // of the next look
	tries  int       // looks that found a writer, or hand-overs that failed, since the last change
	wait   time.Time // since when it has waited for its writer alone
	target file.Path // where it leads as a link
	marker file.Path // that has made it ready, with its fingerprint

	markerPrint file.Fingerprint

	index int // in the queue
}

func (u *unsettled) entry() Entry {
	return Entry{
		Path: u.path, Kind: File, Fingerprint: u.print, Seen: u.seen,
		Since: u.first, Until: u.due, Reason: u.reason, Target: u.target, Marker: u.marker,
	}
}

// settling is the set of files that are not ready. Only the watcher's own goroutine changes it; others may read.
type settling struct {
	mu       sync.Mutex
	byPath   map[file.Path]*unsettled
	queue    dueQueue
	marker   marker                     // that files wait for; unused where they wait for none
	byMarker map[file.Path][]*unsettled // by the folded path of their marker
}

func newSettling(m marker) *settling {
	return &settling{byPath: map[file.Path]*unsettled{}, marker: m, byMarker: map[file.Path][]*unsettled{}}
}

// add puts u into the set.
func (s *settling) add(u *unsettled) {
	s.byPath[u.path] = u
	heap.Push(&s.queue, u)
	if s.marker.used() {
		key := s.marker.key(s.marker.of(u.path))
		s.byMarker[key] = append(s.byMarker[key], u)
	}
}

// unmark takes u, which is about to leave the set, from those that wait for its marker.
func (s *settling) unmark(u *unsettled) {
	if !s.marker.used() {
		return
	}
	key := s.marker.key(s.marker.of(u.path))
	all := s.byMarker[key]
	if i := slices.Index(all, u); i >= 0 {
		s.byMarker[key] = slices.Delete(all, i, i+1)
	}
	if len(s.byMarker[key]) == 0 {
		delete(s.byMarker, key)
	}
}

// observe takes a look at a file into account and returns what is known of it now. Where this is the first look, the wall
// clock was set forward by ahead since the file was stamped.
func (s *settling) observe(p file.Path, print file.Fingerprint, seen time.Time, quiet, ahead time.Duration) *unsettled {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.byPath[p]
	if u == nil {
		u = &unsettled{
			path: p, sighting: sighting{print: print, first: seen, ahead: ahead}, seen: seen, quiet: quiet, reason: reasonSettling,
		}
		u.due, _ = settle(u.sighting, seen, quiet)
		s.add(u)
		return u
	}
	u.seen = seen
	if print == u.print {
		return u
	}
	u.print, u.changed = print, seen
	u.tries, u.wait, u.marker, u.reason = 0, time.Time{}, "", reasonChanging
	u.due, _ = settle(u.sighting, seen, u.quiet)
	heap.Fix(&s.queue, u.index)
	return u
}

// later puts off the next look at u.
func (s *settling) later(u *unsettled, due time.Time, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u.due, u.reason = due, reason
	heap.Fix(&s.queue, u.index)
}

// requiet gives u another quiet time, once it is known whether its writers can be asked for.
func (s *settling) requiet(u *unsettled, quiet time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u.quiet = quiet
}

// looked records a look that found nothing new.
func (s *settling) looked(u *unsettled, seen time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u.seen = seen
}

// retry puts off the next look at u, for longer each time until the file changes.
func (s *settling) retry(u *unsettled, now time.Time, least, most time.Duration, reason string) {
	delay := backoff(u.tries, least, most)
	u.tries++
	s.later(u, now.Add(delay), reason)
}

// busy puts off the next look at u, which waits for its writer alone.
func (s *settling) busy(u *unsettled, now time.Time, t tempo) {
	s.mu.Lock()
	if u.wait.IsZero() {
		u.wait, u.tries = now, 0
	}
	delay := t.busyWait(u.tries, now.Sub(u.wait))
	u.tries++
	s.mu.Unlock()
	s.later(u, now.Add(delay), reasonWriting)
}

// mark notes the marker that has made u ready.
func (s *settling) mark(u *unsettled, marker file.Path, print file.Fingerprint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u.marker, u.markerPrint = marker, print
}

// lead notes where u leads as a link, "" where it is none.
func (s *settling) lead(u *unsettled, target file.Path) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u.target = target
}

// wake makes the files due whose markers are among those that hints have told of.
func (s *settling) wake(told map[file.Path]bool, now time.Time) {
	if len(told) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for p := range told {
		for _, u := range s.byMarker[s.marker.key(p)] {
			u.due, u.tries = now, 0
			heap.Fix(&s.queue, u.index)
		}
	}
}

// stuckSince returns the files that began to settle after the one moment and not after the other.
func (s *settling) stuckSince(after, until time.Time, most int) (found Stuck) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var first []*unsettled
	byPath := func(a, b *unsettled) int { return strings.Compare(string(a.path), string(b.path)) }
	for _, u := range s.byPath {
		if u.first.After(until) || !u.first.After(after) {
			continue
		}
		found.Count++
		if u.first.After(found.Last) {
			found.Last = u.first
		}
		i, _ := slices.BinarySearchFunc(first, u, byPath)
		if i >= most {
			continue
		}
		first = slices.Insert(first, i, u)
		first = first[:min(len(first), most)]
	}
	for _, u := range first {
		found.First = append(found.First, u.entry())
	}
	return found
}

func (s *settling) drop(p file.Path) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.byPath[p]; u != nil {
		s.unmark(u)
		delete(s.byPath, p)
		heap.Remove(&s.queue, u.index)
	}
}

func (s *settling) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.byPath)
	clear(s.byMarker)
	s.queue = nil
}

func (s *settling) get(p file.Path) (*unsettled, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ok := s.byPath[p]
	return u, ok
}

// waiting returns the Entry of p, if it is not ready.
func (s *settling) waiting(p file.Path) (Entry, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u, ok := s.byPath[p]; ok {
		return u.entry(), true
	}
	return Entry{}, false
}

func (s *settling) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byPath)
}

// longest returns the longest quiet time of the files in the set.
func (s *settling) longest() (quiet time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range s.byPath {
		quiet = max(quiet, u.quiet)
	}
	return quiet
}

// next returns when the next look is due; zero where the set is empty.
func (s *settling) next() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		return time.Time{}
	}
	return s.queue[0].due
}

// due returns the files to look at now, at most limit, in order of path. They stay in the set.
func (s *settling) due(now time.Time, limit int) []*unsettled {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []*unsettled
	for len(s.queue) > 0 && len(found) < limit && !s.queue[0].due.After(now) {
		found = append(found, heap.Pop(&s.queue).(*unsettled))
	}
	for _, u := range found {
		heap.Push(&s.queue, u)
	}
	slices.SortFunc(found, func(a, b *unsettled) int { return strings.Compare(string(a.path), string(b.path)) })
	return found
}

// entries returns all files of the set in order of path.
func (s *settling) entries() []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Entry, 0, len(s.byPath))
	for _, u := range s.byPath {
		all = append(all, u.entry())
	}
	slices.SortFunc(all, func(a, b Entry) int { return strings.Compare(string(a.Path), string(b.Path)) })
	return all
}

// each calls yield with all files of the set, in no order, until it returns false.
func (s *settling) each(yield func(Entry) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range s.byPath {
		if !yield(u.entry()) {
			return
		}
	}
}

// dueQueue is a heap.Interface, earliest first.
type dueQueue []*unsettled

func (q dueQueue) Len() int           { return len(q) }
func (q dueQueue) Less(i, j int) bool { return q[i].due.Before(q[j].due) }
func (q dueQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

func (q *dueQueue) Push(x any) {
	u := x.(*unsettled)
	u.index = len(*q)
	*q = append(*q, u)
}

func (q *dueQueue) Pop() any {
	last := len(*q) - 1
	u := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return u
}
