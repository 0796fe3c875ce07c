package sftptest

import (
	"context"
	"sync"
)

// Faults is a server's fault table, and its memory of the calls that have come in. It may be changed while the server
// runs, and shared by several servers. The zero value is an empty table.
type Faults struct {
	mu      sync.Mutex
	table   []*rule
	cleared chan struct{} // closed when the table is cleared; nil until somebody waits for that
	counts  map[string]int
	hits    int
	trace   []Call
	closed  map[string]bool // files that were written and closed, for RefuseStatAfterClose
}

// rule is a fault with its count.
type rule struct {
	Fault
	seen, met int
	used      int64 // bytes, for DiskFullAfter
}

// Call is one request that a client has made. Target is "" but for renames and links.
type Call struct {
	Op, Path, Target string
}

// maxTrace bounds the memory of a server that runs for long.
const maxTrace = 4096

// NewFaults returns a table.
func NewFaults(table ...Fault) *Faults {
	f := &Faults{}
	f.Add(table...)
	return f
}

// Add appends to the table.
func (f *Faults) Add(table ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.add(table)
}

func (f *Faults) add(table []Fault) {
	for _, t := range table {
		f.table = append(f.table, &rule{Fault: t})
	}
}

// Clear empties the table: the server behaves from now on, and calls that hang return. What it remembers of calls stays.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.empty()
	f.closed = nil
}

// Set puts another table in the place of the one there is. What the server remembers of files stays too.
func (f *Faults) Set(table ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.empty()
	f.add(table)
}

func (f *Faults) empty() {
	f.table = nil
	if f.cleared != nil {
		close(f.cleared)
		f.cleared = nil
	}
}

// Calls returns how many calls of op have come in since the beginning, faulted or not.
func (f *Faults) Calls(op string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts[op]
}

// Hits returns how many calls have met a fault.
func (f *Faults) Hits() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hits
}

// Trace returns the last calls in the order of their arrival, reads and writes left out.
func (f *Faults) Trace() []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Call(nil), f.trace...)
}

// meeting is what the table says of one call.
type meeting struct {
	rules   []*rule
	cleared <-chan struct{}
}

// meet counts a call and returns the faults that it meets.
func (f *Faults) meet(op, name, target string) meeting {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.counts == nil {
		f.counts = map[string]int{}
	}
	f.counts[op]++
	if op != OpRead && op != OpWrite {
		if len(f.trace) == maxTrace {
			f.trace = append(f.trace[:0], f.trace[maxTrace/2:]...)
		}
		f.trace = append(f.trace, Call{op, name, target})
	}
	var m meeting
	for _, r := range f.table {
		if r.effect.standing() || !r.matches(op, name, target) {
			continue
		}
		if r.seen++; r.seen <= r.After || (r.Times > 0 && r.met >= r.Times) {
			continue
		}
		r.met++
		m.rules = append(m.rules, r)
	}
	if len(m.rules) > 0 {
		f.hits++
		if f.cleared == nil {
			f.cleared = make(chan struct{})
		}
		m.cleared = f.cleared
	}
	return m
}

// apply lets the faults of the call happen, those before the operation or those after it. The first error is the reply.
func (m meeting) apply(ctx context.Context, cut func(), late bool) error {
	for _, r := range m.rules {
		if r.Late != late {
			continue
		}
		if err := r.apply(ctx, cut, m.cleared); err != nil {
			return err
		}
	}
	return nil
}

// find returns the fault of the call that has the effect, or nil.
func (m meeting) find(e effect) *rule {
	for _, r := range m.rules {
		if r.effect == e {
			return r
		}
	}
	return nil
}

// standing returns the first fault of the table with a standing effect that speaks of name.
func (f *Faults) standing(e effect, name string) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.table {
		if r.effect == e && r.matchesPath(name) {
			return r.Fault, true
		}
	}
	return Fault{}, false
}

// hides tells whether the server is to deny that it has an extension.
func (f *Faults) hides(extension string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.table {
		if r.effect == hideExtension && r.text == extension {
			return true
		}
	}
	return false
}
