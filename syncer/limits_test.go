package syncer

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// TestFailuresOfItsOwnParkAFile gives a file up after as many attempts as its failure deserves, and no other.
func TestFailuresOfItsOwnParkAFile(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name     string
		fault    sftptest.Fault
		attempts int // that failed on their own account
		phase    state.Phase
	}{
		{"denied", sftptest.Refuse(sftptest.OpRename, sftptest.PermissionDenied), permissionsBeforeParking, state.Parked},
		{"refused", sftptest.Refuse(sftptest.OpOpen, sftptest.Failure), refusalsBeforeParking, state.Parked},
		{"unsupported", sftptest.Refuse(sftptest.OpRename, sftptest.Unsupported), 1, state.Parked},
		{"lost bytes", sftptest.Lose("*", 0), corruptionsBeforeHolding, state.Held},
	} {
		for _, way := range []string{"run", "once"} {
			t.Run(row.name+" "+way, func(t *testing.T) {
				t.Parallel()
				r := newRig(t)
				row.fault.Path = ".bad.*"
				s := r.to("acme", sftptest.ServerOptions{}, row.fault)
				r.drop("bad", "content")
				r.drop("good", "content")
				if way == "once" {
					r.once()
				} else {
					r.start()
					r.scan()
				}
				event := map[state.Phase]EventType{state.Parked: EventParked, state.Held: EventHeld}[row.phase]
				e := r.await(event, "bad", "acme")
				r.await(EventDelivered, "good", "acme")
				i := r.intent("bad")
				if i.Phase != row.phase || i.Failures != row.attempts || i.LastError != e.Err.Error() {
					t.Errorf("%s after %d failures, want %s after %d; last error %q", i.Phase, i.Failures, row.phase, row.attempts, i.LastError)
				}
				r.eventually("no temp is left", func() bool { return len(temps(s)) == 0 })
				r.wantInbox("acme", map[string]string{"good": "content"})
				if r.stop == nil {
					r.start()
				}
				r.scan() // a parked file is not planned again
				s.Faults.Clear()
				if ok, err := r.store.Release(t.Context(), i.ID); !ok || err != nil {
					t.Fatal(ok, err)
				}
				r.syncer.poke("acme")
				r.await(EventDelivered, "bad", "acme")
			})
		}
	}
}

// TestOnceTriesAFileThreeTimes ends where a file fails in a way that may pass.
func TestOnceTriesAFileThreeTimes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.to("acme", sftptest.ServerOptions{}, sftptest.Refuse(sftptest.OpFsync, sftptest.NoSuchFile).On(".bad.*"))
	r.drop("bad", "content")
	r.drop("good", "content")
	r.once()
	r.wantReceipts(1)
	if i := r.intent("bad"); i.Phase != state.Planned || i.Attempts != onceTries {
		t.Errorf("%s after %d attempts, want planned after %d", i.Phase, i.Attempts, onceTries)
	}
	s.Faults.Clear()
	r.once() // which does not wait for the next attempt's time
	r.wantReceipts(2)
}

// TestOutagesParkNothing has a file that once failed of its own, and then an outage longer than its patience.
func TestOutagesParkNothing(t *testing.T) {
	t.Parallel()
	retry := Retry{Initial: time.Second, Max: time.Minute, GiveUpAfter: time.Hour}
	random := rand.New(rand.NewPCG(1, 2))
	noon := func(day int) time.Time { return time.Date(2026, 3, day, 12, 0, 0, 0, time.UTC) }
	late := &outcome{
		intent: state.Intent{ID: "a", Failures: 1, FailedAt: noon(1), NextAttempt: noon(1).Add(time.Minute)},
		began:  noon(4), alone: true, err: problem("put", "a", remote.Missing, errors.New("no")),
	}
	f := failedWith(late, &trouble{}, false)
	if f.failing != time.Minute {
		t.Errorf("it has failed for %v, want the minute in which it could be tried", f.failing)
	}
	v := judgeFailure(late.err, true, f, retry, random)
	if v.action != later {
		t.Errorf("%s after an outage of three days, want later", v.action)
	}
	// Another hour in which it was tried at its time counts.
	late.intent.FailingFor = f.failing
	late.intent.FailedAt, late.intent.NextAttempt = noon(4), noon(4).Add(time.Hour)
	late.began = late.intent.NextAttempt
	if v := judgeFailure(late.err, true, failedWith(late, &trouble{}, false), retry, random); v.action != setAside {
		t.Errorf("%s after an hour of failures, want set-aside", v.action)
	}
}

