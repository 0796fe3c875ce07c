package remote

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// TestEveryLaneIsClosed though the server refuses to close the first.
func TestEveryLaneIsClosed(t *testing.T) {
	t.Parallel()
	server, s := hostile(t, sftptest.ServerOptions{})
	w := &writing{session: s, upload: &Upload{Temp: "/f.part"}, in: newSource(t.Context(), strings.NewReader(""), 0)}
	for range 3 {
		handle, err := s.openHandle("put", "/f.part", openWrite|openCreate)
		must(t, err)
		w.files = append(w.files, openFile{&s.lane, handle})
	}
	before := server.Faults.Calls(sftptest.OpClose)
	server.Faults.Add(sftptest.Refuse(sftptest.OpClose, sftptest.PermissionDenied).Once())
	wantError(t, w.closeAll(0), Permission, "close acme:/f.part")
	if n := server.Faults.Calls(sftptest.OpClose) - before; n != 3 {
		t.Errorf("%d of 3 files were closed", n)
	}
}

// TestAnotherChannelMakesNoFile where somebody removes the temp before it is opened there.
func TestAnotherChannelMakesNoFile(t *testing.T) {
	t.Parallel()
	sshd, _, s := far(t, sftptest.SSHDOptions{})
	content := random(48 << 20)
	removed := false
	_, err := s.Upload(t.Context(), Upload{
		Temp: s.target.Path("f.part"), Size: int64(len(content)), Proved: true, Progress: func(int64) {
			if !removed {
				removed = true
				must(t, os.Remove(filepath.Join(sshd.Dir, "f.part")))
			}
		},
	}, bytes.NewReader(content))
	if s.countLanes() < 2 {
		t.Skip("it went over one channel: on a busy machine an upload may end before another one is worth opening")
	}
	wantError(t, err, Missing)
	if left := names(t, sshd.Dir); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// TestCheckWrites tells a root in which nothing can be made from one in which a file can, and leaves nothing.
func TestCheckWrites(t *testing.T) {
	t.Parallel()
	server, s := hostile(t, sftptest.ServerOptions{})
	must(t, s.CheckWrites(t.Context()))
	for _, answer := range []error{sftptest.PermissionDenied, sftptest.Failure} {
		server.Faults.Set(sftptest.Refuse(sftptest.OpOpen, answer))
		wantError(t, s.CheckWrites(t.Context()), Root, "write permission")
	}
	if left := names(t, server.Dir); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}
