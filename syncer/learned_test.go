package syncer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/remote"
)

// learned returns what the store has of the one server of a destination.
func (r *rig) learned(destination string) remote.Capabilities {
	r.Helper()
	session, err := r.options.Destinations[0].Dial(r.Context())
	r.must(err)
	defer session.Close()
	text, found, err := r.store.Capabilities(r.Context(), destination, session.Identity())
	r.must(err)
	if !found {
		r.Fatalf("nothing is stored of %s", destination)
	}
	var c remote.Capabilities
	r.must(json.Unmarshal(text, &c))
	return c
}

func (r *rig) arrived(s *sftptest.TestServer, name, content string) {
	r.Helper()
	got, err := os.ReadFile(filepath.Join(s.Dir, "in", name))
	if err != nil || string(got) != content {
		r.Errorf("%s arrived with %d bytes of %d, %v", name, len(got), len(content), err)
	}
}

// A server that cuts the connection on a large WRITE costs one session: the next keeps to small ones.
func TestLargeWritesThatCutTheConnection(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	limits := &sftptest.Limits{Packet: 262144, Read: 261120, Write: 261120}
	s := r.to("acme", sftptest.ServerOptions{Limits: limits}, sftptest.MaxWrite(32<<10))
	content := strings.Repeat("large", 100_000)
	r.drop("a", content)
	r.deliver("a")
	r.arrived(s, "a", content)
	r.stop()
	if c := r.learned("acme"); c.LargeCuts != 1 || c.LargeWrites {
		t.Errorf("learned %+v", c)
	}
	logins := s.Stats().Logins
	r.drop("b", content)
	r.deliver("b") // by another process, as it were
	r.arrived(s, "b", content)
	r.stop()
	if n := s.Stats().Logins - logins; n != 1 {
		t.Errorf("%d sessions for the next file, want 1", n)
	}
}

// A cut of the network behind a large WRITE is forgotten when one has been acknowledged.
func TestLargeWritesAfterACutOfTheNetwork(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	limits := &sftptest.Limits{Packet: 262144, Read: 261120, Write: 261120}
	s := r.to("acme", sftptest.ServerOptions{Limits: limits})
	r.drop("a", strings.Repeat("large", 100_000))
	r.deliver("a")
	r.stop()
	if c := r.learned("acme"); !c.LargeWrites {
		t.Errorf("learned %+v, want that large WRITEs are borne", c)
	}
	s.Faults.Add(sftptest.CutOn(sftptest.OpWrite))
	content := strings.Repeat("again", 100_000)
	r.drop("b", content)
	r.deliver("b")
	r.arrived(s, "b", content)
	r.stop()
	if c := r.learned("acme"); !c.LargeWrites || c.LargeCuts != 0 {
		t.Errorf("learned %+v, want no change", c)
	}
}

// A server that bears one request at a time is found out by the connections that it cost, and then used so.
func TestServerThatBearsOneRequest(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	slow := sftptest.Fault{Op: sftptest.OpLstat + "," + sftptest.OpOpen, Delay: 20 * time.Millisecond}
	s := r.to("acme", sftptest.ServerOptions{}, sftptest.MaxInFlight(1), slow)
	names := []string{"a", "b", "c", "d"}
	for _, name := range names {
		r.drop(name, name)
	}
	r.deliver(names...)
	r.stop()
	for _, name := range names {
		r.arrived(s, name, name)
	}
	if c := r.learned("acme"); c.InFlight != 1 || !c.Current(time.Now()) {
		t.Errorf("learned %+v", c)
	}
	if n := s.Stats().Logins; n > 4 { // two that were cut, one that delivered, and this test's
		t.Errorf("%d sessions", n)
	}
}

// A server that refuses to set permissions is asked once, not once a session: some discard the file for it.
func TestPermissionsThatAreRefusedAreRemembered(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]sftptest.Fault{"refused": sftptest.RefuseSetstat(), "and the file discarded": sftptest.DiscardOnSetstat()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.folder.FileMode = 0o640
			s := r.to("acme", sftptest.ServerOptions{}, fault)
			r.drop("a", "first")
			r.deliver("a")
			r.stop()
			if !r.learned("acme").RefusesMode {
				t.Error("it was not remembered")
			}
			asked := s.Faults.Calls(sftptest.OpSetstat)
			r.drop("b", "second")
			r.deliver("b")
			r.stop()
			if n := s.Faults.Calls(sftptest.OpSetstat) - asked; n != 0 {
				t.Errorf("asked %d times in the next session", n)
			}
			r.wantInbox("acme", map[string]string{"a": "first", "b": "second"})
		})
	}
}

// What an earlier version of the program has stored is probed again, and the server is as familiar as before.
func TestCapabilitiesOfAnEarlierVersion(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.to("acme", sftptest.ServerOptions{CheckFile: &sftptest.CheckFile{Announce: []string{"check-file"}}})
	session, err := r.options.Destinations[0].Dial(t.Context())
	r.must(err)
	defer session.Close()
	for _, row := range []struct {
		stored   string
		familiar bool
	}{
		{`{"posix_rename":true,"hash":"","probed_at":"2025-05-06T06:08:09Z"}`, true},
		{`{"version":"none of ours"}`, true},
		{`{"probe_cuts":1}`, false}, // a probe that came to no end
	} {
		r.must(r.store.SaveCapabilities(t.Context(), "acme", session.Identity(), []byte(row.stored)))
		familiar, err := learn(t.Context(), r.store, "acme", session, time.Now())
		r.must(err)
		if c := r.learned("acme"); familiar != row.familiar || c.CheckFile == "" || !c.Current(time.Now()) || c.ProbeCuts != 0 {
			t.Errorf("%s: familiar: %t, learned %+v", row.stored, familiar, c)
		}
	}
	opens := s.Faults.Calls(sftptest.OpOpen)
	if familiar, err := learn(t.Context(), r.store, "acme", session, time.Now()); err != nil || !familiar || s.Faults.Calls(sftptest.OpOpen) != opens {
		t.Errorf("what is current is probed again: %t, %v", familiar, err)
	}
}

// A server that hashes by itself proves content well enough for the source to go.
func TestCheckFileAllowsDeletion(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.folder.After, r.folder.Verify = Delete, remote.Content
	s := r.to("acme", sftptest.ServerOptions{CheckFile: &sftptest.CheckFile{Announce: []string{"check-file"}}})
	reads := s.Faults.Calls(sftptest.OpRead)
	r.drop("a", strings.Repeat("content", 100_000)) // a small file is read back wherever it is
	r.start()
	r.scan()
	e := r.await(EventDelivered, "a", "acme")
	if p := e.Receipt.Proof; p.Evidence != remote.CheckFile || p.Command != "" {
		t.Errorf("evidence %s by %q", p.Evidence, p.Command)
	}
	r.eventually("the source is gone", func() bool { return isMissing(r.source("a")) })
	r.stop()
	if n := s.Faults.Calls(sftptest.OpRead) - reads; n != 0 {
		t.Errorf("%d reads", n)
	}
}

// Where one file may be open at a time, no more are sent at once.
func TestOneOpenFileNarrowsTheLink(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.to("acme", sftptest.ServerOptions{}, sftptest.OneOpenFile(), sftptest.SlowAcks(5*time.Millisecond))
	names := []string{"a", "b", "c", "d", "e"}
	for _, name := range names {
		r.drop(name, name)
	}
	r.deliver(names...)
	r.stop()
	for _, name := range names {
		r.arrived(s, name, name)
	}
	for _, e := range r.events.of(EventFailed) {
		t.Errorf("%s failed: %v", e.Path, e.Err)
	}
}
