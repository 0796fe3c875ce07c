package state

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// backedUp is a store with a receipt.
func backedUp(t *testing.T) *Store {
	t.Helper()
	s := newStore(t)
	deliver(t, s, planOne(t, s, intentFor(route, "a.xml")), true)
	return s
}

// backupAt makes a copy at a moment, as if it were that moment.
func backupAt(t *testing.T, s *Store, at time.Time) string {
	t.Helper()
	name, err := s.Backup(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	if name != "" {
		if err := os.Chtimes(name, at, at); err != nil {
			t.Fatal(err)
		}
	}
	return name
}

func TestBackupIsAStore(t *testing.T) {
	s := backedUp(t)
	now := time.Now()
	name := backupAt(t, s, now)
	if want := filepath.Join(s.dir, "backups", now.UTC().Format("dropferry-20060102.db")); name != want {
		t.Errorf("%s, want %s", name, want)
	}
	info, err := os.Stat(name)
	if err != nil || modesCount && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v, want mode 0600", info.Mode(), err)
	}
	if dir, err := os.Stat(filepath.Dir(name)); err != nil || modesCount && dir.Mode().Perm() != 0o700 {
		t.Errorf("its directory: %v, %v, want mode 0700", dir.Mode(), err)
	}
	// What is delivered after the copy is not in it.
	deliver(t, s, planOne(t, s, intentFor(route, "b.xml")), true)
	restored := t.TempDir()
	if err := os.WriteFile(databaseIn(restored), readFile(t, name), 0o600); err != nil {
		t.Fatal(err)
	}
	r := openAt(t, restored)
	checkWhole(t, r)
	history, err := r.History(t.Context(), Filter{})
	if err != nil || len(history) != 1 || history[0].Path != "a.xml" {
		t.Errorf("restored: %+v, %v", history, err)
	}
}

func TestBackupIsMadeOnceADay(t *testing.T) {
	s := newStore(t)
	if name := backupAt(t, s, noon); name != "" {
		t.Errorf("a store without a receipt was copied to %s", name)
	}
	deliver(t, s, planOne(t, s, intentFor(route, "a.xml")), true)
	for _, step := range []struct {
		name string
		at   time.Time
		made bool
	}{
		{"the first", noon, true},
		{"again", noon, false},
		{"23 hours later", noon.Add(23 * time.Hour), false},
		{"a day later", noon.Add(24 * time.Hour), true},
		{"the clock is put back by years", noon.AddDate(-10, 0, 0), true},
		{"and stays there", noon.AddDate(-10, 0, 0).Add(time.Hour), false},
		{"the clock is put forward by years", noon.AddDate(10, 0, 0), true},
		{"and stays there", noon.AddDate(10, 0, 0).Add(time.Hour), false},
		{"the clock is right again", noon.Add(48 * time.Hour), true},
	} {
		if name := backupAt(t, s, step.at); (name != "") != step.made {
			t.Errorf("%s: %q, want made: %t", step.name, name, step.made)
		}
	}
}

func TestSevenBackupsAreKept(t *testing.T) {
	s := backedUp(t)
	own := filepath.Join(s.dir, "backups", "before-the-migration.db")
	backupAt(t, s, noon)
	if err := os.WriteFile(own, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var want []string
	for day := 1; day <= 10; day++ {
		name := backupAt(t, s, noon.AddDate(0, 0, day))
		if want = append(want, filepath.Base(name)); len(want) > 7 {
			want = want[1:]
		}
	}
	got, err := backups(filepath.Join(s.dir, "backups"))
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	if _, err := os.Stat(own); err != nil {
		t.Errorf("a file that is not ours was removed: %v", err)
	}
	// A clock that lags behind by years must not make it remove what it has just made.
	late := backupAt(t, s, noon.AddDate(-10, 0, 0))
	if _, err := os.Stat(late); err != nil {
		t.Error(err)
	}
	if got, err := backups(filepath.Join(s.dir, "backups")); err != nil || len(got) != 7 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestBackupThatFailsLeavesNothing(t *testing.T) {
	s := backedUp(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if name, err := s.Backup(ctx, noon); name != "" || !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %q, %v", name, err)
	}
	dir := filepath.Join(s.dir, "backups")
	left := filepath.Join(dir, ".backup")
	if err := os.MkdirAll(filepath.Join(left, "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	if name, err := s.Backup(t.Context(), noon); name != "" || err == nil || !strings.Contains(err.Error(), "state: copy "+s.file) {
		t.Errorf("%q, %v", name, err)
	}
	if err := os.RemoveAll(left); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(left, []byte("of one that was killed"), 0o600); err != nil {
		t.Fatal(err)
	}
	name := backupAt(t, s, noon)
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != filepath.Base(name) {
		t.Errorf("%v, %v, want %s alone", entries, err, name)
	}
}

// A long copy ends when it is not wanted any more, and leaves the store to work with.
func TestBackupIsInterrupted(t *testing.T) {
	s := backedUp(t)
	fillKnown(t, s, 30_000)
	c, err := connect(s.file, readOnly, common)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	err = keepCopy(ctx, c, filepath.Join(dir, ".backup"), filepath.Join(dir, "copy"))
	if err == nil {
		t.Error("30,000 files were copied in 5 ms")
	}
	if err := c.close(); err != nil {
		t.Error(err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("left over: %v, %v", entries, err)
	}
	if name := backupAt(t, s, noon); name == "" {
		t.Error("no copy")
	}
}
