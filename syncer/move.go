package syncer

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// A file of a mirror that has got another name is not sent again: the server renames what it has. To the protocol the
// file under its old name is the verified temp, and T2 comes before the rename as ever. Only the old name's
// disappearance proves nothing, since others can remove it; then the file is sent.

// movedFrom finds the known file that a new one was before: the same inode, size and time on the same file system, and the
// old name has left the folder. What it holds is compared when it is delivered. One that goes last is sent: as long as it
// waits, a new file under the old name could not even be planned.
func movedFrom(ctx context.Context, store Store, folder *Folder, g *ground, c *Change) (*state.Known, error) {
	f := c.Entry.Fingerprint
	if !folder.mayMove() || folder.Order.seat(c.Path, f).last() || c.Decision.Reason != ReasonNew || f.Size == 0 || f.Inode == 0 {
		return nil, nil
	}
	alike, err := store.Alike(ctx, state.Route{Folder: folder.Name, Destination: c.Destination}, f.Size, f.Inode, movesTried)
	if err != nil {
		return nil, err
	}
	for i := range alike {
		k := &alike[i]
		if movable(k) && k.Path != c.Path && !c.Path.Under(k.Path) && !k.Path.Under(c.Path) && k.Fingerprint.ModTime == f.ModTime && g.now(k.Fingerprint.Dev) == f.Dev &&
			g.fileHasLeft(k.Path, k.Fingerprint.Dev) {
			return k, nil
		}
	}
	return nil, nil
}

// movesTried bounds how many known files are looked at for one that is alike.
const movesTried = 16

// mayMove tells whether files may lose their old names at the destination: that is a removal there.
func (f *Folder) mayMove() bool { return f.Mirror && f.Deletes }

// movable tells whether a known file at the destination may be given another name: it is ours, and its content is known.
func movable(k *state.Known) bool { return k.Owned && k.SHA256 != nil }

// move takes the file that the destination holds under its old name for the verified temp, and records T2. done is false
// where it cannot be had that way: then the file is sent.
func (d *delivery) move(ctx context.Context, src *watcher.Source) (done bool, err error) {
	if d.intent.MovedFrom == "" {
		return false, nil
	}
	proof, ok, err := d.proofOfMove(ctx, src)
	if err != nil {
		return false, err
	}
	if !ok {
		kept, err := d.store.SetMovedFrom(ctx, d.intent.ID, "")
		if err == nil && !kept {
			err = errSuperseded
		}
		d.intent.MovedFrom = ""
		return false, err
	}
	if err := leaveDirs(ctx, d.store, d.folder, d.intent.Destination, d.intent.MovedFrom); err != nil {
		return false, err
	}
	return true, d.commit(ctx, proof)
}

// proofOfMove compares the source, what was known under its old name, and what the server has there.
func (d *delivery) proofOfMove(ctx context.Context, src *watcher.Source) (proof state.Proof, ok bool, err error) {
	k, err := d.oldName(ctx)
	if err != nil || k == nil || k.Fingerprint.Size != src.Size() || d.entwined(k) {
		return proof, false, err
	}
	if left, err := d.hasLeft(ctx, k); err != nil || !left {
		return proof, false, err
	}
	respelled, err := d.respelled(ctx)
	if err != nil || d.intent.Temp == "" || !d.session.Capabilities().Rename || respelled == nil && !d.folder.mayMove() {
		return proof, false, err
	}
	if respelled == nil {
		if free, err := d.isFree(ctx); err != nil || !free {
			return proof, false, err
		}
	}
	sum, err := d.sumOf(ctx, src)
	if err != nil || !bytes.Equal(sum, k.SHA256) {
		return proof, false, err
	}
	if err := src.Unchanged(); err != nil {
		return proof, false, err
	}
	old, err := d.stands(ctx, k.RemotePath)
	if isRefusal(err) {
		return proof, false, nil
	}
	if err != nil || old == nil || !old.Mode.IsRegular() || old.Size != src.Size() {
		return proof, false, err
	}
	proof = state.Proof{SHA256: sum, Spared: src.Size(), RemoteModTime: old.ModTime, HostKey: d.session.HostKey()}
	// Reading a large one back would cost as much as sending.
	most := int64(readToRename)
	if d.folder.demand() == remote.Size {
		most = readNone
	}
	got, by, err := contentOf(ctx, d.session, k.RemotePath, old.Size, most)
	switch {
	case err != nil:
		return proof, false, err
	case got != nil:
		proof.Evidence, proof.Command = by.Kind, by.Command
		return proof, bytes.Equal(got, sum), nil
	case d.folder.demand() == remote.Content:
		return proof, false, nil
	}
	proof.Evidence = remote.SizeOnly
	untouched, err := d.untouched(ctx, k, old)
	return proof, untouched, err
}

// untouched tells whether a file that the server has under an old name has the time that it was given there: that of the file here, or,
// where a server sets it by itself, that of its receipt.
func (d *delivery) untouched(ctx context.Context, k *state.Known, old *remote.Info) (bool, error) {
	if near(old.ModTime, k.Fingerprint.Modified(), mtimeSlack) {
		return true, nil
	}
	last, err := receiptOf(ctx, d.store, k)
	return looksAs(last, old) && bytes.Equal(last.Proof.SHA256, k.SHA256), err
}

// isFree tells whether a file that the server has may get the final name.
func (d *delivery) isFree(ctx context.Context) (bool, error) {
	standing, _, err := d.standing(ctx)
	return err == nil && (standing == Free || standing == Ours && d.session.Capabilities().PosixRename), err
}

// hasLeft tells whether a known file has left the folder. Nothing is known of one whose file system does not show.
func (d *delivery) hasLeft(ctx context.Context, k *state.Known) (bool, error) {
	g, err := groundOf(ctx, d.store, d.folder)
	return g.fileHasLeft(k.Path, k.Fingerprint.Dev), err
}

// oldName returns what is known of the file under its old name; nil where nothing is any more.
func (d *delivery) oldName(ctx context.Context) (*state.Known, error) {
	record, err := d.store.Lookup(ctx, d.intent.Folder, d.intent.MovedFrom)
	if err != nil {
		return nil, err
	}
	k := knownOf(record, d.intent.Destination)
	if k == nil || !movable(k) || k.RemotePath == d.intent.Final {
		return nil, nil
	}
	if d.intent.Phase == state.Committing && !bytes.Equal(k.SHA256, d.intent.Proof.SHA256) {
		return nil, nil // T2 spoke of another version
	}
	return k, nil
}

// temp returns the remote path of the file that is to get the final name: the temp that was uploaded, or the old name of a
// file that has moved; "" where it was written at the final name.
func (d *delivery) temp(ctx context.Context) (string, error) {
	if d.intent.MovedFrom == "" {
		return d.intent.Temp, nil
	}
	k, err := d.oldName(ctx)
	if err != nil {
		return "", err
	}
	switch {
	case k == nil:
		return "", &errNotPublished{string(d.intent.MovedFrom), errVanished}
	case d.entwined(k):
		return "", &errNotPublished{k.RemotePath, errors.New("one of its two names is needed for a directory of the other")}
	}
	return k.RemotePath, nil
}

// entwined tells whether one of the old and the new name is needed for a directory of the other. No server can rename so: what
// stands at the old name has to go first.
func (d *delivery) entwined(k *state.Known) bool {
	return strings.HasPrefix(d.intent.Final, k.RemotePath+"/") || strings.HasPrefix(k.RemotePath, d.intent.Final+"/")
}
