package syncer

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/state"
)

// TestADeliveryUnderWayEndsWithinTheGrace stops the syncer in the middle of an upload: that file arrives, and what waits
// for its turn is not begun, at this destination or at another.
func TestADeliveryUnderWayEndsWithinTheGrace(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.options.MaxTransfers = 1
	s := r.to("acme", sftptest.ServerOptions{})
	other := r.to("globex", sftptest.ServerOptions{})
	reached, release := blockOn(s, sftptest.OpWrite, ".a.*")
	defer release()
	elsewhere, letGo := blockOn(other, sftptest.OpWrite, ".a.*")
	defer letGo()
	r.drop("a", "content")
	r.drop("b", "waits")
	r.start()
	r.scan()
	r.eventually("an upload is under way", func() bool { return isClosed(reached) || isClosed(elsewhere) })
	r.eventually("both sessions stand", func() bool { return len(r.events.of(EventConnected)) == 2 })
	stopped := make(chan struct{})
	stop := r.stop
	go func() { defer close(stopped); stop() }()
	r.eventually("the one that waits has ended", func() bool { return len(r.syncer.Status()[0].Transfers)+len(r.syncer.Status()[1].Transfers) <= 1 })
	release()
	letGo()
	r.reach("the syncer ends", stopped)
	r.wantReceipts(1)
	begun := 0
	for _, name := range []string{"a", "b"} {
		for _, i := range r.record(name).Intents {
			begun += i.Attempts
			if i.Phase != state.Planned {
				t.Errorf("%s to %s is %s", name, i.Destination, i.Phase)
			}
		}
	}
	if begun != 0 {
		t.Errorf("%d attempts were begun at what waited", begun)
	}
	r.wantNone(EventFailed)
	r.once()
	r.wantReceipts(4)
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// TestADeliveryIsCutOffAfterTheGrace stops the syncer while the server does not answer, at a step before T2 and at the
// one after it. The next run brings the file to its end.
func TestADeliveryIsCutOffAfterTheGrace(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		op, glob string
		phase    state.Phase
	}{
		{sftptest.OpWrite, ".a.*", state.Planned},
		{sftptest.OpRename, "a", state.Committing},
	} {
		t.Run(row.op, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.options.Grace = 50 * time.Millisecond
			s := r.to("acme", sftptest.ServerOptions{})
			seen := sftptest.Observe(t, filepath.Join(s.Dir, "in"))
			reached, release := blockOn(s, row.op, row.glob)
			defer release()
			r.drop("a", strings.Repeat("x", 100_000))
			r.start()
			r.scan()
			r.reach("the request hangs", reached)
			began := time.Now()
			r.stop()
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("the end took %v", took)
			}
			r.wantReceipts(0)
			if i := r.intent("a"); i.Phase != row.phase {
				t.Errorf("it is %s, want %s", i.Phase, row.phase)
			}
			r.wantNone(EventFailed, EventLost) // an end is no failure
			release()
			r.once()
			r.wantReceipts(1)
			wantSeen(r, seen, "a")
		})
	}
}

// TestTheEndComesAtOnceWhereNothingIsUnderWay stops idle, waiting and connecting links.
func TestTheEndComesAtOnceWhereNothingIsUnderWay(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.to("acme", sftptest.ServerOptions{})
	r.to("globex", sftptest.ServerOptions{})
	r.unreachable("globex")
	r.folder.Retry.Initial, r.folder.Retry.Max = time.Hour, time.Hour
	r.drop("a", "content")
	r.start()
	r.scan()
	r.await(EventDelivered, "a", "acme")
	r.await(EventLost, "", "globex")
	r.eventually("the links rest", func() bool {
		states := map[LinkState]bool{}
		for _, s := range r.syncer.Status() {
			states[s.State] = true
		}
		return states[LinkIdle] && states[LinkWaiting]
	})
	began := time.Now()
	r.stop()
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("the end took %v", took)
	}
}

// TestRunEndsWithTheStore cannot go on without it.
func TestRunEndsWithTheStore(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.to("acme", sftptest.ServerOptions{})
	r.must(r.store.Close())
	if err := New(r.options).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("run: %v", err)
	}
}

// TestStatusShowsWhatIsUnderWay looks at a link in the middle of an upload.
func TestStatusShowsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.to("acme", sftptest.ServerOptions{})
	s.Faults.Add(sftptest.SlowAcks(time.Millisecond))
	reached, release := blockOn(s, sftptest.OpClose, ".a.*")
	defer release()
	r.drop("a", strings.Repeat("x", 3<<20))
	r.start()
	r.scan()
	r.reach("the upload is under way", reached)
	status := r.syncer.Status()[0]
	if status.State != LinkActive || !status.Connected || len(status.Transfers) != 1 {
		t.Fatalf("the link is %+v", status)
	}
	if tr := status.Transfers[0]; tr.Path != "a" || tr.Size != 3<<20 || tr.Sent != 3<<20 || tr.Folder != "out" || tr.ID == "" {
		t.Errorf("under way: %+v", tr)
	}
	release()
	r.await(EventDelivered, "a", "acme")
	r.eventually("the link is idle", func() bool {
		s := r.syncer.Status()[0]
		return s.State == LinkIdle && len(s.Transfers) == 0
	})
	if n := r.events.count(EventProgress); n < 3 || n > 10 {
		t.Errorf("%d times progress for 3 MiB", n)
	}
}

// TestALostSessionIsReplaced reconnects when there is something to do, and does not complain of a session that ended
// while there was nothing.
func TestALostSessionIsReplaced(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.to("acme", sftptest.ServerOptions{})
	r.drop("a", "1")
	r.deliver("a")
	r.eventually("the link is idle", func() bool { return r.syncer.Status()[0].State == LinkIdle })
	s.CloseConnections()
	r.eventually("the loss is noticed", func() bool { return !r.syncer.Status()[0].Connected })
	r.drop("b", "2")
	r.deliver("b")
	if n := s.Stats().Logins; n != 2 {
		t.Errorf("%d logins, want 2", n)
	}
	r.wantNone(EventLost, EventFailed)
}
