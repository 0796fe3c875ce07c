package state

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
)

func sumOf(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

func saveIndex(t *testing.T, s *Store, content string, at, until time.Time, replaces []byte) {
	t.Helper()
	if err := s.SaveIndex(t.Context(), sumOf(content), []byte("index of "+content), at, until, replaces); err != nil {
		t.Fatal(err)
	}
}

// hasIndexes returns which contents have an index.
func hasIndexes(t *testing.T, s *Store, contents string) string {
	t.Helper()
	var has []string
	for content := range strings.FieldsSeq(contents) {
		data, found, err := s.Index(t.Context(), sumOf(content))
		if err != nil || found && string(data) != "index of "+content {
			t.Fatalf("%s: %q, %v", content, data, err)
		}
		if found {
			has = append(has, content)
		}
	}
	return strings.Join(has, " ")
}

func prune(t *testing.T, s *Store, at time.Time, want int) {
	t.Helper()
	if n, err := s.PruneIndexes(t.Context(), at); n != want || err != nil {
		t.Errorf("%d were removed, want %d, %v", n, want, err)
	}
}

// deliverContent delivers a large file of a content.
func deliverContent(t *testing.T, s *Store, r Route, p file.Path, content string) {
	t.Helper()
	in := intentFor(r, p)
	in.Fingerprint.Size = LeastIndexed
	in = planOne(t, s, in)
	proof := Proof{SHA256: sumOf(content), Evidence: "remote-hash", Spared: 7}
	if ok, err := s.Commit(t.Context(), in.ID, proof); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if got := stored(t, s, in.ID).Proof.Spared; got != 7 {
		t.Errorf("%d bytes are on record as spared", got)
	}
	if ok, err := s.Deliver(t.Context(), in.ID, Deliver{At: noon, Keep: true, Fingerprint: in.Fingerprint}); !ok || err != nil {
		t.Fatal(ok, err)
	}
}

// TestIndexesStayWhileTheyAreOfUse keeps those that something known has the content of, at one destination or another, and for
// a while those that are about to be.
func TestIndexesStayWhileTheyAreOfUse(t *testing.T) {
	s := newStore(t)
	for _, content := range []string{"one", "two", "new"} {
		saveIndex(t, s, content, noon, time.Time{}, nil)
	}
	saveIndex(t, s, "dropped", noon, noon.Add(48*time.Hour), nil)
	deliverContent(t, s, route, "a", "one")
	deliverContent(t, s, second, "a", "two")
	const all = "one two new dropped"
	prune(t, s, noon.Add(indexStay/2), 0)
	if got := hasIndexes(t, s, all); got != all {
		t.Errorf("at first: %s", got)
	}
	prune(t, s, noon.Add(2*indexStay), 1)
	if got := hasIndexes(t, s, all); got != "one two dropped" {
		t.Errorf("after a while: %s", got)
	}
	saveIndex(t, s, "three", noon.Add(3*time.Hour), noon.Add(48*time.Hour), sumOf("dropped")) // another version of that
	deliverContent(t, s, route, "a", "three")
	prune(t, s, noon.Add(4*time.Hour), 2)
	if got := hasIndexes(t, s, all+" three"); got != "two three" {
		t.Errorf("after a newer version: %s", got)
	}
	d, err := s.History(t.Context(), Filter{Limit: 1})
	if err != nil || len(d) != 1 || d[0].Proof.Spared != 7 {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestPrunable(t *testing.T) {
	t.Parallel()
	at := func(content string, bytes int64, stays time.Duration) indexed {
		return indexed{sum: []byte(content), bytes: bytes, saved: noon, until: noon.Add(stays)}
	}
	for _, row := range []struct {
		all  []indexed
		most int64
		want string
	}{
		{nil, 10, "[]"},
		{[]indexed{at("known", 5, -time.Hour), at("unknown", 5, -time.Hour)}, 10, "[unknown]"},
		{[]indexed{at("known", 5, 0), at("soon", 5, time.Hour)}, 10, "[]"},
		{[]indexed{at("a", 6, time.Hour), at("b", 6, time.Hour), at("known", 1, 0)}, 10, "[b known]"}, // the oldest
		{[]indexed{at("of a clock that was ahead", 1, 400*24*time.Hour)}, 10, "[of a clock that was ahead]"},
	} {
		var gone []string
		for _, x := range prunable(row.all, map[string]bool{"known": true}, noon, row.most) {
			gone = append(gone, string(x.sum))
		}
		if got := fmt.Sprint(gone); got != row.want {
			t.Errorf("%v: %s go, want %s", row.all, got, row.want)
		}
	}
}

// TestWholeForAWhile forgets by itself that a file is sent whole.
func TestWholeForAWhile(t *testing.T) {
	s := newStore(t)
	until := noon.Add(24 * time.Hour)
	if err := s.SendWhole(t.Context(), route, "a", Whole{Until: until, Reason: "wrong"}); err != nil {
		t.Fatal(err)
	}
	is := func(r Route, p file.Path, at time.Time) bool {
		t.Helper()
		w, is, err := s.Whole(t.Context(), r, p, at)
		if err != nil || is && (w.Reason != "wrong" || !w.Until.Equal(until)) {
			t.Fatalf("%+v, %v", w, err)
		}
		return is
	}
	if !is(route, "a", noon) || is(route, "b", noon) || is(second, "a", noon) || is(route, "a", until) {
		t.Error("it holds for another file, or for another time")
	}
	prune(t, s, until, 0)
	if is(route, "a", noon) {
		t.Error("it was not forgotten")
	}
}

// TestRetemp gives an intent a temp that was never used, where the server may still copy to the one that it has.
func TestRetemp(t *testing.T) {
	s := newStore(t)
	in := planOne(t, s, intentFor(route, "a"))
	retemp := func(temp string, patched, want bool) {
		t.Helper()
		if ok, err := s.Retemp(t.Context(), in.ID, temp, patched); ok != want || err != nil {
			t.Fatal(ok, err)
		}
	}
	retemp(in.Temp, true, true)
	if got := stored(t, s, in.ID); got.Temp != in.Temp || !got.Patched {
		t.Errorf("%+v", got)
	}
	if _, err := s.SaveCheckpoint(t.Context(), in.ID, Checkpoint{Offset: 1, Hash: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	retemp(in.Temp+"2", false, true)
	if got := stored(t, s, in.ID); got.Temp != in.Temp+"2" || got.Patched {
		t.Errorf("%+v", got)
	}
	if _, found, err := s.Checkpoint(t.Context(), in.ID); found || err != nil {
		t.Error("the checkpoint of the old temp stands", err)
	}
	if swept, err := s.Sweeps(t.Context(), in.Destination, 0); err != nil || len(swept) != 1 || swept[0].Temp != in.Temp {
		t.Errorf("%+v, %v", swept, err)
	}
	commit(t, s, in)
	retemp(in.Temp, true, false)
}

// A store of the schema before has no indexes, and its receipts say nothing of bytes that were spared.
func TestIndexesInAnEarlierStore(t *testing.T) {
	dir := t.TempDir()
	s, err := open(t.Context(), dir, schemaBefore(t, "CREATE TABLE chunks"))
	if err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	s = openAt(t, dir)
	if hasIndexes(t, s, "one") != "" {
		t.Error("there is one")
	}
	saveIndex(t, s, "one", noon, time.Time{}, nil)
	if data, found, err := s.Index(t.Context(), sumOf("one")); !found || err != nil || !bytes.HasPrefix(data, []byte("index of")) {
		t.Error(found, err)
	}
}
