package state

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/dropferry/dropferry/file"
)

// TestSharedStore is opened, written to and closed by many at once, from its making on.
func TestSharedStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var all sync.WaitGroup
	const users, times = 4, 3
	for u := range users {
		all.Go(func() {
			for i := range times {
				s, err := OpenShared(t.Context(), dir)
				if err != nil {
					t.Errorf("open: %v", err)
					return
				}
				in := intentFor(route, file.Path(fmt.Sprintf("%d-%d", u, i)))
				if got, err := s.Plan(t.Context(), []Plan{{Intent: in}}); err != nil || !got[0].OK {
					t.Errorf("plan: %v, %v", got, err)
				}
				deliver(t, s.Store, in, true)
				if err := s.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			}
		})
	}
	all.Wait()
	s := openAt(t, dir)
	receipts, err := s.History(t.Context(), Filter{})
	if err != nil || len(receipts) != users*times {
		t.Errorf("%d receipts, want %d: %v", len(receipts), users*times, err)
	}
}

// TestSharedStoreOfAnAgent waits, but not for ever: an agent holds its store as long as it runs.
func TestSharedStoreOfAnAgent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	agent := openAt(t, dir)
	opened := make(chan error, 1)
	go func() {
		s, err := OpenShared(t.Context(), dir)
		if err == nil {
			err = s.Close()
		}
		opened <- err
	}()
	closeStore(t, agent)
	if err := <-opened; err != nil {
		t.Errorf("after the agent's end: %v", err)
	}
}

// TestMeasure knows the size of a stream at its end, and no later.
func TestMeasure(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	in := planOne(t, s, intentFor(route, "stream"))
	print := file.Fingerprint{Size: 7, ModTime: noon.UnixNano()}
	if ok, err := s.Measure(t.Context(), in.ID, print); err != nil || !ok {
		t.Fatalf("%v, %v", ok, err)
	}
	if got := stored(t, s, in.ID).Fingerprint; got != print {
		t.Errorf("%+v", got)
	}
	commit(t, s, in)
	if ok, err := s.Measure(t.Context(), in.ID, file.Fingerprint{Size: 8}); err != nil || ok {
		t.Errorf("of a committing intent: %v, %v", ok, err)
	}
	if got := stored(t, s, in.ID).Fingerprint; got != print {
		t.Errorf("%+v", got)
	}
}

// TestHold gives each name to one at a time, and leaves nothing behind.
func TestHold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	hold := func(name string) func() error {
		t.Helper()
		release, err := Hold(dir, name)
		if err != nil {
			t.Fatalf("hold %q: %v", name, err)
		}
		return release
	}
	a := hold("a")
	if _, err := Hold(dir, "a"); !errors.Is(err, ErrHeld) {
		t.Errorf("held twice: %v", err)
	}
	b := hold("b")
	if _, err := Hold(dir, "a"); !errors.Is(err, ErrHeld) {
		t.Errorf("held twice, beside another: %v", err)
	}
	for _, release := range []func() error{a, b, hold(""), hold("\x00\xff")} {
		if err := release(); err != nil {
			t.Error(err)
		}
	}
	if err := hold("a")(); err != nil {
		t.Error(err)
	}
	info, err := os.Stat(filepath.Join(dir, "holds"))
	if entries, _ := os.ReadDir(dir); err != nil || info.Size() != 0 || len(entries) != 1 {
		t.Errorf("%v bytes in %d files, %v", info.Size(), len(entries), err)
	}
}
