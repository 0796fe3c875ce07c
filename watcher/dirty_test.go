package watcher

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/fsnotify/fsnotify"
)

// Whatever is put in comes out, however the takers and the signal interleave.
func TestDirtyLosesNothing(t *testing.T) {
	const adders, each = 4, 5000
	d := newDirty()
	var adding sync.WaitGroup
	for a := range adders {
		adding.Go(func() {
			for i := range each {
				d.add(fmt.Sprint(a, "/", i), fsnotify.Create)
			}
		})
	}
	done := make(chan struct{})
	go func() {
		adding.Wait()
		close(done)
	}()
	found := map[string]bool{}
	take := func() {
		for name := range d.take() {
			found[name] = true
		}
	}
	for on := true; on; {
		select {
		case <-d.signal:
			take()
		case <-done:
			on = false
		}
	}
	if !d.empty() { // then the signal must be up: nobody would look otherwise
		select {
		case <-d.signal:
			take()
		default:
			t.Error("names are in and the signal is down")
		}
	}
	if len(found) != adders*each {
		t.Errorf("%d names, want %d", len(found), adders*each)
	}
}

func TestDirtyCoalesces(t *testing.T) {
	d := newDirty()
	d.add("a", fsnotify.Create)
	d.add("a", fsnotify.Remove)
	d.add("b", 0)
	first := errors.New("first")
	d.fail(first)
	d.fail(errors.New("second"))
	d.askRescan()
	if rescan, err := d.urgent(); !rescan || !errors.Is(err, first) {
		t.Errorf("urgent = %v, %v", rescan, err)
	}
	if rescan, err := d.urgent(); rescan || err != nil {
		t.Errorf("urgent for the second time = %v, %v", rescan, err)
	}
	names := d.take()
	if len(names) != 2 || names["a"] != fsnotify.Create|fsnotify.Remove {
		t.Errorf("names = %v", names)
	}
	if !d.empty() {
		t.Error("not empty after take")
	}
}