// TestAPoisonedFileDoesNotKeepOthersBack has a file that loses the connection whenever it is sent, the first in the
// queue of many.
func TestAPoisonedFileDoesNotKeepOthersBack(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"run", "once"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			poison := sftptest.CutOn(sftptest.OpOpen).On(".00-poison*")
			poison.Times = 0
			s := r.to("acme", sftptest.ServerOptions{}, poison)
			want := map[string]string{}
			r.drop("00-poison", "x")
			for i := range 20 {
				name := fmt.Sprintf("good-%02d", i)
				want[name] = name
				r.drop(name, name)
			}
			if way == "once" {
				r.once()
			} else {
				r.start()
				r.scan()
				r.eventually("the others are delivered", func() bool { return len(r.receipts()) == len(want) })
			}
			r.eventually("all is there", func() bool { return r.intent("00-poison").Phase == state.Planned })
			if i := r.intent("00-poison"); i.Failures != 0 {
				t.Errorf("a lost connection counts as %d failures of the file", i.Failures)
			}
			if n := s.Stats().Connections; n > 60 {
				t.Errorf("%d connections for 20 files", n)
			}
			if r.stop != nil {
				r.stop()
			}
			r.must(removeTemps(s))
			r.wantInbox("acme", want)
		})
	}
}

func removeTemps(s *sftptest.TestServer) error {
	var errs []error
	for _, name := range temps(s) {
		errs = append(errs, os.Remove(name))
	}
	return errors.Join(errs...)
}

// TestAServerOfOneOpenFile delivers to one who answers PERMISSION_DENIED while another file is open.
func TestAServerOfOneOpenFile(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"run", "once"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.to("acme", sftptest.ServerOptions{}, sftptest.OneOpenFile())
			want := map[string]string{}
			for i := range 30 {
				name := fmt.Sprintf("%02d", i)
				want[name] = strings.Repeat(name, 20_000)
				r.drop(name, want[name])
			}
			if way == "once" {
				r.once()
			} else {
				r.start()
				r.scan()
				r.eventually("all is delivered", func() bool { return len(r.receipts()) == len(want) })
			}
			r.wantReceipts(len(want))
			r.wantInbox("acme", want)
			r.wantNone(EventParked)
		})
	}
}

// TestADenialOfOneFileIsFoundOut has a directory that denies, beside files that are sent many at a time.
func TestADenialOfOneFileIsFoundOut(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.to("acme", sftptest.ServerOptions{}, sftptest.Refuse(sftptest.OpOpen, sftptest.PermissionDenied).On("*-bad*"))
	want := map[string]string{}
	for i := range 20 {
		name := fmt.Sprintf("%02d", i)
		want[name] = name
		r.drop(name, name)
	}
	r.drop("01-bad", "content")
	r.drop("02-bad", "content")
	r.once()
	r.wantInbox("acme", want)
	for _, name := range []string{"01-bad", "02-bad"} {
		if i := r.intent(name); i.Phase != state.Parked || i.Failures != permissionsBeforeParking {
			t.Errorf("%s is %s after %d failures", name, i.Phase, i.Failures)
		}
	}
}

// TestAMissingRootIsWaitedFor pauses the destination, not its files.
func TestAMissingRootIsWaitedFor(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.to("acme", sftptest.ServerOptions{})
	root := filepath.Join(s.Dir, "root")
	r.options.Destinations[0].Dial = rooted(r, s)
	r.folder.Routes[0].RemotePath = inRoot
	r.drop("a", "content")
	r.start()
	r.scan()
	for range 3 {
		e := r.await(EventLost, "", "acme")
		if remote.KindOf(e.Err) != remote.Root {
			t.Fatalf("lost because of %v", e.Err)
		}
	}
	status := r.syncer.Status()[0]
	if status.Connected || (status.State != LinkWaiting && status.State != LinkConnecting && status.State != LinkIdle) {
		t.Errorf("the link is %+v", status)
	}
	r.must(os.Mkdir(root, 0o755))
	r.await(EventDelivered, "a", "acme")
	wantTree(t, root, map[string]string{"a": "content"})
}

// TestABlockedDestination waits for a person.
func TestABlockedDestination(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"run", "once"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			s := r.to("acme", sftptest.ServerOptions{})
			other, err := sftptest.NewKey("ed25519")
			r.must(err)
			s.KeyFile = r.at("other_key")
			r.must(other.Write(s.KeyFile))
			r.drop("a", "content")
			want := LinkFailed
			if way == "once" {
				r.once()
			} else {
				want = LinkBlocked
				r.start()
				r.scan()
			}
			e := r.await(EventBlocked, "", "acme")
			if remote.KindOf(e.Err) != remote.Auth {
				t.Errorf("blocked by %v", e.Err)
			}
			if way == "run" && e.Next.Sub(e.At) != authRetryFirst {
				t.Errorf("the next attempt comes after %v", e.Next.Sub(e.At))
			}
			status := r.syncer.Status()[0]
			if status.State != want || status.Reason != e.Err.Error() || status.Connected {
				t.Errorf("the link is %+v", status)
			}
			if n := s.Stats().Refused; n != 1 {
				t.Errorf("%d attempts to log in, want 1: accounts lock", n)
			}
		})
	}
}
