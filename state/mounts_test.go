package state

import (
	"slices"
	"testing"

	"github.com/dropferry/dropferry/file"
)

// TestMountsMatterWhileSomethingIsKnown of what lay there; on a person's word its file system does not matter any more.
func TestMountsMatterWhileSomethingIsKnown(t *testing.T) {
	s := newStore(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		must(s.SaveMounts(t.Context(), route.Folder, "/srv/out", []file.Path{"dir", "known", "none", "planned", "plan"}))
	}
	owned(t, s, route, "known/a/b")
	owned(t, s, route, "none-of-it")
	owned(t, s, route, "none0")
	planOne(t, s, intentFor(route, "planned/a"))
	must(s.SaveDirs(t.Context(), []Dir{{Route: route, Path: "dir", RemotePath: "/incoming/dir", Dev: 7, Made: true}}))
	places := func(want ...file.Path) {
		t.Helper()
		got, err := s.Mounts(t.Context(), route.Folder, "/srv/out", false)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
	places("dir", "known", "planned")
	if got, err := s.Mounts(t.Context(), route.Folder, "/srv/out", true); err != nil || len(got) != 5 {
		t.Errorf("where links are followed: %q, %v", got, err)
	}
	if got, err := s.Mounts(t.Context(), route.Folder, "/srv/other", true); err != nil || len(got) != 0 {
		t.Errorf("elsewhere: %q, %v", got, err)
	}
	must(s.ForgetMounts(t.Context(), route.Folder, "/srv/out", []file.Path{"dir", "known"}))
	places("planned")
	if k := knownAt(t, s, route, "known/a/b"); k.Fingerprint.Dev != 0 {
		t.Errorf("it lay on %d", k.Fingerprint.Dev)
	}
	if k := knownAt(t, s, route, "none0"); k.Fingerprint.Dev == 0 {
		t.Error("another file has forgotten its file system")
	}
	if all, err := s.Dirs(t.Context(), route.Folder); err != nil || len(all) != 1 || all[0].Dev != 0 {
		t.Errorf("directories: %+v, %v", all, err)
	}
}

// TestMountIsForgottenWhileAFileIsUnderWay holds for that file too, whatever becomes of it.
func TestMountIsForgottenWhileAFileIsUnderWay(t *testing.T) {
	for name, ends := range map[string]func(s *Store, in Intent) (bool, error){
		"delivered": func(s *Store, in Intent) (bool, error) { deliver(t, s, in, true); return true, nil },
		"adopted": func(s *Store, in Intent) (bool, error) {
			return s.Adopt(t.Context(), in.ID, Known{Route: in.Route, Path: in.Path, Fingerprint: in.Fingerprint})
		},
		"unchanged": func(s *Store, in Intent) (bool, error) { return s.Unchanged(t.Context(), in.ID, in.Fingerprint, false) },
	} {
		s := newStore(t)
		owned(t, s, route, "disk/a")
		in := planOne(t, s, intentFor(route, "disk/a"))
		if err := s.ForgetMounts(t.Context(), route.Folder, "/srv/out", []file.Path{"disk"}); err != nil {
			t.Fatal(err)
		}
		if ok, err := ends(s, in); !ok || err != nil {
			t.Fatalf("%s: %v, %v", name, ok, err)
		}
		if k := knownAt(t, s, route, "disk/a"); k.Fingerprint.Dev != 0 {
			t.Errorf("%s: it lies on %d", name, k.Fingerprint.Dev)
		}
	}
}
