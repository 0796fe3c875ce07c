package syncer

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/state"
)

// directRig is a folder whose files are written at their final names.
func directRig(t *testing.T) (*rig, *sftptest.TestServer) {
	t.Helper()
	r := newRig(t)
	s := r.to("acme", sftptest.ServerOptions{}, sftptest.RefuseRename())
	r.folder.Routes[0].Direct = true
	return r, s
}

// cutOff uploads part of a file until a kill: nothing in the process ends its upload in order.
func (r *rig) cutOff(s *sftptest.TestServer, name, content string) state.Intent {
	r.Helper()
	r.drop(name, content)
	p := New(r.options).Planner("out")
	r.must(p.Scan(r.Context(), slices.Values(r.entries())))
	in := r.intent(name)
	r.must(r.store.Begin(r.Context(), in.ID, settledClock()))
	r.must(r.store.SaveUnfinished(r.Context(), "acme", in.Final, in.Fingerprint.Size))
	r.must(os.WriteFile(filepath.Join(s.Dir, in.Final), []byte(content[:len(content)/2]), 0o600))
	return in
}

// TestPartOfAFileGoesWithItsSource although nothing else is to be done at the destination.
func TestPartOfAFileGoesWithItsSource(t *testing.T) {
	t.Parallel()
	whole := strings.Repeat("content ", 100)
	for _, row := range []struct {
		name   string
		before string // delivered under the name before
		theirs string // put there since the kill
		end    func(r *rig, in *state.Intent)
		want   map[string]string
	}{
		{"removed", "", "", func(r *rig, _ *state.Intent) { r.gone("a") }, nil},
		{"cancelled", "", "", func(r *rig, in *state.Intent) {
			_, err := r.store.Cancel(r.Context(), state.Selection{ID: in.ID})
			r.must(err)
		}, nil},
		{"others have put a larger one there", "", whole + "and more", func(r *rig, _ *state.Intent) { r.gone("a") }, map[string]string{"a": whole + "and more"}},
		{"the earlier version was not touched yet", "earlier", "earlier", func(r *rig, _ *state.Intent) { r.gone("a") }, map[string]string{"a": "earlier"}},
		{"the earlier version was written over", "earlier", "", func(r *rig, _ *state.Intent) { r.gone("a") }, nil},
		{"the earlier content comes again", "earlier", "", func(r *rig, _ *state.Intent) { r.drop("a", "earlier") }, map[string]string{"a": "earlier"}},
		{"another version comes", "", "", func(r *rig, _ *state.Intent) { r.drop("a", "other") }, map[string]string{"a": "other"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r, s := directRig(t)
			if row.before != "" {
				r.drop("a", row.before)
				r.once()
			}
			there := filepath.Join(s.Dir, "in", "a")
			was, _ := os.Lstat(there)
			in := r.cutOff(s, "a", whole)
			if row.theirs != "" {
				r.must(os.WriteFile(there, []byte(row.theirs), 0o600))
			}
			if row.theirs == row.before && was != nil {
				r.must(os.Chtimes(there, was.ModTime(), was.ModTime()))
			}
			row.end(r, &in)
			r.once()
			r.wantInbox("acme", orEmpty(row.want))
			r.once()
			r.wantInbox("acme", orEmpty(row.want))
			left, err := r.store.Sweeps(t.Context(), "acme", 0)
			_, found, unfinishedErr := r.store.Unfinished(t.Context(), "acme", "in/a")
			if len(left) > 0 || found || err != nil || unfinishedErr != nil {
				t.Errorf("left on record: %+v, unfinished: %v, %v, %v", left, found, err, unfinishedErr)
			}
		})
	}
}

// TestPartOfAFileGoesWhenItsSourceGoesMeanwhile removes the source while it is sent, which does not keep it from being sent.
func TestPartOfAFileGoesWhenItsSourceGoesMeanwhile(t *testing.T) {
	t.Parallel()
	for _, once := range []bool{true, false} {
		r, s := directRig(t)
		s.Faults.Add(sftptest.Fault{Op: sftptest.OpWrite, Path: "a", Times: 1, Do: func() { r.gone("a") }})
		r.drop("a", strings.Repeat("content ", 100))
		if once {
			r.once()
		} else {
			r.start()
			r.scan()
			r.await(EventDropped, "a", "acme")
			r.eventually("nothing is left", func() bool {
				_, err := os.Lstat(filepath.Join(s.Dir, "in", "a"))
				return os.IsNotExist(err)
			})
			r.stop()
		}
		r.wantInbox("acme", map[string]string{})
	}
}

// TestPartOfAFileThatCannotBeRemoved is told of, and a later file is written over it.
func TestPartOfAFileThatCannotBeRemoved(t *testing.T) {
	t.Parallel()
	r, s := directRig(t)
	in := r.cutOff(s, "a", "content")
	r.gone("a")
	s.Faults.Add(sftptest.Refuse(sftptest.OpRemove, sftptest.PermissionDenied))
	r.once()
	if e := r.await(EventUnswept, "", "acme"); e.ID != in.ID || e.RemotePath != in.Final || e.Next.IsZero() {
		t.Errorf("told: %+v", e)
	}
	r.drop("a", "other")
	r.once()
	r.wantInbox("acme", map[string]string{"a": "other"})
}
