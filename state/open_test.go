package state

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestOpenCreatesAPrivateStore(t *testing.T) {
	name := "lib?x#y%41 z" // which a URI must escape
	if runtime.GOOS == "windows" {
		name = "lib#y%41 z" // it has no ? in names
	}
	dir := filepath.Join(t.TempDir(), "var", name)
	s := openAt(t, dir)
	deliver(t, s, planOne(t, s, intentFor(route, "a.xml")), true)
	if runtime.GOOS != "windows" {
		for name, want := range map[string]fs.FileMode{"": 0o700, "dropferry.db": 0o600, "dropferry.db-wal": 0o600, "lock": 0o600} {
			info, err := os.Stat(filepath.Join(dir, name))
			if err != nil || info.Mode().Perm() != want {
				t.Errorf("%q: %v, %v, want %v", name, info.Mode().Perm(), err, want)
			}
		}
	}
	closeStore(t, s)
	if names := list(t, dir); names != "dropferry.db dropferry.db.sound lock" {
		t.Errorf("after Close the directory has %s", names)
	}
	s = openAt(t, dir)
	if knownAt(t, s, route, "a.xml") == nil {
		t.Error("forgotten over a restart")
	}
}

func list(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func TestOpenRestrictsTheFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files inherit their access there")
	}
	dir := t.TempDir()
	closeStore(t, openAt(t, dir))
	if err := os.Chmod(databaseIn(dir), 0o644); err != nil {
		t.Fatal(err)
	}
	openAt(t, dir)
	if info, err := os.Stat(databaseIn(dir)); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
}

func TestOpenRemovesAnUnfinishedStore(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"dropferry.db.new", "dropferry.db.new-wal"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("cut short"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	closeStore(t, openAt(t, dir))
	if names := list(t, dir); names != "dropferry.db dropferry.db.sound lock" {
		t.Errorf("the directory has %s", names)
	}
}

func TestSettingsAreReadBack(t *testing.T) {
	dir := t.TempDir()
	closeStore(t, openAt(t, dir))
	for _, bad := range []setting{
		{"synchronus", "FULL", "2"},      // no such pragma: SQLite says nothing
		{"synchronous", "FULLL", "2"},    // no such value: SQLite takes OFF or a default
		{"journal_mode", "WALL", "wall"}, // the mode stays what it was
	} {
		c, err := connect(databaseIn(dir), readWrite, []setting{bad})
		if err == nil {
			t.Errorf("%+v was accepted", bad)
			if err := c.close(); err != nil {
				t.Error(err)
			}
		}
	}
	s := openAt(t, dir)
	for _, want := range writerSettings {
		if r, ok, err := s.writer.conn.one("PRAGMA " + want.name); err != nil || !ok || fmt.Sprint(r[0]) != want.answer {
			t.Errorf("%s: %v, %v", want.name, r, err)
		}
	}
	if got := len(diskSettings("darwin")); got != 2 {
		t.Errorf("%d settings of macOS", got)
	}
}

func TestSecondAgentIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir)
	if _, err := Open(t.Context(), dir); !errors.Is(err, ErrLocked) {
		t.Errorf("a second Open: %v", err)
	}
	closeStore(t, s)
	openAt(t, dir)
}

func TestReaderWithoutAStore(t *testing.T) {
	dir := t.TempDir()
	for _, at := range []string{dir, filepath.Join(dir, "none")} {
		if _, err := OpenReader(t.Context(), at); !errors.Is(err, ErrNoStore) || !strings.Contains(err.Error(), at) {
			t.Errorf("%v", err)
		}
	}
	if names := list(t, dir); names != "" {
		t.Errorf("the reader has created %s", names)
	}
}

func TestReaderBesideAWriter(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir)
	deliver(t, s, planOne(t, s, intentFor(route, "a.xml")), true)
	r, err := OpenReader(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, r)
	if knownAt(t, r, route, "a.xml") == nil {
		t.Error("the reader does not see what is committed")
	}
	deliver(t, s, planOne(t, s, intentFor(route, "b.xml")), true)
	if knownAt(t, r, route, "b.xml") == nil {
		t.Error("the reader does not see what was committed later")
	}
	for what, err := range map[string]error{
		"SetMeta": r.SetMeta(t.Context(), "k", "v"),
		"Begin":   r.Begin(t.Context(), "id", time.Now()),
		"Drop":    errorOf(r.Drop(t.Context(), "id")),
	} {
		if !errors.Is(err, ErrReadOnly) {
			t.Errorf("%s on a reader: %v", what, err)
		}
	}
}

func TestReaderAfterTheAgent(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir)
	deliver(t, s, planOne(t, s, intentFor(route, "a.xml")), true)
	closeStore(t, s)
	before := readFile(t, databaseIn(dir))
	r, err := OpenReader(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if knownAt(t, r, route, "a.xml") == nil {
		t.Error("not seen")
	}
	openAt(t, dir) // an agent may start meanwhile
	closeStore(t, r)
	if !bytes.Equal(before, readFile(t, databaseIn(dir))) {
		t.Error("the reader has changed the store")
	}
}
