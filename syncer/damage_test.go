package syncer

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

func TestCorruptedBytesAreNeverPublished(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"run", "once"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.folder.Verify = remote.Content
			s := r.to("acme", sftptest.ServerOptions{}, sftptest.Corrupt(".bad.*", 0))
			seen := sftptest.Observe(t, filepath.Join(s.Dir, "in"))
			r.drop("bad", "content")
			r.drop("good", "content")
			if way == "once" {
				r.once()
			} else {
				r.start()
				r.scan()
			}
			e := r.await(EventHeld, "bad", "acme")
			if remote.KindOf(e.Err) != remote.Integrity {
				t.Errorf("held for %v", e.Err)
			}
			r.await(EventDelivered, "good", "acme")
			r.eventually("the temp is gone", func() bool { return len(temps(s)) == 0 })
			wantSeen(r, seen, "good")
			if i := r.intent("bad"); i.Attempts != corruptionsBeforeHolding {
				t.Errorf("%d attempts, want %d", i.Attempts, corruptionsBeforeHolding)
			}
		})
	}
}

func TestOneCorruptionIsMended(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.folder.Verify = remote.Content
	r.to("acme", sftptest.ServerOptions{}, sftptest.Corrupt(".a.*", 1))
	r.drop("a", "content")
	r.deliver("a")
	r.wantInbox("acme", map[string]string{"a": "content"})
	if d := r.receipts()[0]; d.Attempts != 2 || d.Proof.Evidence != remote.ReadBack {
		t.Errorf("receipt: %+v", d)
	}
}

// TestACorruptionBelowACheckpointIsMended sends all of a large file again, not only what lies above its checkpoint.
func TestACorruptionBelowACheckpointIsMended(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.folder.Verify, r.folder.CheckpointBytes = remote.Content, 1<<20
	r.to("acme", sftptest.ServerOptions{}, sftptest.Corrupt(".a.*", 1))
	content := strings.Repeat("0123456789abcdef", 3<<16)
	r.drop("a", content)
	r.deliver("a")
	r.wantInbox("acme", map[string]string{"a": content})
	if d := r.receipts()[0]; d.Attempts != 2 {
		t.Errorf("%d attempts, want 2", d.Attempts)
	}
}

func TestAFullDiskPausesTheDestination(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.to("acme", sftptest.ServerOptions{}, sftptest.DiskFullAfter(3000))
	seen := sftptest.Observe(t, filepath.Join(s.Dir, "in"))
	content := strings.Repeat("x", 10_000)
	r.drop("a", content)
	r.start()
	r.scan()
	e := r.await(EventLost, "", "acme")
	if remote.KindOf(e.Err) != remote.DiskFull || remote.HintOf(e.Err) == "" {
		t.Errorf("paused for %v", e.Err)
	}
	for range 5 { // it is asked again and again, and the file never given up
		r.await(EventLost, "", "acme")
	}
	if status := r.syncer.Status()[0]; status.State == LinkFailed || status.State == LinkBlocked {
		t.Errorf("the link is %s", status.State)
	}
	i := r.intent("a")
	if i.Phase != state.Planned || i.Failures != 0 {
		t.Errorf("the file is %s with %d failures of its own", i.Phase, i.Failures)
	}
	r.eventually("the temp makes room", func() bool { return len(temps(s)) == 0 })
	s.Faults.Clear()
	r.await(EventDelivered, "a", "acme")
	r.wantInbox("acme", map[string]string{"a": content})
	wantSeen(r, seen, "a")
}

func TestOnceEndsOnAFullDisk(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.to("acme", sftptest.ServerOptions{}, sftptest.DiskFullAfter(3000))
	r.drop("a", strings.Repeat("x", 10_000))
	r.once()
	status := r.syncer.Status()[0]
	if status.State != LinkFailed || remote.KindOf(status.Err) != remote.DiskFull {
		t.Errorf("the link is %s: %v", status.State, status.Err)
	}
}

// TestAUsedQuotaPausesTheDestination, in the words that servers have for it: nothing is published, no temp stays, and it goes
// on by itself.
func TestAUsedQuotaPausesTheDestination(t *testing.T) {
	t.Parallel()
	const statusQuota = 15 // of later versions of the protocol
	for name, answer := range map[string]error{
		"by its text": errors.New("disk quota exceeded"), "by a status": sftptest.Status(statusQuota),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			s := r.to("acme", sftptest.ServerOptions{}, sftptest.Refuse(sftptest.OpWrite, answer).On(".a.*"))
			r.drop("a", "content")
			r.start()
			r.scan()
			e := r.await(EventLost, "", "acme")
			if remote.KindOf(e.Err) != remote.DiskFull || remote.HintOf(e.Err) == "" || e.Next.IsZero() {
				t.Errorf("told: %v, hint %q", e.Err, remote.HintOf(e.Err))
			}
			r.eventually("no temp is left", func() bool { return len(temps(s)) == 0 })
			s.Faults.Clear()
			r.await(EventDelivered, "a", "acme")
			r.wantInbox("acme", map[string]string{"a": "content"})
			r.wantNone(EventParked, EventHeld)
		})
	}
}

// TestAFinalFileThatAPowerCutHasChanged has the right name, size and time, and lost its bytes: where the server syncs nothing,
// it is read back as far as it may be.
func TestAFinalFileThatAPowerCutHasChanged(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name             string
		syncs, writeOnly bool
		final            string
		want             string
	}{
		{"unchanged", false, false, "content", confirmed},
		{"full of zeroes", false, false, strings.Repeat("\x00", 7), kept},
		{"not to be read", false, true, "content", confirmed},
		{"on the disk of a server that syncs", true, true, "content", confirmed},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			s := newFakeServer()
			s.writeOnly = row.writeOnly
			r.route("acme", s.dial)
			can := fmt.Sprintf(`{"version":%d,"posix_rename":true,"set_times":true,"rename_refuses":true,"fsync":%v}`, remote.ProbeVersion, row.syncs)
			r.must(r.store.SaveCapabilities(t.Context(), "acme", s.identity, []byte(can)))
			i := r.plan("a", "content")[0]
			s.put(i.Final, row.final, i.Fingerprint.Modified())
			r.commit(&i, proofOf("content", remote.SizeOnly, i.Fingerprint.Modified()))
			if got := r.recovered(s)["a"]; got != row.want {
				t.Errorf("%s, want %s", got, row.want)
			}
		})
	}
}
