package state

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
)

// closedStore returns a directory with a store that has something in it.
func closedStore(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	s := openAt(t, dir)
	for i := range 300 {
		planOne(t, s, intentFor(route, file.Path(fmt.Sprintf("%03d.xml", i))))
	}
	closeStore(t, s)
	return dir
}

func TestDamagedStoreIsLeftAlone(t *testing.T) {
	damages := map[string]func([]byte) []byte{
		"empty":          func([]byte) []byte { return nil },
		"not a database": func([]byte) []byte { return bytes.Repeat([]byte("nonsense"), 2000) },
		"cut":            func(b []byte) []byte { return b[:len(b)/2] },
		"pages gone":     func(b []byte) []byte { clear(b[4096 : len(b)-4096]); return b },
		"cells broken": func(b []byte) []byte {
			for i := 4096; i < len(b); i += 4096 {
				copy(b[i:], "\x0d\xff\xff\xff\xff")
			}
			return b
		},
	}
	for name, change := range damages {
		t.Run(name, func(t *testing.T) {
			dir := closedStore(t)
			db := databaseIn(dir)
			broken := change(readFile(t, db))
			if err := os.WriteFile(db, broken, 0o600); err != nil {
				t.Fatal(err)
			}
			var first CorruptError
			for range 3 { // a service is started again and again
				_, err := Open(t.Context(), dir)
				var corrupt *CorruptError
				if !errors.As(err, &corrupt) {
					t.Fatalf("%v", err)
				}
				if first.File == "" {
					first = *corrupt
				}
				if corrupt.File != db || corrupt.KeptAs != first.KeptAs || !strings.Contains(err.Error(), db) {
					t.Errorf("%+v", corrupt)
				}
			}
			if !bytes.Equal(readFile(t, db), broken) {
				t.Error("the damaged file was changed")
			}
			if !strings.HasPrefix(first.KeptAs, db+".corrupt-") || !bytes.Equal(readFile(t, first.KeptAs), broken) {
				t.Errorf("no true copy at %q", first.KeptAs)
			}
			if copies, err := filepath.Glob(filepath.Join(dir, "*.corrupt-*Z")); err != nil || len(copies) != 1 {
				t.Errorf("copies: %v, %v", copies, err)
			}

			r, err := OpenReader(t.Context(), dir)
			if err == nil { // a reader does not look through it all
				closeStore(t, r)
				return
			}
			var corrupt *CorruptError
			if !errors.As(err, &corrupt) || corrupt.KeptAs != "" {
				t.Errorf("reader: %v", err)
			}
		})
	}
}

func TestLogIsKeptWithADamagedStore(t *testing.T) {
	dir := closedStore(t)
	db := databaseIn(dir)
	log := []byte("what is left of a log")
	if err := errors.Join(os.WriteFile(db, []byte("nonsense"), 0o600), os.WriteFile(db+"-wal", log, 0o600)); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), dir)
	var corrupt *CorruptError
	if !errors.As(err, &corrupt) {
		t.Fatal(err)
	}
	if !bytes.Equal(readFile(t, corrupt.KeptAs+"-wal"), log) || !bytes.Equal(readFile(t, db+"-wal"), log) {
		t.Error("the log was not kept")
	}
}

// The database has been moved away and its log has not: a new one would swallow it.
func TestLogWithoutItsStore(t *testing.T) {
	dir := t.TempDir()
	db := databaseIn(dir)
	if err := os.WriteFile(db+"-wal", []byte("something"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), dir)
	var corrupt *CorruptError
	if !errors.As(err, &corrupt) || corrupt.KeptAs != "" {
		t.Fatal(err)
	}
	if _, err := os.Stat(db); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("recreated: %v", err)
	}
	if err := os.Truncate(db+"-wal", 0); err != nil { // as a reader may leave it
		t.Fatal(err)
	}
	openAt(t, dir)
}

func TestStoreOfAnotherProgram(t *testing.T) {
	dir := t.TempDir()
	db := databaseIn(dir)
	if err := os.WriteFile(db, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	alter(t, db, "CREATE TABLE recipes (name TEXT)")
	before := readFile(t, db)
	var corrupt *CorruptError
	if _, err := Open(t.Context(), dir); err == nil || errors.As(err, &corrupt) || !strings.Contains(err.Error(), "another program") {
		t.Errorf("%v", err)
	}
	if !bytes.Equal(readFile(t, db), before) {
		t.Error("it was changed")
	}
}

func TestNewerStoreIsRefused(t *testing.T) {
	dir := closedStore(t)
	db := databaseIn(dir)
	alter(t, db, "PRAGMA user_version = 99")
	before := readFile(t, db)
	for what, err := range map[string]error{
		"Open":       errorOf(Open(t.Context(), dir)),
		"OpenReader": errorOf(OpenReader(t.Context(), dir)),
	} {
		var newer *NewerError
		if !errors.As(err, &newer) || *newer != (NewerError{File: db, Have: 99, Want: len(schema)}) {
			t.Errorf("%s: %v", what, err)
		}
		if !strings.Contains(err.Error(), "schema 99") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if !bytes.Equal(readFile(t, db), before) {
		t.Error("it was changed")
	}
	if _, err := os.Stat(db + ".before-v99"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a copy was made: %v", err)
	}
}

func TestDamageFoundLaterNamesTheFile(t *testing.T) {
	s := newStore(t)
	err := s.write(t.Context(), "plan", func(*conn) error { return damage{errors.New("page 7 is torn")} })
	var corrupt *CorruptError
	if !errors.As(err, &corrupt) || corrupt.File != s.file || !strings.Contains(err.Error(), "page 7 is torn") {
		t.Errorf("%v", err)
	}
}

func TestSetAsideTwoStates(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "x")
	var kept []string
	for i, content := range []string{"one", "other"} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		k, err := setAside(name, noon.Add(time.Duration(i)*time.Hour))
		if err != nil || string(readFile(t, k)) != content {
			t.Fatal(k, err)
		}
		kept = append(kept, filepath.Base(k))
	}
	if kept[0] != "x.corrupt-20260301T120000Z" || kept[1] != "x.corrupt-20260301T130000Z" {
		t.Errorf("%v", kept)
	}
}
