package state

import (
	"testing"
	"time"
)

// TestRootsAreKept by number and directory, and the oldest of too many go.
func TestRootsAreKept(t *testing.T) {
	s := newStore(t)
	root := Root{Folder: "invoices", Root: "/srv/out", Dev: 1<<64 - 1, Inode: 2, Born: 3, At: noon}
	for n := range maxRoots + 5 {
		more := root
		more.Dev -= uint64(n)
		more.At = noon.Add(time.Duration(n) * time.Hour)
		for range 2 {
			if err := s.SaveRoot(t.Context(), more); err != nil {
				t.Fatal(err)
			}
		}
	}
	all, err := s.Roots(t.Context(), "invoices", "/srv/out")
	if err != nil || len(all) != maxRoots {
		t.Fatalf("%d roots, %v", len(all), err)
	}
	root.Dev, root.At = root.Dev-5, noon.Add(5*time.Hour)
	same(t, "the oldest", root, all[0])
	for _, other := range [][2]string{{"invoices", "/srv/other"}, {"orders", "/srv/out"}} {
		if all, err := s.Roots(t.Context(), other[0], other[1]); err != nil || len(all) != 0 {
			t.Errorf("%v: %+v, %v", other, all, err)
		}
	}
}
