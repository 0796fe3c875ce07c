package syncer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/state"
)

// refuseRenames refuses renames to final names that match, at a server without posix-rename.
func refuseRenames(after, times int) sftptest.Fault {
	return sftptest.Fault{Op: sftptest.OpRename, Path: "a", After: after, Times: times, Err: sftptest.PermissionDenied}
}

// asides returns what is on record of earlier versions that were moved aside.
func (r *rig) asides() []state.Aside {
	r.Helper()
	all, err := r.store.Asides(r.Context(), "acme")
	r.must(err)
	return all
}

// hiddenIn returns the names at the server that begin with a dot.
func hiddenIn(t *testing.T, s *sftptest.TestServer) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(s.Dir, "in", ".*"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// strand replaces a version of "a" where neither the newer one gets the name nor the earlier one gets it back, until the
// newer one is parked.
func strand(t *testing.T) (*rig, *sftptest.TestServer) {
	t.Helper()
	r := newRig(t)
	s := r.to("acme", sftptest.ServerOptions{}, sftptest.NoPosixRename())
	r.drop("a", "first")
	r.once()
	r.wantReceipts(1)
	r.drop("a", "second")
	// Of the renames that name it, that over it is refused anyhow, and that which moves it aside is let pass.
	s.Faults.Add(refuseRenames(2, 0))
	r.once()
	r.await(EventParked, "a", "acme")
	if got := hiddenIn(t, s); len(got) != 1 || !strings.HasSuffix(got[0], ".old.part") {
		t.Fatalf("at the server: %q", got)
	}
	s.Faults.Clear()
	s.Faults.Add(sftptest.NoPosixRename())
	return r, s
}

// TestAnEarlierVersionIsPutBack when its replacement has come to nothing: it is the only copy that the partner has.
func TestAnEarlierVersionIsPutBack(t *testing.T) {
	t.Parallel()
	r, s := strand(t)
	if got := r.asides(); len(got) != 1 || got[0].Final != "in/a" || got[0].Replaced {
		t.Fatalf("on record: %+v", got)
	}
	r.drop("b", "beside it")
	r.once()
	if e := r.await(EventPutBack, "", "acme"); e.RemotePath != "in/a" || !strings.Contains(e.Reason, ".old.part") {
		t.Errorf("told: %+v", e)
	}
	r.wantInbox("acme", map[string]string{"a": "first", "b": "beside it"})
	if got := r.asides(); len(got) != 0 {
		t.Errorf("on record still: %+v", got)
	}
	id := r.intent("a").ID
	if ok, err := r.store.Release(t.Context(), id); !ok || err != nil {
		t.Fatal(ok, err)
	}
	r.once()
	r.wantInbox("acme", map[string]string{"a": "second", "b": "beside it"})
	if got := hiddenIn(t, s); len(got) != 0 || len(r.asides()) != 0 {
		t.Errorf("left over: %q, %+v", got, r.asides())
	}
}

// TestAnEarlierVersionBesideAnotherFile removes it where that is ours, and keeps it where somebody else's file is.
func TestAnEarlierVersionBesideAnotherFile(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		prepare func(r *rig, s *sftptest.TestServer)
		want    map[string]string
		hidden  int
	}{
		"released": {
			func(r *rig, _ *sftptest.TestServer) {
				if ok, err := r.store.Release(r.Context(), r.intent("a").ID); !ok || err != nil {
					r.Fatal(ok, err)
				}
			},
			map[string]string{"a": "second"},
			0,
		},
		"replaced by a third version": {
			func(r *rig, _ *sftptest.TestServer) { r.drop("a", "the third") }, map[string]string{"a": "the third"}, 0,
		},
		"somebody else's file": {
			func(r *rig, s *sftptest.TestServer) {
				r.must(os.WriteFile(filepath.Join(s.Dir, "in", "a"), []byte("theirs"), 0o600))
			},
			map[string]string{"a": "theirs"},
			1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, s := strand(t)
			row.prepare(r, s)
			r.once()
			r.once() // what is of no use any more is swept with the next session at the latest
			r.drop("b", "beside it")
			r.once()
			row.want["b"] = "beside it"
			left := hiddenIn(t, s)
			if len(left) != row.hidden || len(r.asides()) != row.hidden {
				t.Errorf("left over: %q, %+v", left, r.asides())
			}
			for _, name := range left {
				row.want[filepath.Base(name)] = "first"
			}
			r.wantInbox("acme", row.want)
		})
	}
}

// TestAnEarlierVersionIsOnRecordThoughPosixRenameWasBelievedIn: it turns out to be missing, and the replacement in two steps is
// cut off between them.
func TestAnEarlierVersionIsOnRecordThoughPosixRenameWasBelievedIn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.to("acme", sftptest.ServerOptions{})
	r.drop("a", "first")
	r.once()
	s.Faults.Add(sftptest.RefusePosixRename(), refuseRenames(2, 0))
	r.drop("a", "second")
	r.once()
	r.await(EventParked, "a", "acme")
	if got := r.asides(); len(got) != 1 || got[0].Final != "in/a" {
		t.Errorf("on record: %+v", got)
	}
	if r.learned("acme").PosixRename {
		t.Error("posix-rename is believed in still")
	}
	s.Faults.Clear()
	r.drop("b", "beside it")
	r.once()
	r.wantInbox("acme", map[string]string{"a": "first", "b": "beside it"})
}

// TestReplacedButNotTidied removes what was replaced as soon as the server lets it.
func TestReplacedButNotTidied(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.to("acme", sftptest.ServerOptions{}, sftptest.NoPosixRename())
	r.drop("a", "first")
	r.once()
	s.Faults.Add(sftptest.Fault{Op: sftptest.OpRemove, Path: ".*.old.part", After: 1, Times: 1, Err: sftptest.PermissionDenied})
	r.drop("a", "second")
	r.once()
	r.wantReceipts(2)
	if n := s.Faults.Hits(); n != 1 || len(r.asides()) != 0 {
		t.Errorf("%d refusals, on record still: %+v", n, r.asides())
	}
	r.drop("b", "beside it")
	r.once()
	r.wantInbox("acme", map[string]string{"a": "second", "b": "beside it"})
}
