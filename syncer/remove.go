package syncer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// removing takes a file away at a destination that has left its folder. Before anything is asked of the server it looks at
// everything once more: the folder is the one that was scanned, the file is not in it, nothing is about to be published
// under the name, and what stands there is what we have left. Where the file goes is on record before it goes there, so
// that a crash in between leaves nothing in doubt.
type removing struct {
	link    *link
	session Session
	o       *state.Operation
	folder  *Folder // nil where the configuration does not have it any more
	route   Route

	known *state.Known // what is to go
}

func (r *removing) run(ctx context.Context) error {
	if !r.o.Begun {
		if ok, err := r.mayGo(ctx); err != nil || !ok {
			return r.dropUnless(ctx, err)
		}
	}
	defer r.link.ops.names.wait(r.session.Capabilities().Folding().Key(r.o.RemotePath))() // nobody publishes there now
	if r.o.Begun {
		if done, err := r.recover(ctx); err != nil || done {
			return err
		}
	}
	if ok, err := r.mayGo(ctx); err != nil || !ok { // what was under way may have ended
		return r.dropUnless(ctx, err)
	}
	same, err := collidesWith(ctx, r.link.store, &state.Intent{Route: r.o.Route, Path: r.o.Path, Final: r.o.RemotePath})
	if err != nil {
		return err
	}
	if same != nil {
		return r.end(ctx, EventKept, (&errCollides{r.o.RemotePath, *same}).Error())
	}
	info, err := stands(ctx, r.session, r.o.RemotePath)
	if err != nil {
		return err
	}
	if info == nil {
		return r.end(ctx, EventGone, "it was removed there by others")
	}
	ours, err := r.isAsWeLeftIt(ctx, info, r.o.Trash == "")
	if err != nil {
		return err
	}
	if !ours {
		return r.end(ctx, EventKept, changedThere(info))
	}
	return r.take(ctx, info)
}

// dropUnless ends an operation that is not to be done, where that is what err leaves open.
func (r *removing) dropUnless(ctx context.Context, err error) error {
	if err != nil {
		return err
	}
	return r.link.store.DropOperation(ctx, r.o.ID)
}

// end forgets the file: it is not ours any more.
func (r *removing) end(ctx context.Context, t EventType, why string) error {
	if err := r.link.store.Forgotten(ctx, r.o); err != nil {
		return err
	}
	r.link.tellOperation(t, r.o, why)
	r.link.poke() // likewise
	r.lookAgain()
	return nil
}

// lookAgain asks the watcher to look at a file that has come back: what it was known by is forgotten.
func (r *removing) lookAgain() {
	if r.folder != nil && !isMissing(r.o.Path.In(r.folder.Root)) && !file.NewSpelling().IsAnother(r.folder.Root, r.o.Path) {
		r.folder.Hint(r.o.Path)
	}
}

// mayGo tells whether the file may be removed, as far as can be told here.
func (r *removing) mayGo(ctx context.Context) (bool, error) {
	f, o := r.folder, r.o
	if f == nil || !f.Deletes || r.route.Destination == "" {
		return false, nil
	}
	record, err := r.link.store.Lookup(ctx, o.Folder, o.Path)
	if err != nil {
		return false, err
	}
	k := knownOf(record, o.Destination)
	if k == nil || !k.Owned || k.RemotePath != o.RemotePath {
		return false, nil
	}
	last, published, err := r.link.store.LastPublished(ctx, o.Destination, o.RemotePath)
	if err != nil || published && last.Seq > o.Upto { // another version, which nobody has missed yet
		return false, err
	}
	used, err := r.link.store.NameInUse(ctx, o.Route, o.Path, o.RemotePath)
	if err != nil || used {
		return false, err
	}
	r.known = k
	return r.hasLeft(ctx)
}

// hasLeft looks whether the folder is the one that was scanned, and the file is not in it.
func (r *removing) hasLeft(ctx context.Context) (bool, error) {
	if stands, err := rootStands(ctx, r.link.store, r.folder, r.o); err != nil || !stands {
		return false, err
	}
	g, err := groundOf(ctx, r.link.store, r.folder)
	return err == nil && g.fileHasLeft(r.o.Path, r.known.Fingerprint.Dev), err
}

