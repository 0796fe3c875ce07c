package syncer

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/remote"
)

// toSSHD adds a route to a real server that is given up soon.
func (r *rig) toSSHD(o sftptest.SSHDOptions) (sshd *sftptest.SSHD, inbox string) {
	r.Helper()
	sshd = sftptest.StartSSHD(r, o)
	inbox = filepath.Join(sshd.Dir, "in")
	r.must(os.Mkdir(inbox, 0o755))
	r.route("acme", func(ctx context.Context) (Session, error) {
		session, err := remote.Dial(ctx, remote.Target{
			Name: "acme", Host: sshd.Host, Port: sshd.Port, User: sshd.User, KeyFile: sshd.KeyFile, PinnedKeys: sshd.Fingerprints,
			Root: sshd.Dir, ConnectTimeout: waitLimit, Keepalive: time.Second, StallTimeout: 4 * time.Second,
		})
		if err != nil {
			return nil, err
		}
		return session, nil
	})
	r.folder.Routes[0].RemotePath = func(p file.Path, _ time.Time) string { return path.Join(inbox, string(p)) }
	return sshd, inbox
}

// TestAThawedServerDoesNoHarm has a server's sftp process freeze as the temp is about to be opened, and go on when another
// session has sent a part of the file: what it was asked to empty is not what is written to, and what it makes is removed
// one day.
func TestAThawedServerDoesNoHarm(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.folder.Verify = remote.Size // a hole would show in the file alone
	sshd, inbox := r.toSSHD(sftptest.SSHDOptions{External: true, NoExec: true})
	r.warm()
	content := large(6 << 20)
	r.drop("a", content)
	var thaw func()
	var thawing sync.Once
	r.options.Observe = func(e Event) {
		r.events.observe(e)
		switch {
		case e.Path != "a":
		case e.Type == EventStarted && thaw == nil:
			thaw = sshd.Freeze()
		case e.Type == EventProgress && e.Sent >= 2<<20 && e.Sent < int64(len(content)):
			thawing.Do(func() {
				thaw()
				time.Sleep(500 * time.Millisecond) // the upload waits here for what it does
			})
		}
	}
	r.deliver("a")
	r.stop()
	if n := len(r.events.of(EventLost)); thaw == nil || n == 0 {
		t.Fatalf("nothing was lost: %d", n)
	}
	got, err := os.ReadFile(filepath.Join(inbox, "a"))
	if err != nil || string(got) != content {
		t.Errorf("%d bytes of %d arrived, with %d zeroes: %v", len(got), len(content), strings.Count(string(got), "\x00"), err)
	}
	r.options.Now = func() time.Time { return settledClock().Add(2 * lateSweep) }
	r.drop("b", "beside it")
	r.once()
	wantTree(t, inbox, map[string]string{"x": "warm", "a": content, "b": "beside it"})
}

// TestAPutTakesAnotherTemp goes on with what another process has left: it takes another temp, if there is no checkpoint.
func TestAPutTakesAnotherTemp(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.to("acme", sftptest.ServerOptions{}, sftptest.CutOn(sftptest.OpClose).On(".a.*"))
	r.drop("a", "content")
	p := putOf(r, s, "a")
	p.Patience = 0
	if _, err := p.Run(t.Context()); err == nil {
		t.Fatal("it was published")
	}
	left, err := r.store.Intents(t.Context(), "", "acme", 0)
	if err != nil || len(left) != 1 {
		t.Fatal(left, err)
	}
	if _, err := putOf(r, s, "a").Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, call := range s.Faults.Trace() {
		if call.Op == sftptest.OpRename && call.Path == "/"+left[0].Temp {
			t.Errorf("%s is used again", call.Path)
		}
	}
	r.wantInbox("acme", map[string]string{"a": "content"})
}
