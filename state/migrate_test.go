package state

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

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