// isAsWeLeftIt tells whether the file at the destination is still what we have put there. For good nothing is removed but on proof of
// what it holds, which may cost reading all of it back; a person can find its size and time enough. What goes to the trash can
// be had back: there they suffice for a large one, and where the account may not read.
func (r *removing) isAsWeLeftIt(ctx context.Context, info *remote.Info, forGood bool) (bool, error) {
	most, suffices := int64(readToKnow), !forGood
	switch {
	case r.folder.Verify == remote.Size:
		most, suffices = readNone, true
	case forGood:
		most = readAny
	}
	like, err := liken(ctx, r.link.store, r.session, r.known, info, most)
	if err == nil && like == looksOurs && !suffices {
		err = &remote.Error{
			Op: "remove", Destination: r.o.Destination, Path: r.o.RemotePath, Kind: remote.Permission, Err: errUnproved,
			Hint: "a trash for the folder, or verify = \"size\", lets its size and time do",
		}
	}
	return like == isOurs || like == looksOurs, err
}

// errUnproved is why a file stays that has left its folder, and may be another by now.
var errUnproved = errors.New("whether it is still ours cannot be told: the server does not hash, and the account may not read it")

// changedThere is why a file stays.
func changedThere(info *remote.Info) string {
	if !info.Mode.IsRegular() {
		return "it is no file any more"
	}
	return "it was changed there: " + described(info.Size, info.ModTime, nil)
}

// errTrashTaken says that there is no free name in the trash.
var errTrashTaken = errors.New("its name in the trash is taken")

// take moves the file to the trash, or removes it.
func (r *removing) take(ctx context.Context, info *remote.Info) error {
	trash, err := r.freeTrash(ctx)
	if err != nil {
		return err
	}
	begun, err := r.link.store.BeginOperation(ctx, r.o.ID, trash)
	if err != nil || !begun { // the file is about to be sent again
		return err
	}
	r.o.Begun, r.o.Trash = true, trash
	crashpoint("removal-begun")
	if left, err := r.hasLeft(ctx); err != nil || !left {
		return r.dropUnless(ctx, err)
	}
	if trash == "" {
		err = r.session.Remove(ctx, r.o.RemotePath)
	} else {
		err = refusedTrash(r.session.Publish(ctx, r.o.RemotePath, trash, false))
	}
	if err != nil {
		return err
	}
	crashpoint("removal-done")
	return r.record(ctx, info.Size)
}

// freeTrash returns a name in the trash where nothing stands.
func (r *removing) freeTrash(ctx context.Context) (string, error) {
	if r.o.Trash == "" {
		return "", nil
	}
	for _, name := range []string{r.o.Trash, strings.TrimSuffix(r.o.Trash, "."+r.o.ID) + "." + r.o.ID} {
		if taken, err := stands(ctx, r.session, name); err != nil || taken == nil {
			return name, err
		}
	}
	return "", fmt.Errorf("move %s to %s: %w", r.o.RemotePath, r.o.Trash, errTrashTaken)
}

// refusedTrash says what can be done about a server that does not move files to the trash. It is never removed instead.
func refusedTrash(err error) error {
	e, ok := errors.AsType[*remote.Error](err)
	if !ok || e.Kind == remote.Transient || e.Kind == remote.DiskFull {
		return err
	}
	told := *e
	told.Op = "move to the trash"
	told.Hint = "the trash has to be on the file system of the mirror, and the account must be allowed to rename; trash = \"\" removes at once"
	return &told
}

// record puts on record what was taken away, whatever ends meanwhile.
func (r *removing) record(ctx context.Context, size int64) error {
	removed := state.Removal{Size: size, Trash: r.o.Trash, At: r.link.now()}
	if k := r.known; k != nil && k.Fingerprint.Size == size {
		removed.SHA256 = k.SHA256
	}
	if err := r.link.store.Removed(context.WithoutCancel(ctx), r.o, removed); err != nil {
		return err
	}
	crashpoint("removal-recorded")
	e := operationEvent(EventRemoved, r.o)
	e.At, e.Size, e.Trash = removed.At, size, removed.Trash
	if removed.Trash != "" {
		e.Type = EventTrashed
		if p := r.link.planner(r.o.Folder); p != nil {
			p.awaitExpiry(ctx, removed.At)
		}
	}
	r.link.observe(e)
	r.link.poke() // something may have waited for its name
	r.lookAgain()
	return nil
}

