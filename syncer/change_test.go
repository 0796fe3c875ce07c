package syncer

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/state"
)

// blockOn lets the first call of an operation on a path wait until it is released, and tells when it has come.
func blockOn(s *sftptest.TestServer, op, glob string) (reached <-chan struct{}, release func()) {
	come, on := make(chan struct{}), make(chan struct{})
	s.Faults.Add(sftptest.Fault{Op: op, Path: glob, Times: 1, Do: func() { close(come); <-on }})
	return come, sync.OnceFunc(func() { close(on) })
}

func (r *rig) reach(what string, c <-chan struct{}) {
	r.Helper()
	r.eventually(what, func() bool { return isClosed(c) })
}

// TestANewerVersionSupersedesOneThatIsBeingSent replaces a file in the middle of its upload. The planner hears of it
// before the upload does.
func TestANewerVersionSupersedesOneThatIsBeingSent(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.to("acme", sftptest.ServerOptions{})
	seen := sftptest.Observe(t, filepath.Join(s.Dir, "in"))
	reached, release := blockOn(s, sftptest.OpWrite, ".a.*")
	defer release()
	r.drop("a", "first")
	r.start()
	r.scan()
	r.reach("the upload is under way", reached)
	first := r.intent("a")
	r.drop("a", "second")
	r.scan()
	if e := r.await(EventDropped, "a", "acme"); e.ID != first.ID || e.Reason != string(ReasonNew) {
		t.Errorf("superseded: %+v", e)
	}
	release()
	r.await(EventDelivered, "a", "acme")
	r.eventually("no temp is left", func() bool { return len(temps(s)) == 0 })
	r.wantReceipts(1)
	wantSeen(r, seen, "a")
	r.wantInbox("acme", map[string]string{"a": "second"})
	r.eventually("nothing is to be swept", func() bool {
		sweeps, err := r.store.Sweeps(t.Context(), "acme", 0)
		return err == nil && len(sweeps) == 0
	})
	if n := r.events.count(EventDropped); n != 1 {
		t.Errorf("told %d times that it was dropped", n)
	}
	r.wantNone(EventHeld, EventParked)
}

// TestAVersionThatIsBeingPublishedIsNotSuperseded replaces a file after T2: both versions are delivered, in order.
func TestAVersionThatIsBeingPublishedIsNotSuperseded(t *testing.T) {
	t.Parallel()
	for _, after := range []After{Keep, Archive} {
		t.Run(string(after), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.folder.After = after
			s := r.to("acme", sftptest.ServerOptions{})
			seen := sftptest.Observe(t, filepath.Join(s.Dir, "in"))
			reached, release := blockOn(s, sftptest.OpRename, "a")
			defer release()
			r.drop("a", "first")
			r.start()
			r.scan()
			r.reach("the rename is under way", reached)
			r.drop("a", "second")
			r.scan()
			if i := r.intent("a"); i.Phase != state.Committing {
				t.Errorf("it is %s", i.Phase)
			}
			release()
			r.await(EventDelivered, "a", "acme")
			r.await(EventDelivered, "a", "acme")
			r.wantReceipts(2)
			r.wantInbox("acme", map[string]string{"a": "second"})
			if n := len(seen.Seen()); n != 2 {
				t.Errorf("%d sightings, want 2", n)
			}
			if after == Archive {
				r.await(EventArchived, "a", "")
				r.wantSent(map[string]string{"a": "second"}) // the first was gone by then
			}
			r.wantNone(EventFailed, EventHeld, EventDropped)
		})
	}
}

