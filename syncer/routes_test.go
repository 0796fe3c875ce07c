package syncer

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// unreachable makes a destination's dials fail until the returned function is called.
func (r *rig) unreachable(destination string) (reach func()) {
	var reachable atomic.Bool
	for i := range r.options.Destinations {
		if d := &r.options.Destinations[i]; d.Name == destination {
			dial := d.Dial
			d.Dial = func(ctx context.Context) (Session, error) {
				if !reachable.Load() {
					return nil, &remote.Error{Op: "connect", Destination: destination, Kind: remote.Transient, Err: errors.New("connection refused")}
				}
				return dial(ctx)
			}
		}
	}
	return func() { reachable.Store(true) }
}

// TestTheSourceStaysUntilEveryDestinationHasIt leaves one of two destinations out for a while.
func TestTheSourceStaysUntilEveryDestinationHasIt(t *testing.T) {
	t.Parallel()
	for _, after := range []After{Archive, Delete} {
		t.Run(string(after), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.folder.After = after
			r.to("acme", sftptest.ServerOptions{})
			r.to("globex", sftptest.ServerOptions{})
			reach := r.unreachable("globex")
			r.drop("a", "content")
			r.start()
			r.scan()
			r.await(EventDelivered, "a", "acme")
			r.await(EventLost, "", "globex")
			r.scan() // which looks for what can be taken away
			r.wantFolder(map[string]string{"a": "content"})
			r.wantReceipts(1)

			r.stop()
			r.once() // which ends, with one destination given up
			r.wantFolder(map[string]string{"a": "content"})
			failed := 0
			for _, s := range r.syncer.Status() {
				if s.State == LinkFailed {
					failed++
				}
			}
			if failed != 1 {
				t.Errorf("%d links have failed, want 1", failed)
			}

			reach()
			r.once()
			r.wantReceipts(2)
			r.wantFolder(map[string]string{})
			r.wantInbox("acme", map[string]string{"a": "content"})
			r.wantInbox("globex", map[string]string{"a": "content"})
			if after == Archive {
				r.wantSent(map[string]string{"a": "content"})
			}
			if n := len(r.record("a").Intents) + len(r.record("a").Known); n != 0 {
				t.Errorf("%d traces of an ended story", n)
			}
		})
	}
}

// TestTwoDestinationsMayEndAVersionAtOnce takes many files away, each after two deliveries at about the same moment.
func TestTwoDestinationsMayEndAVersionAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.folder.After = Archive
	r.to("acme", sftptest.ServerOptions{})
	r.to("globex", sftptest.ServerOptions{})
	want := map[string]string{}
	for i := range 40 {
		name := string(rune('A' + i))
		want[name] = name
		r.drop(name, name)
	}
	r.once()
	r.wantReceipts(80)
	r.wantSent(want)
	r.wantFolder(map[string]string{})
	if n := r.events.count(EventArchived); n != len(want) {
		t.Errorf("%d files were archived, want %d", n, len(want))
	}
	r.wantNone(EventFailed)
}

// TestTheSameNameDroppedAgainIsANewDelivery is the daily trigger file: each day the same name, content and even time,
// while yesterday's still lies at the other side.
func TestTheSameNameDroppedAgainIsANewDelivery(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		hashes bool
		faults []sftptest.Fault
	}{
		{"the server hashes", true, nil},
		{"it does not", false, nil},
		{"it keeps no times", true, []sftptest.Fault{sftptest.RefuseSetstat()}},
		{"it does neither", false, []sftptest.Fault{sftptest.RefuseSetstat()}},
		{"it has no posix-rename", true, []sftptest.Fault{sftptest.NoPosixRename()}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.folder.After = Archive
			var s *sftptest.TestServer
			if row.hashes {
				s = r.toHashing("acme", row.faults...)
			} else {
				s = r.to("acme", sftptest.ServerOptions{}, row.faults...)
			}
			renames := func() int { return s.Faults.Calls(sftptest.OpRename) + s.Faults.Calls(sftptest.OpPosixRename) }
			var at file.Fingerprint
			for day := 1; day <= 3; day++ {
				print := r.drop("trigger", "go")
				if day == 1 {
					at = print
				} else {
					r.must(os.Chtimes(r.source("trigger"), at.Modified(), at.Modified()))
				}
				before := renames()
				r.once()
				r.wantReceipts(day)
				r.wantInbox("acme", map[string]string{"trigger": "go"})
				if renames() == before {
					t.Errorf("day %d: it was not published", day)
				}
			}
			r.wantFolder(map[string]string{})
			r.wantNone(EventHeld, EventFailed, EventUnchanged, EventAdopted)
			all, err := filepath.Glob(r.at("sent/*"))
			if err != nil || len(all) != 3 {
				t.Errorf("the archive has %v, want three files", all)
			}
		})
	}
}

// TestWhatIsDroppedAgainBeforeItIsTakenAwayIsSentAgain has one destination out while the producer drops twice.
func TestWhatIsDroppedAgainBeforeItIsTakenAwayIsSentAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.folder.After = Archive
	r.to("acme", sftptest.ServerOptions{})
	r.to("globex", sftptest.ServerOptions{})
	reach := r.unreachable("globex")
	r.drop("trigger", "go")
	r.once()
	r.wantReceipts(1)
	r.drop("trigger", "go")
	r.once()
	r.wantReceipts(2) // acme again
	reach()
	r.once()
	r.wantReceipts(3) // globex the newer one only
	r.wantFolder(map[string]string{})
	r.wantSent(map[string]string{"trigger": "go"})
}

