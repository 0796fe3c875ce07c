package state

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A store that was closed in order need not be read through once more, and one that anybody has touched since is.
func TestSoundness(t *testing.T) {
	for name, test := range map[string]struct {
		then  func(db string) error
		later time.Duration
		sound bool
	}{
		"closed in order":        {func(string) error { return nil }, time.Hour, true},
		"a day later":            {func(string) error { return nil }, 25 * time.Hour, false},
		"the clock was put back": {func(string) error { return nil }, -time.Hour, false},
		"written to": {func(db string) error {
			text, err := os.ReadFile(db)
			if err == nil {
				err = os.WriteFile(db, text, 0o600)
			}
			return errors.Join(err, os.Chtimes(db, time.Time{}, time.Now().Add(time.Second)))
		}, time.Hour, false},
		"shorter":              {func(db string) error { return os.Truncate(db, 4096) }, time.Hour, false},
		"with a log":           {func(db string) error { return os.WriteFile(db+"-wal", []byte("log"), 0o600) }, time.Hour, false},
		"half of the note":     {func(db string) error { return os.Truncate(soundnessOf(db), 20) }, time.Hour, false},
		"without the note":     {func(db string) error { return os.Remove(soundnessOf(db)) }, time.Hour, false},
		"without the database": {os.Remove, time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			before := time.Now()
			db := databaseIn(closedStore(t))
			if err := test.then(db); err != nil {
				t.Fatal(err)
			}
			examined := takeSoundness(db, before.Add(test.later))
			if sound := !examined.IsZero(); sound != test.sound || sound && (examined.Before(before) || examined.After(time.Now())) {
				t.Errorf("examined %v, want that it is sound: %t", examined, test.sound)
			}
			if _, err := os.Stat(soundnessOf(db)); !os.IsNotExist(err) {
				t.Errorf("the note is left: %v", err)
			}
			if again := takeSoundness(db, before.Add(test.later)); !again.IsZero() {
				t.Error("it counts twice")
			}
		})
	}
}

// A day is counted from the last reading, however often a store is opened and closed; and none is counted for a store that is open.
func TestSoundnessIsHandedOn(t *testing.T) {
	dir := closedStore(t)
	s := openAt(t, dir)
	if _, err := os.Stat(soundnessOf(databaseIn(dir))); !os.IsNotExist(err) {
		t.Errorf("an open store is called sound: %v", err)
	}
	first := s.examined
	closeStore(t, s)
	s = openAt(t, dir)
	if !s.examined.Equal(first) || first.IsZero() {
		t.Errorf("read at %v, and at %v", first, s.examined)
	}
	closeStore(t, s)
	if err := os.Remove(soundnessOf(databaseIn(dir))); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, dir)
	if !s.examined.After(first) {
		t.Error("it was not read")
	}
	closeStore(t, s)
}

// A note that cannot be written keeps no store from being closed.
func TestSoundnessThatCannotBeLeft(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "dropferry.db.sound"), 0o700); err != nil {
		t.Fatal(err)
	}
	closeStore(t, openAt(t, dir))
	closeStore(t, openAt(t, dir))
}
