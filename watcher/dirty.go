package watcher

import (
	"sync"

	"github.com/fsnotify/fsnotify"
)

// dirty is the set of names that something may have happened to. It has no bound and coalesces by name, so that
// whoever reads the kernel's queue never waits: a reader that does work for each event loses most of a flood.
type dirty struct {
	signal chan struct{} // capacity 1; something was put in

	mu     sync.Mutex
	names  map[string]fsnotify.Op // by the operating system's path
	rescan bool
	err    error // the first since the last take
}

func newDirty() *dirty {
	return &dirty{signal: make(chan struct{}, 1), names: map[string]fsnotify.Op{}}
}

// add puts a name in; op 0 says nothing but "look".
func (d *dirty) add(name string, op fsnotify.Op) {
	d.mu.Lock()
	first := len(d.names) == 0
	d.names[name] |= op
	d.mu.Unlock()
	if first {
		d.wake()
	}
}

// fail records that events were lost.
func (d *dirty) fail(err error) {
	d.mu.Lock()
	if d.err == nil {
		d.err = err
	}
	d.mu.Unlock()
	d.wake()
}

func (d *dirty) askRescan() {
	d.mu.Lock()
	d.rescan = true
	d.mu.Unlock()
	d.wake()
}

func (d *dirty) wake() {
	select {
	case d.signal <- struct{}{}:
	default:
	}
}

// urgent returns, once, what must not wait for hints to gather: a wish to scan, and an error of the watch.
func (d *dirty) urgent() (rescan bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	rescan, err = d.rescan, d.err
	d.rescan, d.err = false, nil
	return rescan, err
}

func (d *dirty) empty() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.names) == 0
}

// take returns all names and empties the set.
func (d *dirty) take() map[string]fsnotify.Op {
	d.mu.Lock()
	defer d.mu.Unlock()
	names := d.names
	d.names = map[string]fsnotify.Op{}
	return names
}