// TestAChmodIsNoNewDelivery changes the attributes of a file that waits for another destination, as a backup may.
func TestAChmodIsNoNewDelivery(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.folder.After = Archive
	r.to("acme", sftptest.ServerOptions{})
	r.to("globex", sftptest.ServerOptions{})
	reach := r.unreachable("globex")
	r.drop("payment", "100")
	r.once()
	r.must(os.Chmod(r.source("payment"), 0o600))
	r.once()
	r.await(EventUnchanged, "payment", "acme")
	r.wantReceipts(1)
	r.wantFolder(map[string]string{"payment": "100"})
	reach()
	r.once()
	r.wantReceipts(2)
	r.wantFolder(map[string]string{})
	r.wantSent(map[string]string{"payment": "100"})
	r.once()
	r.wantReceipts(2)
	if n := len(r.record("payment").Intents) + len(r.record("payment").Known); n != 0 {
		t.Errorf("%d traces of an ended story: %+v", n, r.record("payment"))
	}
}

// TestAFileIsTakenAwayOnlyAfterRoutesThatAreNotPlannedYet has one route's plan refused, since another file of the folder
// has its final name. The partner takes what comes, so that the name is free again.
func TestAFileIsTakenAwayOnlyAfterRoutesThatAreNotPlannedYet(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"run", "once"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.folder.After = Archive
			r.to("acme", sftptest.ServerOptions{})
			slow := r.to("globex", sftptest.ServerOptions{})
			flat := &r.folder.Routes[1]
			flat.RemotePath = func(p file.Path, _ time.Time) string { return "in/" + p.Base() }
			blocked := make(chan struct{})
			slow.Faults.Add(sftptest.Fault{Op: sftptest.OpWrite, Path: ".same.*", Times: 1, Do: func() { <-blocked }})
			slow.Faults.Add(sftptest.VanishOnRename(""))
			r.drop("1/same", "one")
			r.drop("2/same", "two")
			ended := make(chan struct{})
			if way == "once" {
				go func() { defer close(ended); r.once() }()
			} else {
				r.start()
				r.scan()
			}
			r.await(EventDelivered, "2/same", "acme")
			if got := r.syncer.Planner("out").Deferred(); got != 1 {
				t.Errorf("%d files wait for another, want 1", got)
			}
			wantTree(t, filepath.Join(r.root, "2"), map[string]string{"same": "two"})
			close(blocked)
			r.await(EventDelivered, "1/same", "globex")
			r.await(EventDelivered, "2/same", "globex")
			r.await(EventArchived, "2/same", "")
			if way == "once" {
				<-ended
			} else {
				r.eventually("both are archived", func() bool { return r.events.count(EventArchived) == 2 })
			}
			r.wantFolder(map[string]string{})
			r.wantSent(map[string]string{"1/same": "one", "2/same": "two"})
			r.wantInbox("globex", map[string]string{})
			r.wantReceipts(4)
		})
	}
}

// TestARouteThatWasRemoved drops what was planned for it, and brings what may be published to its end.
func TestARouteThatWasRemoved(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		gone func(string) bool // of the folder; nil where only the route is gone
	}{{"the route", nil}, {"the folder", func(string) bool { return true }}} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			s := r.to("acme", sftptest.ServerOptions{})
			r.to("globex", sftptest.ServerOptions{})
			planned := r.plan("planned", "1")[0]
			committing := r.plan("committing", "2")[0]
			r.uploaded(s, &committing)
			if row.gone == nil {
				r.folder.Routes = r.folder.Routes[1:]
			} else {
				r.folder.Name, r.options.Gone = "another", row.gone
			}
			r.start()
			e := r.await(EventDropped, "planned", "acme")
			if e.ID != planned.ID || !strings.Contains(e.Reason, "configuration") {
				t.Errorf("dropped: %+v", e)
			}
			r.await(EventDelivered, "committing", "acme")
			r.wantInbox("acme", map[string]string{"committing": "2"})
			r.wantFolder(map[string]string{"planned": "1", "committing": "2"})
		})
	}
}

// TestFoldersOfOtherRunsAreLeftAlone runs with one folder only, as `once --folder` does.
func TestFoldersOfOtherRunsAreLeftAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.to("acme", sftptest.ServerOptions{})
	r.plan("a", "1")
	committing := r.plan("b", "2")[0]
	r.uploaded(s, &committing)
	before := [2]state.Record{r.record("a"), r.record("b")}
	r.folder.Name = "another"
	r.once()
	r.folder.Name = "out"
	if after := [2]state.Record{r.record("a"), r.record("b")}; after[0].Intents[0].ID != before[0].Intents[0].ID ||
		after[1].Intents[0].Phase != state.Committing {
		t.Errorf("the store has %+v, had %+v", after, before)
	}
	if n := s.Stats().Connections; n != 0 {
		t.Errorf("%d connections for the sake of other folders", n)
	}
	r.wantNone(EventFailed, EventDropped)
}
