package state

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
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

// migrate brings the store at name up to date, all in one transaction. A store that holds something is copied first.
func migrate(c *conn, name string, schema []migration) error {
	have, err := schemaVersion(c)
	if err != nil || have == len(schema) {
		return err
	}
	if have > 0 {
		copied := copyBefore(name, len(schema))
		if err := keepCopy(context.Background(), c, copied+".part", copied); err != nil {
			return fmt.Errorf("copy %s before changing its schema: %w", name, err)
		}
	}
	if _, err := c.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	for i, m := range schema[have:] {
		if err := c.script(string(m)); err != nil {
			_, undone := c.exec("ROLLBACK")
			return errors.Join(fmt.Errorf("migrate %s to schema %d: %w", name, have+i+1, err), undone)
		}
	}
	mark := fmt.Sprintf("PRAGMA user_version = %d; PRAGMA application_id = %d", len(schema), applicationID)
	if err := c.script(mark); err != nil {
		_, undone := c.exec("ROLLBACK")
		return errors.Join(err, undone)
	}
	_, err = c.exec("COMMIT")
	return err
}

// copyBefore names the copy that is made before the schema becomes the given one.
func copyBefore(name string, version int) string { return fmt.Sprintf("%s.before-v%d", name, version) }

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
