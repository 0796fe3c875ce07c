package state

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// migration is the SQL that takes the store from one schema to the next. The first makes it out of nothing.
type migration string

// applicationID marks a SQLite file as ours: "drop" in ASCII. See https://www.sqlite.org/pragma.html#pragma_application_id.
const applicationID = 0x64726f70

// schemaVersion returns the number of migrations that the store has been through.
func schemaVersion(c *conn) (int, error) {
	r, _, err := c.one("PRAGMA user_version")
	if err != nil {
		return 0, err
	}
	return int(r.int(0)), nil
}

// copiesKept is how many copies of earlier schemas stay beside the store: the last, and the one before, for whoever notices a
// version later that he has to go back.
const copiesKept = 2

// migrate brings the store at name up to date, all in one transaction. A store that holds something is copied first. The end
// of ctx interrupts it, and the store is as it was.
func migrate(ctx context.Context, c *conn, name string, schema []migration) error {
	have, err := schemaVersion(c)
	if err != nil || have == len(schema) {
		return err
	}
	if have > 0 {
		copied := copyBefore(name, len(schema))
		if err := keepCopy(ctx, c, copied+".part", copied); err != nil {
			return fmt.Errorf("copy %s before changing its schema: %w", name, err)
		}
	}
	if _, err := c.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	for i, m := range schema[have:] {
		if err := c.script(ctx, string(m)); err != nil {
			_, undone := c.exec("ROLLBACK")
			return errors.Join(fmt.Errorf("migrate %s to schema %d: %w", name, have+i+1, err), undone)
		}
	}
	mark := fmt.Sprintf("PRAGMA user_version = %d; PRAGMA application_id = %d", len(schema), applicationID)
	if err := c.script(ctx, mark); err != nil {
		_, undone := c.exec("ROLLBACK")
		return errors.Join(err, undone)
	}
	if _, err := c.exec("COMMIT"); err != nil {
		return err
	}
	removeCopies(name)
	return nil
}

// copyBefore names the copy that is made before the schema becomes the given one.
func copyBefore(name string, version int) string {
	return fmt.Sprintf("%s%s%d", name, copyMark, version)
}

// copyMark stands between the store's name and the schema that came after the copy.
const copyMark = ".before-v"

// removeCopies removes all copies of earlier schemas but the last. One that cannot be removed costs nothing but its room, and is
// tried again by the next migration: no agent stays away for it.
func removeCopies(name string) {
	found, err := os.ReadDir(filepath.Dir(name))
	if err != nil {
		return
	}
	names := make([]string, len(found))
	for i, f := range found {
		names[i] = f.Name()
	}
	for _, old := range oldCopies(filepath.Base(name), names) {
		_ = os.Remove(filepath.Join(filepath.Dir(name), old)) // see above
	}
}

// oldCopies returns which of the names are copies of the store that have had their time.
func oldCopies(store string, names []string) []string {
	type copied struct {
		name    string
		version int
	}
	var copies []copied
	for _, n := range names {
		digits, is := strings.CutPrefix(n, store+copyMark)
		if version, err := strconv.Atoi(digits); is && err == nil && copyBefore(store, version) == n {
			copies = append(copies, copied{n, version})
		}
	}
	slices.SortFunc(copies, func(a, b copied) int { return cmp.Compare(b.version, a.version) })
	var old []string
	for _, c := range copies[min(copiesKept, len(copies)):] {
		old = append(old, c.name)
	}
	return old
}

// keepCopy writes a consistent copy of the store to name, by way of partial beside it. It appears there whole and on the
// disk, or not at all.
func keepCopy(ctx context.Context, c *conn, partial, name string) error {
	if err := os.Remove(partial); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// VACUUM INTO accepts a file that is empty, and would make one that everybody can read.
	f, err := createPrivate(partial)
	if err != nil {
		return err
	}
	_, err = c.interruptible(ctx, "VACUUM INTO ?", partial)
	// SQLite leaves it to the caller to flush such a copy.
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(partial))
	}
	return publish(partial, name)
}