// TestAFileThatChangesWhileItIsSent writes to a file during its upload. Nobody plans it anew before the upload has
// noticed.
func TestAFileThatChangesWhileItIsSent(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		change func(r *rig)
		want   string
	}{
		{"grows", func(r *rig) { r.append("a", "more") }, "secondmore"},
		{"shrinks", func(r *rig) { r.must(os.Truncate(r.source("a"), 3)) }, "sec"},
		{"is replaced", func(r *rig) { r.drop("a", "third") }, "third"},
		{"is touched", func(r *rig) { r.must(os.Chtimes(r.source("a"), settledClock(), settledClock())) }, "second"},
	} {
		for _, op := range []string{sftptest.OpOpen, sftptest.OpClose} {
			t.Run(row.name+" at "+op, func(t *testing.T) {
				t.Parallel()
				r := newRig(t)
				s := r.to("acme", sftptest.ServerOptions{})
				r.drop("a", "first")
				r.deliver("a")
				seen := sftptest.Observe(t, filepath.Join(s.Dir, "in"))
				var once sync.Once
				s.Faults.Add(sftptest.Fault{Op: op, Path: ".a.*", Do: func() { once.Do(func() { row.change(r) }) }})
				r.drop("a", "second")
				r.scan()
				e := r.await(EventDropped, "a", "acme")
				if !strings.Contains(e.Reason, "changed") {
					t.Errorf("dropped because of %q", e.Reason)
				}
				r.await(EventDelivered, "a", "acme")
				r.eventually("no temp is left", func() bool { return len(temps(s)) == 0 })
				r.wantReceipts(2)
				wantSeen(r, seen, "a", "a") // the first, which stood there, and the last
				r.wantInbox("acme", map[string]string{"a": row.want})
			})
		}
	}
}

func (r *rig) append(name, content string) {
	r.Helper()
	f, err := os.OpenFile(r.source(name), os.O_WRONLY|os.O_APPEND, 0)
	r.must(err)
	_, err = f.WriteString(content)
	r.must(err)
	r.must(f.Close())
}

// TestOnceTellsOfAFileThatChanges has nobody who would look at the file again: it must not count as sent.
func TestOnceTellsOfAFileThatChanges(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.to("acme", sftptest.ServerOptions{})
	var once sync.Once
	s.Faults.Add(sftptest.Fault{Op: sftptest.OpClose, Path: ".a.*", Do: func() { once.Do(func() { r.append("a", "more") }) }})
	r.drop("a", "first")
	r.once()
	r.await(EventFailed, "a", "acme")
	if i := r.intent("a"); i.Phase != state.Planned {
		t.Errorf("it is %s", i.Phase)
	}
	r.wantReceipts(0)
	r.wantInbox("acme", map[string]string{})

	r.once()
	r.wantReceipts(1)
	r.wantInbox("acme", map[string]string{"a": "firstmore"})
}

func TestASourceThatIsGoneIsDropped(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"run", "once"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			s := r.to("acme", sftptest.ServerOptions{})
			var once sync.Once
			s.Faults.Add(sftptest.Fault{Op: sftptest.OpClose, Path: ".a.*", Do: func() { once.Do(func() { r.must(os.Remove(r.source("a"))) }) }})
			r.drop("a", "content")
			if way == "once" {
				r.once()
			} else {
				r.start()
				r.scan()
			}
			r.await(EventDropped, "a", "acme")
			r.eventually("no temp is left", func() bool { return len(temps(s)) == 0 })
			if n := len(r.record("a").Intents); n != 0 {
				t.Errorf("%d intents are left", n)
			}
			r.wantReceipts(0)
		})
	}
}

// TestAFileThatSomebodyWritesToIsNotSent has a writer who has the file open and changes nothing.
func TestAFileThatSomebodyWritesToIsNotSent(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.folder.After = Archive
	r.to("acme", sftptest.ServerOptions{})
	r.drop("a", "content")
	f, err := os.OpenFile(r.source("a"), os.O_WRONLY, 0)
	r.must(err)
	defer f.Close() //nolint:errcheck // closed below, where it matters
	r.once()
	e := r.await(EventFailed, "a", "acme")
	if !strings.Contains(e.Reason, "being written") {
		t.Skipf("this file system does not tell of writers: %s", r.events)
	}
	r.wantReceipts(0)
	r.must(f.Close())
	r.once()
	r.wantReceipts(1)
	r.wantSent(map[string]string{"a": "content"})
}

