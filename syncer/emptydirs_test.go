package syncer

import (
	"os"
	"testing"

	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/state"
)

// leftMirror is a mirror that removes, with a file that stays.
func leftMirror(t *testing.T) (*rig, *sftptest.TestServer) {
	t.Helper()
	r := newRig(t)
	s := r.to("acme", sftptest.ServerOptions{})
	r.mirrors("")
	r.drop("stays", "x")
	r.once()
	return r, s
}

// wantGone has a directory leave the folder, and the destination with it.
func (r *rig) wantGone(s *sftptest.TestServer, name string) {
	r.Helper()
	r.gone(name)
	for range 4 { // the first misses, the second removes; inner directories go first
		r.once()
	}
	r.wantInbox("acme", map[string]string{"stays": "x"})
	if _, err := os.Lstat(s.Dir + "/in/" + name); !os.IsNotExist(err) {
		r.Errorf("%s stays at the destination: %v", name, err)
	}
}

// TestDirectoriesAboveAnEmptyOneGoWithIt: beside the empty one lies a file that is not ready, so that nothing of ours was
// ever sent to the directories above.
func TestDirectoriesAboveAnEmptyOneGoWithIt(t *testing.T) {
	t.Parallel()
	r, s := leftMirror(t)
	r.drop("d/deeper/waits", "not ready")
	r.must(os.Mkdir(r.source("d/deeper/empty"), 0o755))
	entries := r.entries()
	for i := range entries {
		entries[i].Ready = entries[i].Path != "d/deeper/waits"
	}
	r.onceWith(entries)
	r.await(EventMadeDir, "d/deeper/empty", "acme")
	r.wantGone(s, "d")
}

// TestDirectoryOfAFileThatWasNeverSentGoes: when the last file of ours there was removed, the directory held another one, which
// was never ready.
func TestDirectoryOfAFileThatWasNeverSentGoes(t *testing.T) {
	t.Parallel()
	r, s := leftMirror(t)
	r.drop("d/deeper/a", "content")
	r.once()
	r.gone("d/deeper/a")
	r.drop("d/deeper/waits", "not ready")
	entries := r.entries()
	for i := range entries {
		entries[i].Ready = entries[i].Path != "d/deeper/waits"
	}
	for range 3 {
		r.onceWith(entries)
	}
	r.wantInbox("acme", map[string]string{"stays": "x"})
	r.wantGone(s, "d")
}

// TestDirectoriesOfACancelledFileGo: they were made for an upload that never came to its end.
func TestDirectoriesOfACancelledFileGo(t *testing.T) {
	t.Parallel()
	r, s := leftMirror(t)
	s.Faults.Add(sftptest.DiskFullAfter(1))
	r.drop("d/deeper/a", "content")
	r.once()
	if _, err := os.Lstat(s.Dir + "/in/d/deeper"); err != nil {
		t.Fatalf("the upload has made no directory: %v", err)
	}
	if was, err := r.store.Cancel(t.Context(), state.Selection{ID: r.intent("d/deeper/a").ID}); err != nil || len(was) != 1 {
		t.Fatalf("cancelled: %+v, %v", was, err)
	}
	s.Faults.Clear()
	r.wantGone(s, "d")
}
