package state

import (
	"slices"
	"testing"

	"github.com/dropferry/dropferry/file"
)

// TestSizedLike finds what was delivered of a size, from all folders and under all names that the destination has had.
func TestSizedLike(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for _, x := range []struct {
		r    Route
		p    file.Path
		size int64
	}{
		{route, "a", LeastLike},
		{Route{"exports", "acme"}, "b", LeastLike},
		{route, "larger", LeastLike + 1},
		{route, "small", LeastLike - 1},
		{Route{"exports", "globex"}, "elsewhere", LeastLike},
		{route, "c", LeastLike},
	} {
		in := intentFor(x.r, x.p)
		in.Fingerprint.Size = x.size
		deliver(t, s, planOne(t, s, in), false)
	}
	want := func(destination string, size int64, limit int, names ...file.Path) {
		t.Helper()
		all, err := s.SizedLike(t.Context(), destination, size, limit)
		var got []file.Path
		for _, d := range all {
			got = append(got, d.Path)
			if d.Destination != destination || d.Proof.SHA256 == nil || d.Size != size {
				t.Errorf("%+v", d)
			}
		}
		if err != nil || !slices.Equal(got, names) {
			t.Errorf("%s, %d bytes: %q, %v; want %q", destination, size, got, err, names)
		}
	}
	want("acme", LeastLike, 10, "c", "b", "a")
	want("acme", LeastLike, 2, "c", "b")
	want("acme", LeastLike-1, 10)
	want("acme", LeastLike+2, 10)
	configure(t, s, Configured{Names: []Name{newAcmeName}, Renamings: []Renaming{{Kind: DestinationName, Was: "acme", Name: "acme-2"}}})
	want("acme-2", LeastLike, 10, "c", "b", "a")
}
