package syncer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// A directory that has got another spelling of its name in the folder is still the same one to a server that takes both for one. Its
// files get their new names one by one; then it is renamed there itself, by way of a private name, since a server may take a rename from the
// one to the other for nothing to do. Meanwhile nothing else is done at the destination: whoever looked for the directory would take it for
// gone, and make another. A directory that was left under its private name gets its own before anything else is done in the next session.

// respelling is where a directory that has left the folder under its old spelling is now.
type respelling struct {
	path   file.Path // in the folder
	remote string    // how the destination is to call it
}

// respelledTo returns the directory of the folder that a destination takes for one which has left it; nil where there is none.
func respelledTo(f *Folder, r Route, fold file.Folding, p file.Path, remotePath string) *respelling {
	if !fold.Folds() {
		return nil
	}
	now := file.Path("")
	for element := range strings.SplitSeq(string(p), "/") {
		name := spelledIn(f, now, fold, element)
		if name == "" {
			return nil
		}
		now = now.Join(name)
	}
	to := r.RemotePath(now, time.Time{}) // templates of a mirror hold nothing of the day
	if now == p || !fold.Same(to, remotePath) {
		return nil
	}
	return &respelling{now, path.Join(path.Dir(remotePath), path.Base(to))} // what is above it gets its spelling later
}

// spelledIn returns the name of a directory in another one of the folder: this very one, or one that is taken for it.
func spelledIn(f *Folder, dir file.Path, fold file.Folding, name string) (found string) {
	entries, err := os.ReadDir(f.real(dir).In(f.Root))
	if err != nil {
		return ""
	}
	for _, e := range entries {
		if fold.Same(e.Name(), name) && (found == "" || e.Name() == name) && isDir(f.real(dir.Join(e.Name())).In(f.Root)) {
			found = e.Name()
		}
	}
	return found
}

// respellLeft tells whether a directory that is to be removed is there under another spelling, and renames it then.
func (l *link) respellLeft(ctx context.Context, session Session, o *state.Operation, f *Folder, r Route) (done bool, err error) {
	to := respelledTo(f, r, session.Capabilities().Folding(), o.Path, o.RemotePath)
	if to == nil {
		return false, nil
	}
	if recorded, err := l.isRespelledDir(ctx, session, o); err != nil || !recorded {
		holds, err := l.store.HoldsOurs(ctx, o.Route, to.path)
		if err != nil || !holds { // nothing of ours is there, but for what may be to go
			return false, err
		}
	}
	holds, err := l.store.HoldsOurs(ctx, o.Route, o.Path)
	switch {
	case err != nil:
		return true, err
	case holds && l.once: // the next run looks
		return true, l.store.DropOperation(ctx, o.ID)
	case holds:
		return true, errHoldsOurs
	case path.Base(to.remote) == path.Base(o.RemotePath):
		return true, l.store.DirGone(ctx, o)
	}
	if l.once {
		l.ops.tree.Lock()
	} else if !l.ops.tree.TryLock() {
		return true, fmt.Errorf("%w: files are on their way", errHoldsOurs)
	}
	defer l.ops.tree.Unlock()
	return true, l.respellDir(ctx, session, o, to)
}

// respellDir gives a directory at the destination its new spelling. Nothing else is done there meanwhile.
func (l *link) respellDir(ctx context.Context, session Session, o *state.Operation, to *respelling) error {
	away := false
	if o.Begun {
		var err error
		if away, err = isThere(ctx, session, o.Trash); err != nil {
			return err
		}
	} else {
		private := path.Join(path.Dir(o.RemotePath), file.PrivateName(path.Base(o.RemotePath), o.ID, file.TempSuffix))
		begun, err := l.store.BeginOperation(ctx, o.ID, private)
		if err != nil || !begun {
			return err
		}
		o.Begun, o.Trash = true, private
	}
	if !away {
		err := session.Publish(ctx, o.RemotePath, o.Trash, false)
		if kind := remote.KindOf(err); err != nil && kind != remote.Transient && ctx.Err() == nil {
			if err := l.store.DirGone(ctx, o); err != nil {
				return err
			}
			if kind != remote.Missing { // else others were faster
				l.tellOperation(EventKept, o, fmt.Sprintf("it keeps the spelling of its name, and not %s: %v", path.Base(to.remote), err))
			}
			return nil
		}
		if err != nil {
			return err
		}
		crashpoint("respelling-directory")
	}
	if err := session.Publish(ctx, o.Trash, to.remote, false); err != nil {
		if back := session.Publish(ctx, o.Trash, o.RemotePath, false); back != nil {
			err = fmt.Errorf("%w; until then the directory is at %s", err, o.Trash)
		}
		return err
	}
	if err := l.store.DirGone(ctx, o); err != nil {
		return err
	}
	e := operationEvent(EventRenamedDir, o)
	e.At, e.Path, e.RemotePath, e.Reason = l.now(), to.path, to.remote, o.RemotePath
	l.observe(e)
	return nil
}

// finishRespelling gives directories their names that an earlier session has left under private ones. Its error is the store's, or that of a
// session that was lost.
func (l *link) finishRespelling(ctx context.Context, session Session) error {
	if !session.Capabilities().Folding().Folds() {
		return nil
	}
	begun, err := l.store.BegunDirs(ctx, l.name)
	for i := range begun {
		o := &begun[i]
		to := &respelling{o.Path, o.RemotePath} // back, unless it is still in the folder
		if f, r, ok := l.rulesOf(o); ok {
			if now := respelledTo(f, r, session.Capabilities().Folding(), o.Path, o.RemotePath); now != nil {
				to = now
			}
		}
		err := l.respellDir(ctx, session, o, to)
		if err != nil && (session.Err() != nil || ctx.Err() != nil) {
			return err
		}
		if _, refused := errors.AsType[*remote.Error](err); err != nil && !refused {
			return err
		}
		if err != nil {
			e := operationEvent(EventFailed, o)
			e.At, e.Err, e.Reason = l.now(), err, err.Error()
			l.observe(e)
		}
	}
	return err
}
