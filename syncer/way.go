package syncer

import (
	"context"
	"errors"
	"fmt"

	"github.com/dropferry/dropferry/remote"
)

// isInTheWay tells whether an attempt has failed for a file of ours that stands at the destination where a directory is
// needed, and has left the folder: once it is removed there, the attempt succeeds. The outcome's error says so then.
func (l *link) isInTheWay(ctx context.Context, o *outcome) (bool, error) {
	e, ok := errors.AsType[*remote.Error](o.err)
	folder := l.folderOf(&o.intent)
	if !ok || e.Op != "mkdir" || e.Kind != remote.Exists || !folder.mayMove() {
		return false, nil
	}
	k, found, err := l.store.KnownUnder(ctx, l.name, e.Path)
	if err != nil || !found || k.Folder != folder.Name || !k.Owned {
		return false, err
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

// freeIfGone frees an intent that was just set aside for something that stood in its way, where that is gone. What takes things away
// frees what waits for their names, but only what it finds set aside.
func (l *link) freeIfGone(ctx context.Context, session Session, o *outcome) error {
	gone, err := l.isGone(ctx, session, o)
	if err != nil || !gone {
		return err
	}
	if _, err := l.store.Release(ctx, o.intent.ID); err != nil {
		return err
	}
	l.poke()
	return nil
}

// isGone tells whether what stood in an intent's way is there no more. Its errors are the store's.
func (l *link) isGone(ctx context.Context, session Session, o *outcome) (bool, error) {
	name, dir := "", false
	if _, ok := errors.AsType[*errCollides](o.err); ok {
		k, err := collidesWith(ctx, l.store, &o.intent)
		return err == nil && k == nil, err
	} else if conflict, ok := errors.AsType[*errConflict](o.err); ok {
		name = conflict.final
	} else if e, ok := errors.AsType[*remote.Error](o.err); ok && e.Op == "mkdir" && e.Kind == remote.Exists {
		name, dir = e.Path, true
	}
	if name == "" {
		return false, nil
	}
	info, err := session.Stat(ctx, name)
	return remote.KindOf(err) == remote.Missing || err == nil && dir && info.Mode.IsDir(), nil
}
