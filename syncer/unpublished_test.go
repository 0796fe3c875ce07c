package syncer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// cleaned is a server whose cleaner takes the temps away as a file is about to be published.
func cleaned(r *rig, s *sftptest.TestServer, times int) sftptest.Fault {
	return sftptest.Fault{Op: sftptest.OpRename + "," + sftptest.OpPosixRename, Path: "a", Times: times, Do: func() {
		temps, err := filepath.Glob(filepath.Join(s.Dir, "in", ".*.part"))
		if err != nil {
			r.Error(err)
		}
		for _, name := range temps {
			_ = os.Remove(name) // a probe's may be gone already
		}
	}}
}

// warm delivers a file, so that the server is known.
func (r *rig) warm() {
	r.Helper()
	r.drop("x", "warm")
	r.once()
}

// TestATempThatVanishesIsNotPublished loses the temp between its verification and the rename. The server says so, nothing
// else can have renamed it, and the file is sent again.
func TestATempThatVanishesIsNotPublished(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.folder.After = Archive
	s := r.to("acme", sftptest.ServerOptions{})
	r.warm()
	r.drop("a", "content")
	s.Faults.Add(cleaned(r, s, 1))
	r.once()
	r.wantInbox("acme", map[string]string{"x": "warm", "a": "content"})
	r.wantReceipts(2)
	for _, d := range r.receipts() {
		if d.Proof.Evidence == remote.Inferred {
			t.Errorf("inferred: %+v", d)
		}
	}
}

// TestPutWhoseTempVanishes does the same with a single file.
func TestPutWhoseTempVanishes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.to("acme", sftptest.ServerOptions{})
	r.warm()
	r.drop("a", "content")
	s.Faults.Add(cleaned(r, s, 1))
	if _, err := putOf(r, s, "a").Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.wantInbox("acme", map[string]string{"x": "warm", "a": "content"})
}

func putOf(r *rig, s *sftptest.TestServer, name string) *Put {
	return &Put{
		Store: r.store, Destination: Destination{Name: "acme", Dial: r.dialer("acme", s, s.Addr())}, Final: "in/" + name,
		Path: file.Path(name), Source: r.source(name), Verify: remote.Auto, Patience: time.Minute,
		Retry:  Retry{Initial: time.Millisecond, Max: 4 * time.Millisecond},
		Expect: Expectation{Size: -1}, Hold: func(string) (func() error, error) { return func() error { return nil }, nil },
		Observe: r.events.observe,
	}
}

// TestSendingAgainEnds at a server whose cleaner takes every temp away: the waits grow, and the file is given up.
func TestSendingAgainEnds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.folder.Retry.GiveUpAfter = 50 * time.Millisecond
	s := r.to("acme", sftptest.ServerOptions{})
	r.drop("a", "first")
	r.once()
	s.Faults.Add(cleaned(r, s, 0))
	r.drop("a", "second version")
	r.start()
	r.scan()
	r.await(EventParked, "a", "acme")
	if n := len(r.events.of(EventStarted)); n > 50 {
		t.Errorf("%d uploads", n)
	}
	r.stop()
}

// TestDirectMismatchBeginsAnew where other bytes have arrived below a checkpoint.
func TestDirectMismatchBeginsAnew(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.to("acme", sftptest.ServerOptions{})
	r.folder.Routes[0].Direct = true
	r.folder.Verify = remote.Content
	r.folder.CheckpointBytes = 256 << 10
	r.warm()
	content := strings.Repeat("0123456789abcdef", 1<<16)
	r.drop("a", content)
	s.Faults.Add(sftptest.Corrupt("a", 1))
	r.once()
	r.wantInbox("acme", map[string]string{"x": "warm", "a": content})
}

// TestTheEarlierVersionIsKept where a replacement in two steps was cut off for good between them.
func TestTheEarlierVersionIsKept(t *testing.T) {
	t.Parallel()
	kept := func(s *sftptest.TestServer) bool {
		names, err := filepath.Glob(filepath.Join(s.Dir, "in", "*"))
		hidden, hiddenErr := filepath.Glob(filepath.Join(s.Dir, "in", ".*"))
		if err != nil || hiddenErr != nil {
			t.Error(err, hiddenErr)
		}
		for _, name := range append(names, hidden...) {
			if b, err := os.ReadFile(name); err == nil && string(b) == "the old" {
				return true
			}
		}
		return false
	}
	forGood := sftptest.Refuse(sftptest.OpRename, sftptest.PermissionDenied).On("a").Skip(2)
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		s := r.to("acme", sftptest.ServerOptions{}, sftptest.NoPosixRename())
		r.drop("a", "the old")
		r.once()
		r.drop("a", "the new content")
		s.Faults.Add(forGood)
		r.once()
		_, err := r.store.Cancel(t.Context(), state.Selection{ID: r.intent("a").ID})
		r.must(err)
		r.warm()
		if !kept(s) {
			t.Error("the old file is nowhere")
		}
	})
	t.Run("put", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		s := r.to("acme", sftptest.ServerOptions{}, sftptest.NoPosixRename())
		r.drop("a", "the new content")
		r.must(os.WriteFile(filepath.Join(s.Dir, "in", "a"), []byte("the old"), 0o600))
		s.Faults.Add(forGood)
		p := putOf(r, s, "a")
		p.Overwrite = true
		if _, err := p.Run(t.Context()); err == nil {
			t.Error("it was published")
		}
		if !kept(s) {
			t.Error("the old file is nowhere")
		}
	})
}

// TestKeepBothHasATempOfItsOwn, although a long name and its conflict name are cut to the same one.
func TestKeepBothHasATempOfItsOwn(t *testing.T) {
	id := file.NewID(time.Now())
	i := &state.Intent{ID: id, Final: "in/" + strings.Repeat("n", 120) + ".xml"}
	i.Temp = Publishing{}.temp(i.Final, id)
	if _, temp := KeepBoth(i, time.Now(), Publishing{}); temp == i.Temp || temp == "" {
		t.Errorf("the temp is %q again", temp)
	}
}