// TestWhatWasPlannedIsTakenBack lets a scan take back what was planned, while the destination is out.
func TestWhatWasPlannedIsTakenBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.to("acme", sftptest.ServerOptions{})
	reach := r.unreachable("acme")
	r.drop("gone", "1")
	r.drop("stays", "2")
	r.start()
	r.scan()
	r.await(EventPlanned, "gone", "acme")
	r.must(os.Remove(r.source("gone")))
	r.scan()
	if e := r.await(EventDropped, "gone", "acme"); e.Reason != string(ReasonRemoved) {
		t.Errorf("reason: %s", e.Reason)
	}
	reach()
	r.await(EventDelivered, "stays", "acme")
	r.wantInbox("acme", map[string]string{"stays": "2"})
	r.eventually("nothing is to be swept", func() bool {
		sweeps, err := r.store.Sweeps(t.Context(), "acme", 0)
		return err == nil && len(sweeps) == 0
	})
}

// TestAnUploadThatWasSupersededKeepsItsTempUntilItEnds sweeps what is nobody's any more, and not what is still written to.
func TestAnUploadThatWasSupersededKeepsItsTempUntilItEnds(t *testing.T) {
	for name, held := range map[string]bool{"swept later": false, "the sweep was begun before the upload": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			s := r.toFake()
			come, on, look := make(chan struct{}), make(chan struct{}), make(chan struct{})
			var ended, early atomic.Bool
			var first atomic.Pointer[state.Intent]
			s.setRefuse(func(op, name string, _ func()) error {
				i := first.Load()
				switch {
				case op == "put" && i == nil:
					close(come)
					<-on
					ended.Store(true)
				case op == "stat" && name == "in/.aside.part":
					<-look // a sweep looks for these before it asks what there is to be swept
				case op == "remove" && i != nil && name == i.Temp && !ended.Load():
					early.Store(true)
				}
				return nil
			})
			if held {
				aside := state.Aside{Destination: "acme", Name: "in/.aside.part", Final: "in/aside", Intent: "aside"}
				r.must(r.store.SaveAside(t.Context(), aside))
			}
			r.drop("a", "first")
			r.start()
			r.scan()
			r.reach("the upload is under way", come)
			i := r.intent("a")
			first.Store(&i)
			r.drop("a", "second")
			r.scan()
			r.await(EventDelivered, "a", "acme")
			close(look)
			s.put("in/.other.part", "left over", time.Now())
			r.must(r.store.AddSweep(t.Context(), state.Sweep{ID: "other", Destination: "acme", Temp: "in/.other.part"}))
			r.syncer.poke("acme")
			r.eventually("what is nobody's is swept", func() bool { return len(s.names(".other.")) == 0 })
			close(on)
			r.eventually("its temp is swept", func() bool { return len(s.names(i.ID)) == 0 })
			if early.Load() {
				t.Error("the temp was removed from under the upload")
			}
		})
	}
}

// TestATakeawayThatHadToWaitIsMadeUpFor has a writer open the file for a moment after it was delivered: it is archived
// when it turns out to be the same, without another scan.
func TestATakeawayThatHadToWaitIsMadeUpFor(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.folder.After = Archive
	s := r.to("acme", sftptest.ServerOptions{})
	var writer *os.File
	s.Faults.Add(sftptest.Fault{Op: sftptest.OpRename, Path: "a", Times: 1, Do: func() {
		f, err := os.OpenFile(r.source("a"), os.O_WRONLY, 0)
		r.must(err)
		writer = f
	}})
	r.drop("a", "content")
	r.deliver("a")
	e, failed := r.events.await(func(e *Event) bool { return e.Type == EventFailed || e.Type == EventArchived })
	r.must(writer.Close())
	if !failed || e.Type == EventArchived {
		t.Skip("this file system does not tell of writers")
	}
	r.wantFolder(map[string]string{"a": "content"})
	r.hints <- "a" // as the watcher does when the writer has gone
	r.await(EventUnchanged, "a", "acme")
	r.await(EventArchived, "a", "")
	r.wantFolder(map[string]string{})
	r.wantReceipts(1)
}
