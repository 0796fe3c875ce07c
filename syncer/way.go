package syncer

import (
	"context"
	"errors"
	"fmt"

	"github.com/dropferry/dropferry/remote"
)

// isInTheWay tells whether an attempt has failed for a file of ours that stands at the destination where a directory is
// needed, and has left the folder: once it is removed there, the attempt succeeds. The outcome's error says so then.
func (l *link) isInTheWay(ctx context.Context, session Session, o *outcome) (bool, error) {
	e, ok := errors.AsType[*remote.Error](o.err)
	folder := l.folderOf(&o.intent)
	if !ok || e.Op != "mkdir" || e.Kind != remote.Exists || !folder.mayMove() {
		return false, nil
	}
	k, found, err := l.store.KnownUnder(ctx, l.name, e.Path)
	if err != nil {
		return false, err
	}
	if !found { // it may have been removed since the attempt failed
		info, err := session.Stat(ctx, e.Path)
		return err == nil && info.Mode.IsDir() || err != nil && (remote.KindOf(err) == remote.Missing || remote.KindOf(err) == remote.Transient), nil
	}
	if k.Folder != folder.Name || !k.Owned {
		return false, nil
	}
	g, err := groundOf(ctx, l.store, folder)
	if err != nil || !g.fileHasLeft(k.Path, k.Fingerprint.Dev) {
		return false, err
	}
	told := *e
	told.Err = fmt.Errorf("%w: a file that has left the folder, and is removed there first", e.Err)
	o.err = &told
	return true, nil
}
