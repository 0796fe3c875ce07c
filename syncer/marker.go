package syncer

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dropferry/dropferry/file"
)

// takeMarker takes away the marker of a source that has left: it is archived beside the file, or deleted as the file
// was. It comes after the file, so that none is left behind without its marker; and where something stands under the
// file's name by now, the marker stays, for it may be that one's.
func (t *takeaway) takeMarker(ctx context.Context) error {
	if t.folder.Marker == nil {
		return nil
	}
	m := *t
	m.intent.Path = t.folder.Marker(t.intent.Path)
	m.source = m.intent.Path.In(t.folder.Root)
	dir, base := filepath.Split(m.source)
	m.private = filepath.Join(dir, file.PrivateName(base, t.intent.Version, file.TakenSuffix))
	m.intent.Archive = filepath.Join(filepath.Dir(t.intent.Archive), base)
	if isMissing(m.private) { // else a crash came in between: go on
		if taken, err := m.claim(); err != nil || !taken {
			return err
		}
	}
	wanted := !isMissing(t.source)
	if !wanted && t.folder.SharedMarkers {
		var err error
		if wanted, err = t.isShared(m.intent.Path); err != nil {
			return errors.Join(err, m.putBack())
		}
	}
	if wanted {
		return m.putBack()
	}
	_, err := m.putAway(ctx)
	return err
}

// claim gives a marker its private name. A marker is a regular file; whatever else has that name is somebody else's.
func (t *takeaway) claim() (taken bool, err error) {
	_, mode, err := file.Lstat(t.source)
	if err != nil || !mode.IsRegular() {
		return false, ignoreMissing(err)
	}
	err = os.Rename(t.source, t.private) // the private name is nobody else's
	return err == nil, ignoreMissing(err)
}

// isShared tells whether another file in the source's directory has the same marker.
func (t *takeaway) isShared(marker file.Path) (bool, error) {
	entries, err := os.ReadDir(filepath.Dir(t.source))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	for _, e := range entries {
		p := t.intent.Path.Dir().Join(e.Name())
		if !file.IsPrivate(e.Name()) && p != marker && e.Type().IsRegular() && t.folder.Marker(p) == marker {
			return true, nil
		}
	}
	return false, err
}
