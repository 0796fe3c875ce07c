package fill_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/state/fill"
)

var route = state.Route{Folder: "bench", Destination: "server"}

// delivered makes a store with one delivery, as a link leaves it.
func delivered(t testing.TB, dir string, path file.Path) {
	t.Helper()
	s, err := state.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	in := state.Intent{
		ID: file.NewID(now), Version: file.NewID(now), Route: route, Path: path, Fingerprint: file.Fingerprint{Size: 1, ModTime: 2},
		Reason: "new", Final: "/srv/in/" + string(path), Temp: "/srv/in/.t.part", ReadyAt: now,
	}
	if all, err := s.Plan(t.Context(), []state.Plan{{Intent: in}}); err != nil || !all[0].OK {
		t.Fatal(all, err)
	}
	proof := state.Proof{SHA256: make([]byte, 32), Evidence: "remote-hash", Command: "sha256sum", HostKey: "SHA256:x"}
	if ok, err := s.Commit(t.Context(), in.ID, proof); err != nil || !ok {
		t.Fatal(ok, err)
	}
	if ok, err := s.Deliver(t.Context(), in.ID, state.Deliver{At: now, Fingerprint: in.Fingerprint, Proof: proof}); err != nil || !ok {
		t.Fatal(ok, err)
	}
	if err := s.CloseVersion(t.Context(), in.Version, false); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func many(n int) []fill.File {
	files := make([]fill.File, n)
	for i := range files {
		files[i] = fill.File{Path: file.Path(fmt.Sprintf("dir/file-%07d", i)), Fingerprint: file.Fingerprint{Size: int64(i), ModTime: 5, ChangeTime: 6, Dev: 7, Inode: uint64(i)}}
	}
	return files
}

// TestDeliveries holds that the store takes what is added for its own.
func TestDeliveries(t *testing.T) {
	dir := t.TempDir()
	delivered(t, dir, "pattern")
	files := many(20)
	if err := fill.Deliveries(t.Context(), dir, "pattern", slices.Values(files)); err != nil {
		t.Fatal(err)
	}
	s, err := state.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // it was only read
	n := 0
	for r, err := range s.Walk(t.Context(), route.Folder) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Path == "pattern" {
			continue
		}
		k := r.Known[0]
		if len(r.Known) != 1 || r.Path != files[n].Path || k.Fingerprint != files[n].Fingerprint || k.Racy || !k.Owned || k.Route != route ||
			k.RemotePath != "/srv/in/"+string(r.Path) || len(k.SHA256) != 32 {
			t.Fatalf("record %d is %+v", n, r)
		}
		n++
	}
	if n != len(files) {
		t.Errorf("%d files are known of %d", n, len(files))
	}
	receipts, err := s.History(t.Context(), state.Filter{})
	if err != nil || len(receipts) != len(files)+1 {
		t.Fatal(len(receipts), err)
	}
	ids := map[string]bool{}
	for _, r := range receipts {
		ids[r.ID] = true
		if r.Route != route || r.RemotePath != "/srv/in/"+string(r.Path) || r.Proof.Evidence != "remote-hash" {
			t.Errorf("receipt %+v", r)
		}
	}
	if len(ids) != len(receipts) {
		t.Errorf("%d ids of %d receipts", len(ids), len(receipts))
	}
	if c, err := s.Counts(t.Context()); err != nil || len(c) != 1 || c[0].Known != len(files)+1 {
		t.Errorf("counts %+v, %v", c, err)
	}
}

func TestDeliveriesNeedAPattern(t *testing.T) {
	dir := t.TempDir()
	if err := fill.Deliveries(t.Context(), dir, "pattern", slices.Values(many(1))); err == nil {
		t.Error("a store is made where there is none")
	}
	delivered(t, dir, "pattern")
	err := fill.Deliveries(t.Context(), dir, "other", slices.Values(many(1)))
	if err == nil || !strings.Contains(err.Error(), "known has 0 rows of other") {
		t.Errorf("without a pattern: %v", err)
	}
}

// BenchmarkDeliveries tells whether a million can be had.
func BenchmarkDeliveries(b *testing.B) {
	files := many(100_000)
	for b.Loop() {
		b.StopTimer()
		dir := b.TempDir()
		delivered(b, dir, "pattern")
		b.StartTimer()
		if err := fill.Deliveries(b.Context(), dir, "pattern", slices.Values(files)); err != nil {
			b.Fatal(err)
		}
	}
}
