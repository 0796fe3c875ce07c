package state

import (
	"testing"

	"github.com/dropferry/dropferry/file"
)

// later is another version than intentFor's, on the same file system.
var later = file.Fingerprint{Size: 1, ModTime: 2, ChangeTime: 3, Dev: intentFor(route, "").Fingerprint.Dev, Inode: 5}

func TestAdoptMakesKnownWithoutAReceipt(t *testing.T) {
	s := newStore(t)
	in := planOne(t, s, intentFor(route, "a.xml"))
	k := Known{Fingerprint: later, Racy: true} // on equal size and time: no hash
	if ok, err := s.Adopt(t.Context(), in.ID, k); !ok || err != nil {
		t.Fatal(ok, err)
	}
	gone(t, s, in.ID)
	want := &Known{Route: route, Path: in.Path, Fingerprint: later, Racy: true, RemotePath: in.Final}
	same(t, "known", want, knownAt(t, s, route, in.Path))
	if h, err := s.History(t.Context(), Filter{}); err != nil || len(h) != 0 {
		t.Errorf("the ledger has %v, %v", h, err)
	}
	wantSweeps(t, s) // nothing has been uploaded
}

func TestAdoptedFileStaysOursOnlyAtItsName(t *testing.T) {
	for remote, owned := range map[string]bool{"/incoming/a.xml": true, "/elsewhere/a.xml": false} {
		s := newStore(t)
		deliver(t, s, planOne(t, s, intentFor(route, "a.xml")), true)
		in := planOne(t, s, intentFor(route, "a.xml"))
		if ok, err := s.Adopt(t.Context(), in.ID, Known{RemotePath: remote, Fingerprint: later}); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if k := knownAt(t, s, route, "a.xml"); k.Owned != owned || k.RemotePath != remote || k.Fingerprint != later {
			t.Errorf("adopted at %s: %+v", remote, k)
		}
	}
}

func TestUnchangedKeepsTheContent(t *testing.T) {
	s := newStore(t)
	first := planOne(t, s, intentFor(route, "a.xml"))
	deliver(t, s, first, true)
	in := planOne(t, s, intentFor(route, "a.xml"))
	if ok, err := s.Unchanged(t.Context(), in.ID, later, true); !ok || err != nil {
		t.Fatal(ok, err)
	}
	gone(t, s, in.ID)
	want := &Known{
		Route: route, Path: "a.xml", Fingerprint: later, Racy: true, SHA256: proofOf(first).SHA256,
		RemotePath: first.Final, Owned: true,
	}
	same(t, "known", want, knownAt(t, s, route, "a.xml"))
}

func TestTouchAndForget(t *testing.T) {
	s := newStore(t)
	for _, r := range []Route{route, second} {
		for _, p := range []file.Path{"a.xml", "b.xml"} {
			deliver(t, s, planOne(t, s, intentFor(r, p)), true)
		}
	}
	if err := s.Touch(t.Context(), route, "a.xml", later, true); err != nil {
		t.Fatal(err)
	}
	if k := knownAt(t, s, route, "a.xml"); k.Fingerprint != later || !k.Racy || !k.Owned || len(k.SHA256) == 0 {
		t.Errorf("touched: %+v", k)
	}
	if k := knownAt(t, s, second, "a.xml"); k.Fingerprint == later {
		t.Errorf("touched on the other route too: %+v", k)
	}
	if err := s.Forget(t.Context(), route.Folder, []file.Path{"a.xml", "nothing.xml"}); err != nil {
		t.Fatal(err)
	}
	for _, r := range []Route{route, second} {
		if k := knownAt(t, s, r, "a.xml"); k != nil {
			t.Errorf("forgotten: %+v", k)
		}
		if knownAt(t, s, r, "b.xml") == nil {
			t.Errorf("b.xml is forgotten at %s too", r.Destination)
		}
	}
}

// What is closed without a transfer may have left a temp behind: by an attempt that failed, by one that has just
// begun, and by one of a process that was killed before it was on record.
func TestClosedIntentLeavesNoTemp(t *testing.T) {
	closers := map[string]func(*Store, Intent) (bool, error){
		"adopt":     func(s *Store, in Intent) (bool, error) { return s.Adopt(t.Context(), in.ID, Known{}) },
		"unchanged": func(s *Store, in Intent) (bool, error) { return s.Unchanged(t.Context(), in.ID, later, false) },
	}
	before := map[string]func(*testing.T, *Store, Intent) *Store{
		"failed before": func(t *testing.T, s *Store, in Intent) *Store {
			if err := s.Begin(t.Context(), in.ID, noon); err != nil {
				t.Fatal(err)
			}
			if err := s.Fail(t.Context(), in.ID, Failure{Err: "cut"}); err != nil {
				t.Fatal(err)
			}
			return s
		},
		"begun": func(t *testing.T, s *Store, in Intent) *Store {
			if err := s.Begin(t.Context(), in.ID, noon); err != nil {
				t.Fatal(err)
			}
			return s
		},
		"planned by an earlier process": func(t *testing.T, s *Store, _ Intent) *Store {
			closeStore(t, s)
			return openAt(t, s.dir)
		},
	}
	for how, closeIt := range closers {
		for what, happened := range before {
			t.Run(how+"/"+what, func(t *testing.T) {
				s := newStore(t)
				in := planOne(t, s, intentFor(route, "a.xml"))
				s = happened(t, s, in)
				if ok, err := closeIt(s, in); !ok || err != nil {
					t.Fatal(ok, err)
				}
				wantSweeps(t, s, Sweep{ID: in.ID, Destination: in.Destination, Temp: in.Temp})
			})
		}
	}
}
