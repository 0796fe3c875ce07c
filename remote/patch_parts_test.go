package remote

import (
	"bytes"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// Parts that have yet to be found out.

// slowly has each part come once a channel lets it.
func slowly(parts []Part, next <-chan error) iter.Seq2[Part, error] {
	return func(yield func(Part, error) bool) {
		for _, p := range parts {
			err := <-next
			if !yield(p, err) || err != nil {
				return
			}
		}
	}
}

// TestPatchBeginsWithWhatIsKnown has the server copy what is found before the rest is, and lets finding out take longer than a server may.
func TestPatchBeginsWithWhatIsKnown(t *testing.T) {
	t.Parallel()
	server := sftptest.StartServer(t, sftptest.ServerOptions{Copies: true})
	target := serverTarget(server)
	target.StallTimeout = 500 * time.Millisecond
	s := mustDial(t, target)
	c := newPatchCase("/.a.part")
	c.in(t, server.Dir)
	next := make(chan error, len(c.parts))
	c.patch.Parts = slowly(c.parts, next)
	done := async(func() error { _, err := s.Patch(t.Context(), c.patch, bytes.NewReader(c.content)); return err })
	next <- nil
	next <- nil
	eventually(t, "the first copy is asked for", func() bool { return server.Faults.Calls(sftptest.OpCopy) == 1 })
	time.Sleep(3 * slowQuiet(copyStepShared, target.StallTimeout) / 2)
	if err := s.Err(); err != nil {
		t.Fatalf("the server was blamed: %v", err)
	}
	for range c.parts[2:] {
		next <- nil
	}
	if err := soon(t, "the patch", done); err != nil {
		t.Error(err)
	}
	holds(t, c.content, server.Dir, ".a.part")
}

// TestPatchEndsWithItsParts waits for what is under way, closes both files and returns the error as it is.
func TestPatchEndsWithItsParts(t *testing.T) {
	t.Parallel()
	server, s := hostile(t, sftptest.ServerOptions{Copies: true})
	c := newPatchCase("/.a.part")
	c.in(t, server.Dir)
	fault := errors.New("the local disk is gone")
	next := make(chan error, 4)
	next <- nil
	next <- nil
	next <- fault
	c.patch.Parts = slowly(c.parts, next)
	closed := server.Faults.Calls(sftptest.OpClose)
	if _, err := s.Patch(t.Context(), c.patch, bytes.NewReader(c.content)); !errors.Is(err, fault) || KindOf(err) != Transient {
		t.Errorf("%v, not %v", err, fault)
	}
	if n := server.Faults.Calls(sftptest.OpClose) - closed; n != 2 {
		t.Errorf("%d files are closed", n)
	}
	if err := s.Err(); err != nil {
		t.Errorf("the session has ended: %v", err)
	}
}

// TestPatchFindsAHangWhileItsPartsCome blames a server that hangs over a copy once all parts have come.
func TestPatchFindsAHangWhileItsPartsCome(t *testing.T) {
	t.Parallel()
	server := sftptest.StartServer(t, sftptest.ServerOptions{Copies: true})
	target := serverTarget(server)
	target.StallTimeout = 500 * time.Millisecond
	s := mustDial(t, target)
	server.Faults.Add(sftptest.HangOn(sftptest.OpCopy))
	c := newPatchCase("/.a.part")
	c.in(t, server.Dir)
	next := make(chan error, len(c.parts))
	c.patch.Parts = slowly(c.parts, next)
	for range c.parts {
		next <- nil
	}
	done := async(func() error { _, err := s.Patch(t.Context(), c.patch, bytes.NewReader(c.content)); return err })
	wantError(t, soon(t, "the patch", done), Transient, "nothing was acknowledged")
}