// recover finds out whether an interrupted attempt has taken the file away.
func (r *removing) recover(ctx context.Context) (done bool, err error) {
	record, err := r.link.store.Lookup(ctx, r.o.Folder, r.o.Path)
	if err != nil {
		return false, err
	}
	if k := knownOf(record, r.o.Destination); k != nil && k.RemotePath == r.o.RemotePath {
		r.known = k
	}
	if r.o.Trash == "" {
		if left, err := stands(ctx, r.session, r.o.RemotePath); err != nil || left != nil {
			return false, err
		}
		size := int64(0)
		if r.known != nil {
			size = r.known.Fingerprint.Size
		}
		return true, r.record(ctx, size)
	}
	info, err := stands(ctx, r.session, r.o.Trash)
	if err != nil || info == nil {
		return false, err
	}
	if err := r.removeTwin(ctx); err != nil {
		return false, err
	}
	return true, r.record(ctx, info.Size)
}

// removeTwin removes what is left under the old name of a file that is in the trash: OpenSSH's rename is a link and an
// unlink, and its end may have come in between.
func (r *removing) removeTwin(ctx context.Context) error {
	ok, err := r.mayGo(ctx)
	if err != nil || !ok {
		return err
	}
	info, err := stands(ctx, r.session, r.o.RemotePath)
	if err != nil || info == nil {
		return err
	}
	if ours, err := r.isAsWeLeftIt(ctx, info, true); err != nil || !ours {
		return err
	}
	return r.session.Remove(ctx, r.o.RemotePath)
}

// expire removes a file of ours from the trash, and the directories there that it leaves empty.
func (r *removing) expire(ctx context.Context) error {
	t, found, err := r.link.store.TrashedAt(ctx, r.o.Destination, r.o.RemotePath)
	if err != nil || !found {
		return r.dropUnless(ctx, err)
	}
	info, err := stands(ctx, r.session, r.o.RemotePath)
	switch {
	case err != nil:
		return err
	case info == nil:
		if !r.o.Begun {
			return r.end(ctx, EventGone, "it was removed from the trash by others")
		}
	default:
		ours, err := isAsTrashed(ctx, r.session, &t, info)
		if err != nil {
			return err
		}
		if !ours {
			return r.end(ctx, EventKept, fmt.Sprintf("it was changed in the trash: %s", described(info.Size, info.ModTime, nil)))
		}
		begun, err := r.link.store.BeginOperation(ctx, r.o.ID, "")
		if err != nil || !begun {
			return err
		}
		crashpoint("expiry-begun")
		if err := r.session.Remove(ctx, r.o.RemotePath); err != nil {
			return err
		}
		crashpoint("expired")
	}
	if err := r.tidy(ctx); err != nil {
		return err
	}
	r.o.Trash = ""
	return r.record(ctx, t.Size)
}

// isAsTrashed tells whether a file in the trash is still what we have put there: by its content, where that is known and can be
// told, else by its size.
func isAsTrashed(ctx context.Context, session contentReader, t *state.Trashed, info *remote.Info) (bool, error) {
	if !info.Mode.IsRegular() || info.Size != t.Size || t.SHA256 == nil {
		return info.Mode.IsRegular() && info.Size == t.Size, nil
	}
	sum, _, err := contentOf(ctx, session, t.RemotePath, t.Size, readToKnow)
	return sum == nil || bytes.Equal(sum, t.SHA256), err
}

// tidy removes the directories above a file that was removed from the trash, as far as they are empty.
func (r *removing) tidy(ctx context.Context) error {
	trash := r.route.Trash
	if trash == "" {
		return nil
	}
	for dir := path.Dir(r.o.RemotePath); dir == trash || strings.HasPrefix(dir, trash+"/"); dir = path.Dir(dir) {
		err := r.session.Rmdir(ctx, dir)
		if err != nil && remote.KindOf(err) == remote.Transient {
			return err
		}
		if err != nil {
			return nil //nolint:nilerr // it is not empty
		}
	}
	return nil
}
