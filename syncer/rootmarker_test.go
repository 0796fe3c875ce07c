package syncer

import (
	"os"
	"strings"
	"testing"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
)

// markerRig is a mirror that removes, with files at its server, and its marker on record.
func markerRig(t *testing.T) (*rig, *fakeServer) {
	t.Helper()
	r := newRig(t)
	s := r.toFake()
	r.mirrors("")
	r.drop("a", "1")
	r.drop("b", "2")
	r.once()
	r.wantHalt("")
	return r, s
}

// TestMarkerCutOff finds what a crash has left of a marker that was being written: it goes with the next one.
func TestMarkerCutOff(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.must(os.WriteFile(r.source(markerTemp), []byte("half of"), 0o644))
	if !file.IsPrivate(markerTemp) {
		t.Errorf("%s would be sent", markerTemp)
	}
	id, err := writeMarker(r.root, settledClock())
	r.must(err)
	if m := r.marker(); m.id != id {
		t.Errorf("%+v, want %s", m, id)
	}
	if _, err := os.Lstat(r.source(markerTemp)); !os.IsNotExist(err) {
		t.Errorf("what was left: %v", err)
	}
}

// wantHalt checks why the folder halts; "" that it does not.
func (r *rig) wantHalt(reason string) state.Halt {
	r.Helper()
	h, halted, err := r.store.HaltOf(r.Context(), r.folder.Name)
	r.must(err)
	if h.Accepted != nil {
		halted, h.Reason = false, ""
	}
	if halted != (reason != "") || h.Reason != reason {
		r.Errorf("halt %+v, want %q", h, reason)
	}
	return h
}

func (r *rig) marker() rootMarker {
	r.Helper()
	m, err := readMarker(r.root)
	r.must(err)
	return m
}

func (r *rig) thrice() {
	r.Helper()
	for range 3 {
		r.once()
	}
}

// unmount puts the folder's directory aside, and another one in its place.
func (r *rig) unmount() {
	r.Helper()
	r.must(os.Rename(r.root, r.at("disk")))
	r.must(os.Mkdir(r.root, 0o755))
}

func (r *rig) mountAgain() {
	r.Helper()
	r.must(os.RemoveAll(r.root))
	r.must(os.Rename(r.at("disk"), r.root))
}

// TestMarkerOfAnotherRoot has the place where a disk was mounted hold a marker too, and a file: it does not pass for the
// disk. A person can say that it is the folder from now on; then the disk's does not pass for it.
func TestMarkerOfAnotherRoot(t *testing.T) {
	t.Parallel()
	for _, text := range []string{markerText, markerText + "\n" + markerID + file.NewID(settledClock()) + "\n"} {
		r, s := markerRig(t)
		r.unmount()
		r.must(os.WriteFile(r.source(file.Marker), []byte(text), 0o644))
		r.drop("below", "0")
		r.thrice()
		h := r.wantHalt(HaltMarker)
		if !strings.Contains(h.Detail, "is not the one") {
			t.Errorf("it says %q", h.Detail)
		}
		if got := s.mirror(); len(got) != 2 || got["a"] != "1" {
			t.Errorf("the mirror holds %v", got)
		}
		r.mountAgain()
		r.thrice()
		r.wantHalt("")

		r.unmount()
		r.must(os.WriteFile(r.source(file.Marker), []byte(text), 0o644))
		r.drop("below", "0")
		r.once()
		_, err := r.store.AcceptDeletes(t.Context(), r.folder.Name, 5)
		r.must(err)
		r.thrice()
		if got := s.mirror(); len(got) != 1 || got["below"] != "0" {
			t.Errorf("the mirror holds %v", got)
		}
		if r.marker().id == "" {
			t.Error("a marker without an id was taken as it is")
		}
		r.mountAgain()
		r.thrice()
		r.wantHalt(HaltMarker)
	}
}

// TestNoMarkerInAnEmptyRoot leaves a place unmarked on which a disk may be about to be mounted.
func TestNoMarkerInAnEmptyRoot(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.toFake()
	r.mirrors("")
	r.folder.Deletes = false
	r.drop("a", "1")
	r.once()
	r.unmount()
	r.folder.Deletes = true // from now on, and the disk is not mounted
	r.once()
	if r.marker().there {
		t.Error("an empty root has got a marker")
	}
	r.thrice()
	r.wantHalt(HaltEmptied)
	r.mountAgain()
	r.thrice()
	r.wantHalt("")
	if !r.marker().there || len(s.mirror()) != 1 {
		t.Errorf("marker %+v, the mirror holds %v", r.marker(), s.mirror())
	}
}

// TestOldMarkerGetsAnID in a root that has its files, and goes on to count.
func TestOldMarkerGetsAnID(t *testing.T) {
	t.Parallel()
	r, _ := markerRig(t)
	r.must(os.WriteFile(r.source(file.Marker), []byte(markerText), 0o644))
	r.must(r.store.SaveMark(t.Context(), state.Mark{Folder: r.folder.Name, Root: r.root}))
	r.once()
	mark, found, err := r.store.MarkOf(t.Context(), r.folder.Name, r.root)
	if m := r.marker(); err != nil || !found || m.id == "" || m.id != mark.ID {
		t.Errorf("%+v on record, %+v in the root, %v", mark, m, err)
	}
	r.wantHalt("")
	r.wantFolder(map[string]string{"a": "1", "b": "2", file.Marker: markerText + "\n" + markerID + mark.ID + "\n"})
}
