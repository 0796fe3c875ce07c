package state

import (
	"slices"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
)

// planVersion plans one version of a file on both routes.
func planVersion(t *testing.T, s *Store, p file.Path) (a, b Intent) {
	t.Helper()
	a, b = intentFor(route, p), intentFor(second, p)
	b.Version = a.Version
	planOne(t, s, a)
	planOne(t, s, b)
	return a, b
}

func TestVersionEndsWhenEveryDestinationHasIt(t *testing.T) {
	s := newStore(t)
	a, b := planVersion(t, s, "a.xml")
	deliver(t, s, a, false)
	all, ended, err := s.VersionEnded(t.Context(), a.Version)
	if err != nil || ended || !slices.Equal(ids(all), []string{a.ID, b.ID}) {
		t.Errorf("half of it: %v, %t, %v", ids(all), ended, err)
	}
	if got, err := s.Ended(t.Context(), route.Folder, 0); err != nil || len(got) != 0 {
		t.Errorf("half of it has ended: %v, %v", got, err)
	}
	if err := s.CloseVersion(t.Context(), a.Version, true); err == nil {
		t.Error("half of it was closed")
	}
	if knownAt(t, s, route, a.Path) == nil {
		t.Error("a refused close has made the file forgotten")
	}

	deliver(t, s, b, false)
	all, ended, err = s.VersionEnded(t.Context(), a.Version)
	if err != nil || !ended || !slices.Equal(ids(all), []string{a.ID, b.ID}) {
		t.Errorf("all of it: %v, %t, %v", ids(all), ended, err)
	}
	got, err := s.Ended(t.Context(), route.Folder, 0)
	if err != nil || len(got) != 1 || !slices.Equal(ids(got[0]), []string{a.ID, b.ID}) {
		t.Errorf("ended: %v, %v", got, err)
	}
	if got, err := s.Ended(t.Context(), "another", 0); err != nil || len(got) != 0 {
		t.Errorf("ended in another folder: %v, %v", got, err)
	}
	for range 2 {
		if err := s.CloseVersion(t.Context(), a.Version, false); err != nil {
			t.Fatal(err)
		}
	}
	gone(t, s, a.ID)
	gone(t, s, b.ID)
	if knownAt(t, s, route, a.Path) == nil || knownAt(t, s, second, a.Path) == nil {
		t.Error("closed without forgetting, and forgotten")
	}
	if _, ended, err := s.VersionEnded(t.Context(), a.Version); ended || err != nil {
		t.Errorf("a version without intents: %t, %v", ended, err)
	}
}

func TestEndedPutsTroublesLast(t *testing.T) {
	s := newStore(t)
	var want []string
	for _, p := range []file.Path{"a.xml", "b.xml", "c.xml"} {
		a, b := planVersion(t, s, p)
		deliver(t, s, a, false)
		deliver(t, s, b, false)
		want = append(want, a.ID)
	}
	if err := s.Fail(t.Context(), want[0], Failure{Err: "archive: permission denied", Next: time.Now()}); err != nil {
		t.Fatal(err)
	}
	got, err := s.Ended(t.Context(), route.Folder, 0)
	if err != nil || len(got) != 3 {
		t.Fatal(got, err)
	}
	// One intent of the first version has failed; the other one still stands where it was planned.
	if err := s.Fail(t.Context(), got[0][1].ID, Failure{Err: "archive: permission denied", Next: time.Now()}); err != nil {
		t.Fatal(err)
	}
	got, err = s.Ended(t.Context(), route.Folder, 2)
	if err != nil || len(got) != 2 || got[0][0].ID != want[1] || got[1][0].ID != want[2] {
		t.Errorf("%v, %v", got, err)
	}
}
