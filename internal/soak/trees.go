package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dropferry/dropferry/file"
)

// hashFile returns a file's SHA-256 and size.
func hashFile(name string) (sum string, size int64, err error) {
	f, err := os.Open(name)
	if err != nil {
		return "", 0, err
	}
	defer f.Close() //nolint:errcheck // opened for reading
	h := sha256.New()
	size, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), size, err
}

// entries returns all files below a directory, with their names below it behind a prefix.
func entries(dir, prefix string) ([]entry, error) {
	var all []entry
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		sum, _, err := hashFile(name)
		rel, _ := file.Rel(dir, name)
		all = append(all, entry{strings.TrimPrefix(prefix+"/"+string(rel), "/"), sum})
		return err
	})
	return all, ignoreMissing(err)
}

// emptyArchive reads what has been archived and throws it away, now and then until ctx ends, and a last time then: a long
// soak would fill the disk.
func emptyArchive(ctx context.Context, dir string) (all []archived, err error) {
	for {
		last := sleep(ctx, time.Second) != nil
		walked := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
			// What is private is on its way. The agent renames a file to its name here in one step.
			if err != nil || d.IsDir() || file.IsPrivate(d.Name()) {
				return ignoreMissing(err)
			}
			sum, _, err := hashFile(name)
			if err == nil {
				err = os.Remove(name)
			}
			rel, _ := file.Rel(dir, name)
			all = append(all, archived{string(rel), sum})
			return err
		})
		if err = errors.Join(err, walked); err != nil || last {
			return all, err
		}
	}
}
