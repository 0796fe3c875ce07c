package syncer

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

func TestKeepBoth(t *testing.T) {
	at := time.Date(2026, 11, 20, 13, 4, 5, 6, time.FixedZone("", 3600))
	for final, want := range map[string]string{
		"/in/a.xml": "/in/a.conflict-20261120T120405Z.xml", "a": "a.conflict-20261120T120405Z",
		"in.d/a": "in.d/a.conflict-20261120T120405Z", "a.tar.gz": "a.tar.conflict-20261120T120405Z.gz",
		"/in/.profile": "/in/.profile.conflict-20261120T120405Z", ".a.b": ".a.conflict-20261120T120405Z.b",
	} {
		got, temp := KeepBoth(&state.Intent{ID: "id", Final: final}, at, Publishing{})
		if got != want || temp != (Publishing{}).temp(want, "id") {
			t.Errorf("%s: %s and %s, want %s", final, got, temp, want)
		}
	}
}

// TestFreeEndsTheWait and nothing but the wait that stands when it is said.
func TestFreeEndsTheWait(t *testing.T) {
	r := newRig(t)
	server := r.to("acme", sftptest.ServerOptions{})
	dial := r.options.Destinations[0].Dial
	denied := &remote.Error{Op: "connect", Destination: "acme", Kind: remote.Auth, Err: os.ErrPermission}
	open, dials := false, make(chan struct{}, 10)
	r.options.Destinations[0].Dial = func(ctx context.Context) (Session, error) {
		defer func() { dials <- struct{}{} }()
		if !open {
			return nil, denied
		}
		return dial(ctx)
	}
	r.start()
	if r.syncer.Free("acme") || r.syncer.Free("nowhere") {
		t.Error("there is no wait to be ended")
	}
	r.drop("a", "a")
	r.scan()
	<-dials
	r.await(EventBlocked, "", "acme")
	if len(dials) > 0 {
		t.Error("it was dialled again before anybody said so")
	}
	open = true // its link waits, so nobody reads it
	if !r.syncer.Free("acme") {
		t.Error("the link is blocked and was not freed")
	}
	r.await(EventDelivered, "a", "acme")
	if got, err := os.ReadFile(filepath.Join(server.Dir, "in", "a")); err != nil || string(got) != "a" {
		t.Errorf("the server has %q, %v", got, err)
	}
}

// TestCancelReleasesTheName lets a file be sent that has waited for the name of one that was cancelled.
func TestCancelReleasesTheName(t *testing.T) {
	r := newRig(t)
	r.to("acme", sftptest.ServerOptions{})
	r.folder.Routes[0].RemotePath = inOneName
	if _, _, err := r.store.Pause(t.Context(), state.Route{Destination: "acme"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	r.start()
	r.drop("a", "a")
	r.scan()
	r.drop("b", "b")
	r.scan()
	first := r.intent("a")
	was, err := r.store.Cancel(t.Context(), state.Selection{ID: first.ID})
	r.must(err)
	if _, err := r.store.Resume(t.Context(), state.Route{Destination: "acme"}); err != nil {
		t.Fatal(err)
	}
	r.syncer.Cancelled(t.Context(), was)
	r.await(EventCancelled, "a", "acme")
	r.await(EventDelivered, "b", "acme")
	r.scan()
	if got := r.intent("a"); got.Phase != state.Cancelled {
		t.Errorf("the cancelled file is %s", got.Phase)
	}
	r.wantInbox("acme", map[string]string{"one": "b"})
}

func inOneName(file.Path, time.Time) string { return "in/one" }
