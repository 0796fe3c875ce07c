package syncer

import (
	"bytes"
	"context"
	"path"
	"time"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// earlierVersion is what we know of having at a final name; either may be nil.
type earlierVersion struct {
	last  *state.Delivery // the latest receipt for the name
	known *state.Known    // what the route is known to hold, where that is under this name
}

// before looks up what was at the final name before this intent.
func (d *delivery) before(ctx context.Context) (earlierVersion, error) {
	var v earlierVersion
	last, published, err := d.store.LastPublished(ctx, d.intent.Destination, d.intent.Final)
	if err != nil {
		return v, err
	}
	record, err := d.store.Lookup(ctx, d.intent.Folder, d.intent.Path)
	if err != nil {
		return v, err
	}
	// A receipt of another local file makes what stands there no earlier version of this one.
	if published && last.Folder == d.intent.Folder && last.Path == d.intent.Path {
		v.last = &last
	}
	if k := knownOf(record, d.intent.Destination); k != nil && k.RemotePath == d.intent.Final {
		v.known = k
	}
	return v, nil
}

// with returns the time of an earlier version that has the content, if there is one.
func (v *earlierVersion) with(sum []byte) (time.Time, bool) {
	switch {
	case v.last != nil && bytes.Equal(v.last.Proof.SHA256, sum):
		return v.last.Proof.RemoteModTime, true
	case v.known != nil && bytes.Equal(v.known.SHA256, sum):
		return v.known.Fingerprint.Modified(), true
	}
	return time.Time{}, false
}

// looksLike tells whether an earlier version of other content has the size and the time of what stands there.
func (v *earlierVersion) looksLike(final *remote.Info, sum []byte) bool {
	last := v.last != nil && !bytes.Equal(v.last.Proof.SHA256, sum) &&
		v.last.Size == final.Size && near(v.last.Proof.RemoteModTime, final.ModTime, 0)
	known := v.known != nil && !bytes.Equal(v.known.SHA256, sum) &&
		v.known.Fingerprint.Size == final.Size && near(v.known.Fingerprint.Modified(), final.ModTime, mtimeSlack)
	return last || known
}

// longestName is the most bytes of a name that any file system takes.
const longestName = 255

// standing tells what stands at the final name.
func (d *delivery) standing(ctx context.Context) (Standing, *remote.Info, error) {
	final, err := d.stands(ctx, d.intent.Final)
	if isRefusal(err) && len(path.Base(d.intent.Final)) <= longestName { // a longer one cannot be there
		return d.standingUnseen(ctx)
	}
	if err != nil || final == nil {
		return Free, nil, err
	}
	before, err := d.before(ctx)
	if err != nil {
		return "", nil, err
	}
	standing, err := d.judge(ctx, final, before)
	if err == nil && standing != Ours && d.intent.Temp == "" {
		standing, err = d.judgeUnfinished(ctx, final, standing)
	}
	return standing, final, err
}

// judge tells what the final file is. One that is ours by its content counts as ours whatever its time says: servers
// and partners touch files.
func (d *delivery) judge(ctx context.Context, final *remote.Info, before earlierVersion) (Standing, error) {
	standing := judge(final, before, d.intent.Fingerprint)
	if (standing != Foreign && standing != Same) || !final.Mode.IsRegular() {
		return standing, nil
	}
	byReceipt := before.last != nil && before.last.Size == final.Size
	byKnown := before.known != nil && before.known.SHA256 != nil && before.known.Fingerprint.Size == final.Size
	if !byReceipt && !byKnown {
		return standing, nil
	}
	sum, _, err := d.session.Hash(ctx, d.intent.Final, final.Size)
	switch {
	case err != nil && remote.KindOf(err) == remote.Unsupported: // a time alone says nothing: servers and partners touch files
		like, err := d.compareEarlier(ctx, before)
		if err == nil && like == likeSame {
			standing = Ours
		}
		return standing, err
	case err != nil:
		return "", err
	case byReceipt && bytes.Equal(sum, before.last.Proof.SHA256), byKnown && bytes.Equal(sum, before.known.SHA256):
		return Ours, nil
	}
	return standing, nil
}

// stands returns what stands at a remote name, nil where nothing does.
func (d *delivery) stands(ctx context.Context, name string) (*remote.Info, error) {
	return stands(ctx, d.session, name)
}

// looker can tell what a server says of a file.
type looker interface {
	Stat(ctx context.Context, name string) (remote.Info, error)
}

func stands(ctx context.Context, at looker, name string) (*remote.Info, error) {
	info, err := at.Stat(ctx, name)
	switch {
	case err == nil:
		return &info, nil
	case remote.KindOf(err) == remote.Missing:
		return nil, nil
	}
	return nil, err
}
