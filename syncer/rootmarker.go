package syncer

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
)

// A mirror that deletes has a marker in its root: an empty directory with a marker is an empty folder, one without is a
// place where a disk is not mounted. So that no marker passes for another one, of a root that lies below the mount point, say,
// each has an id, and the one of the folder is on record.

// markerText is what the marker says to people who find it. The id follows.
const markerText = "This file was written by dropferry, which keeps copies of this folder on other servers and removes there what\n" +
	"is removed here. Where this file is missing, dropferry takes it that the folder itself is missing, because its disk\n" +
	"is not mounted, say: then it removes nothing, and stops until a person has looked. Leave it where it is. It is not\n" +
	"copied.\n"

const (
	markerID  = "id: " // begins the line with the id
	maxMarker = 4096   // bytes, far more than a marker has
)

// markerTemp is what a marker is called until it is whole. The name is always the same, so that what a crash has left goes when the
// next one is written.
var markerTemp = file.PrivateName(file.Marker, strings.Repeat("0", len(file.NewID(time.Time{}))), file.TempSuffix)

// rootMarker is the marker that a root holds.
type rootMarker struct {
	there bool
	id    string // "" of a marker without one
}

// readMarker looks for the marker of a folder's root.
func readMarker(root string) (rootMarker, error) {
	name := filepath.Join(root, file.Marker)
	info, err := os.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return rootMarker{}, nil
	case err != nil || !info.Mode().IsRegular():
		return rootMarker{}, err
	}
	f, err := os.Open(name)
	if err != nil {
		return rootMarker{}, err
	}
	defer f.Close() //nolint:errcheck // opened for reading
	text, err := io.ReadAll(io.LimitReader(f, maxMarker))
	if err != nil {
		return rootMarker{}, err
	}
	m := rootMarker{there: true}
	for line := range strings.Lines(string(text)) {
		if id, ok := strings.CutPrefix(line, markerID); ok {
			m.id = strings.TrimSpace(id)
		}
	}
	return m, nil
}

// is tells whether the marker is the one on record. One that was recorded without an id is any.
func (m rootMarker) is(mark *state.Mark) bool { return m.there && (mark.ID == "" || m.id == mark.ID) }

// writeMarker makes a marker with a new id, which it returns, in place of the one that may be there.
func writeMarker(root string, now time.Time) (id string, err error) {
	id = file.NewID(now)
	name := filepath.Join(root, file.Marker)
	partial := filepath.Join(root, markerTemp) // it must not be there by half
	if err := ignoreMissing(os.Remove(partial)); err != nil {
		return "", err
	}
	f, err := os.OpenFile(partial, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(markerText + "\n" + markerID + id + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(partial, name)
	}
	if err != nil {
		return "", errors.Join(err, ignoreMissing(os.Remove(partial)))
	}
	return id, syncDir(root)
}

// markStands tells whether the root of a folder holds the marker that is on record.
func markStands(ctx context.Context, store cycleStore, f *Folder) (bool, error) {
	mark, found, err := store.MarkOf(ctx, f.Name, f.Root)
	if err != nil || !found {
		return false, err
	}
	m, err := readMarker(f.Root)
	return err == nil && m.is(&mark), nil
}
