package syncer

import (
	"os"
	"testing"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/remote"
)

// newMarked is a story of files with markers.
func newMarked(t *testing.T, after After) *rig {
	t.Helper()
	r := newStory(t, after)
	r.folder.Marker = func(p file.Path) file.Path { return p + ".done" }
	return r
}

func TestMarkersLeaveWithTheirFiles(t *testing.T) {
	t.Parallel()
	for after, sent := range map[After]map[string]string{
		Archive: {"sub/a.xml": "1", "sub/a.xml.done": "ok"}, Delete: {}, Keep: {},
	} {
		t.Run(string(after), func(t *testing.T) {
			t.Parallel()
			r := newMarked(t, after)
			i := r.delivered("sub/a.xml", "1", remote.ReadBack)[0]
			r.drop("sub/a.xml.done", "ok")
			r.drop("sub/b.xml.done", "of another")
			r.takeAway(i.Version)
			want := map[string]string{"sub/b.xml.done": "of another"}
			if after == Keep {
				want["sub/a.xml"], want["sub/a.xml.done"] = "1", "ok"
			}
			r.wantFolder(want)
			r.wantSent(sent)
			r.wantClosed(&i, true, after == Keep)
			r.wantNone(EventFailed)
		})
	}
}

// A crash may come between the file and its marker, and with the marker under its private name.
func TestMarkerAfterACrash(t *testing.T) {
	t.Parallel()
	for _, taken := range []bool{false, true} {
		r := newMarked(t, Delete)
		i := r.delivered("a", "1", remote.ReadBack)[0]
		r.drop("a.done", "")
		r.must(os.Remove(r.source("a")))
		if taken {
			m := i
			m.Path = "a.done"
			r.must(os.Rename(r.source("a.done"), r.private(&m)))
		}
		r.takeAway(i.Version)
		r.wantFolder(map[string]string{})
		r.wantClosed(&i, true, false)
	}
}

// What has been dropped again keeps the marker: it may be its own.
func TestMarkerOfTheNextVersionStays(t *testing.T) {
	t.Parallel()
	r := newMarked(t, Delete)
	i := r.delivered("a", "1", remote.ReadBack)[0]
	r.drop("a", "2")
	r.drop("a.done", "")
	r.takeAway(i.Version)
	r.wantFolder(map[string]string{"a": "2", "a.done": ""})
}

// A marker of several files leaves with the last of them; a directory of that name is no marker.
func TestSharedMarkersAndOtherThings(t *testing.T) {
	t.Parallel()
	r := newMarked(t, Delete)
	r.folder.SharedMarkers = true
	r.folder.Marker = func(file.Path) file.Path { return "done" }
	i := r.delivered("a", "1", remote.ReadBack)[0]
	r.drop("b", "2")
	r.drop("done", "")
	r.takeAway(i.Version)
	r.wantFolder(map[string]string{"b": "2", "done": ""})
	r.must(os.Remove(r.source("b")))
	j := r.delivered("c", "3", remote.ReadBack)[0]
	r.takeAway(j.Version)
	r.wantFolder(map[string]string{})

	k := r.delivered("d", "4", remote.ReadBack)[0]
	r.must(os.Mkdir(r.source("done"), 0o700))
	r.takeAway(k.Version)
	if info, err := os.Lstat(r.source("done")); err != nil || !info.IsDir() {
		t.Errorf("the directory: %v, %v", info, err)
	}
	r.wantClosed(&k, true, false)
}
