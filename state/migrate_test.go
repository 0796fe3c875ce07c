package state

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
)

// withNext is the schema with a version that does not exist yet.
func withNext(sql string) []migration {
	return append(slices.Clip(schema), migration(sql))
}

func TestMigrationKeepsACopy(t *testing.T) {
	dir := closedStore(t)
	db := databaseIn(dir)
	kept := copyBefore(db, len(schema)+1)
	if err := os.WriteFile(kept+".part", []byte("of an attempt that was killed"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := open(t.Context(), dir, withNext("ALTER TABLE known ADD COLUMN colour TEXT; CREATE TABLE more (x)"))
	if err != nil {
		t.Fatal(err)
	}
	counts, err := s.Counts(t.Context())
	if err != nil || len(counts) != 1 || counts[0].Planned != 300 {
		t.Errorf("after the migration: %v, %v", counts, err)
	}
	closeStore(t, s)
	if got := query(t, db, "PRAGMA user_version"); got != int64(len(schema)+1) {
		t.Errorf("the store has schema %v", got)
	}
	if got := query(t, kept, "PRAGMA user_version"); got != int64(len(schema)) {
		t.Errorf("the copy has schema %v", got)
	}
	if got := query(t, kept, "SELECT count(*) FROM intents"); got != int64(300) {
		t.Errorf("the copy has %v intents", got)
	}
	if info, err := os.Stat(kept); err != nil || modesCount && info.Mode().Perm()&0o077 != 0 {
		t.Errorf("the copy: %v, %v", info.Mode(), err)
	}
	if _, err := os.Stat(kept + ".part"); !os.IsNotExist(err) {
		t.Errorf("left over: %v", err)
	}
	if _, err := Open(t.Context(), dir); err == nil {
		t.Error("the older program has opened the newer store")
	}
	// As the message says: the copy is a store of its own.
	if err := os.Rename(kept, db); err != nil {
		t.Fatal(err)
	}
	planOne(t, openAt(t, dir), intentFor(route, "new.xml"))
}

func TestFailedMigrationChangesNothing(t *testing.T) {
	dir := closedStore(t)
	_, err := open(t.Context(), dir, append(withNext("CREATE TABLE more (x)"), "CREATE TABLE known (x)"))
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("to schema %d", len(schema)+2)) {
		t.Errorf("%v", err)
	}
	s := openAt(t, dir)
	if r, err := s.Lookup(t.Context(), route.Folder, file.Path("007.xml")); err != nil || len(r.Intents) != 1 {
		t.Errorf("%v, %v", r, err)
	}
	if got := query(t, databaseIn(dir), "SELECT count(*) FROM sqlite_schema WHERE name = 'more'"); got != int64(0) {
		t.Error("half of it was made")
	}
}

// slowly is SQL that takes hours.
const slowly = "CREATE TABLE more (x); WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) " +
	"INSERT INTO more SELECT i FROM n WHERE i % 1000 = -1"

// TestMigrationIsInterrupted ends one that would take for ever, as a person does who presses Ctrl-C.
func TestMigrationIsInterrupted(t *testing.T) {
	dir := closedStore(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error)
	go func() {
		_, err := open(ctx, dir, withNext(slowly))
		ended <- err
	}()
	kept := copyBefore(databaseIn(dir), len(schema)+1)
	for _, err := os.Stat(kept); err != nil; _, err = os.Stat(kept) { // the copy stands before the change begins
		select {
		case err := <-ended:
			t.Fatalf("it has ended by itself: %v", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
	cancel()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("it goes on")
	}
	s := openAt(t, dir)
	if r, err := s.Lookup(t.Context(), route.Folder, file.Path("007.xml")); err != nil || len(r.Intents) != 1 {
		t.Errorf("%v, %v", r, err)
	}
	if got := query(t, databaseIn(dir), "SELECT count(*) FROM sqlite_schema WHERE name = 'more'"); got != int64(0) {
		t.Error("half of it was made")
	}
}

// TestACopyIsInterrupted leaves nothing of it, and the store alone.
func TestACopyIsInterrupted(t *testing.T) {
	dir := closedStore(t)
	db := databaseIn(dir)
	c, err := connect(db, readWrite, writerSettings)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := migrate(ctx, c, db, withNext("CREATE TABLE more (x)")); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(db + copyMark + "*"); err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
	if got := query(t, db, "PRAGMA user_version"); got != int64(len(schema)) {
		t.Errorf("the store has schema %v", got)
	}
}

func TestOldCopies(t *testing.T) {
	for _, c := range []struct{ names, want []string }{
		{nil, nil},
		{[]string{"db.before-v2"}, nil},
		{[]string{"db.before-v2", "db.before-v10"}, nil},
		{[]string{"db.before-v10", "db.before-v2", "db", "db-wal", "db.before-v9", "db.before-v3"}, []string{"db.before-v3", "db.before-v2"}},
		{[]string{"db.before-v4.part", "db.before-v", "db.before-v03", "db.before-v+3", "my.db.before-v1", "db.before-v2 (mine)", "db.before-v5", "db.before-v6"}, nil},
	} {
		if got := oldCopies("db", c.names); !slices.Equal(got, c.want) {
			t.Errorf("of %q: %q, want %q", c.names, got, c.want)
		}
	}
}

// TestMigrationsKeepTheLastCopies goes through several versions, as a machine does over the years.
func TestMigrationsKeepTheLastCopies(t *testing.T) {
	dir := closedStore(t)
	db := databaseIn(dir)
	changed := schema
	for i := range 4 {
		changed = append(slices.Clone(changed), migration(fmt.Sprintf("CREATE TABLE more%d (x)", i)))
		s, err := open(t.Context(), dir, changed)
		if err != nil {
			t.Fatal(err)
		}
		closeStore(t, s)
	}
	got, err := filepath.Glob(db + copyMark + "*")
	want := []string{copyBefore(db, len(changed)-1), copyBefore(db, len(changed))}
	slices.Sort(want)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("copies: %q, %v, want %q", got, err, want)
	}
	for i, name := range got {
		if version := query(t, name, "PRAGMA user_version"); version != int64(len(changed)-len(got)+i) {
			t.Errorf("%s has schema %v", name, version)
		}
	}
}

func TestNewStoreIsNotCopied(t *testing.T) {
	dir := t.TempDir()
	s, err := open(t.Context(), dir, withNext("CREATE TABLE more (x)"))
	if err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	if names := list(t, dir); names != "dropferry.db dropferry.db.sound lock" {
		t.Errorf("the directory has %s", names)
	}
}

func TestOlderStoreIsNotReadYet(t *testing.T) {
	dir := closedStore(t)
	alter(t, databaseIn(dir), "PRAGMA user_version = 0")
	if _, err := OpenReader(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "older") {
		t.Errorf("%v", err)
	}
}

// schemaBefore returns the schema as it was before the version that has such words.
func schemaBefore(t *testing.T, words string) []migration {
	t.Helper()
	at := slices.IndexFunc(schema, func(version migration) bool { return strings.Contains(string(version), words) })
	if at < 0 {
		t.Fatalf("no version of the schema has %q", words)
	}
	return schema[:at]
}
