package state

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

const (
	backupEvery = 24 * time.Hour
	backupsKept = 7
	// backupRoom is how many times the store's size must be free before a copy of it is made: the copy is not to take the
	// room that deliveries need.
	backupRoom = 2
)

// backupName is the name of a copy, which tells the day in UTC.
var backupName = regexp.MustCompile(`^dropferry-\d{8}\.db$`)

func backupsIn(dir string) string { return filepath.Join(dir, "backups") }

// Backup writes a consistent copy of the store to the directory "backups" beside it, where the newest one there is a day
// old, and removes all but the newest seven. It returns the copy's name, "" where none was due: a store without a receipt
// has nothing to lose. The copy appears under its name whole and on the disk, or not at all. Writers do not wait for it.
// The end of ctx interrupts it.
func (s *Store) Backup(ctx context.Context, now time.Time) (string, error) {
	name, err := s.backup(ctx, now)
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return "", fmt.Errorf("state: copy %s to %s: %w", s.file, backupsIn(s.dir), err)
	}
	return name, nil
}

func (s *Store) backup(ctx context.Context, now time.Time) (string, error) {
	dir := backupsIn(s.dir)
	due, err := backupDue(dir, now)
	if err != nil || !due {
		return "", err
	}
	if some, err := s.hasReceipts(ctx); err != nil || !some {
		return "", err
	}
	if err := s.roomForBackup(); err != nil {
		return "", err
	}
	if err := makePrivate(dir); err != nil {
		return "", err
	}
	c, err := connect(s.file, readOnly, common)
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "dropferry-"+now.UTC().Format("20060102")+".db")
	err = errors.Join(keepCopy(ctx, c, filepath.Join(dir, ".backup"), name), c.close())
	if err != nil {
		return "", err
	}
	return name, removeBackups(dir, filepath.Base(name))
}

// backupDue tells whether no copy was made in the last day. One from the future, by a clock that has been put back since,
// says nothing.
func backupDue(dir string, now time.Time) (bool, error) {
	names, err := backups(dir)
	if err != nil {
		return false, err
	}
	for _, name := range names {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			return false, err
		}
		if age := now.Sub(info.ModTime()); age >= -time.Minute && age < backupEvery { // file systems round
			return false, nil
		}
	}
	return true, nil
}

// backups returns the names of the copies in a directory, the oldest day first.
func backups(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if backupName.MatchString(e.Name()) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// removeBackups removes the oldest copies, but never the one that was just made.
func removeBackups(dir, made string) error {
	names, err := backups(dir)
	for len(names) > backupsKept && err == nil {
		oldest := names[0]
		if oldest == made {
			oldest = names[1]
		}
		err = os.Remove(filepath.Join(dir, oldest))
		names = slices.DeleteFunc(names, func(name string) bool { return name == oldest })
	}
	return err
}

func (s *Store) hasReceipts(ctx context.Context) (some bool, err error) {
	err = s.read(ctx, "receipts", func(c *conn) (err error) {
		_, some, err = c.one("SELECT 1 FROM deliveries LIMIT 1")
		return err
	})
	return some && err == nil, err
}

func (s *Store) roomForBackup() error {
	var size int64
	for _, part := range []string{"", "-wal"} {
		info, err := os.Stat(s.file + part)
		if err != nil && (part == "" || !errors.Is(err, fs.ErrNotExist)) {
			return err
		}
		if err == nil {
			size += info.Size()
		}
	}
	free, err := freeIn(s.dir)
	if err == nil && free < backupRoom*size {
		return fmt.Errorf("%d bytes are free, and %d are wanted", free, backupRoom*size)
	}
	return nil
}
