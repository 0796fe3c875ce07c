package syncer

import (
	"bytes"
	"context"
	"crypto/sha256"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/watcher"
)

// Some servers refuse to tell anything of a file that is closed. What stands at a name there is found out by its content,
// which a command or the server hashes, or which is read back: that costs something, and is done only there.

// isRefusal tells whether a server declines to answer, rather than that there is nothing.
func isRefusal(err error) bool {
	switch remote.KindOf(err) {
	case remote.Permission, remote.Refused, remote.Unsupported:
		return true
	}
	return false
}

// isThere tells whether anything stands at a name, if only something that the server does not let us look at.
func isThere(ctx context.Context, at looker, name string) (bool, error) {
	info, err := stands(ctx, at, name)
	if isRefusal(err) {
		return true, nil
	}
	return info != nil, err
}

// likeness is how a file that cannot be looked at compares with a content.
type likeness int

const (
	likeNothing likeness = iota // there is no file
	likeSame                    // it has the content
	likeOther                   // it has another
	likeUnknown                 // the server does not let us read it either
)

// compare finds out how the file at a name compares with a content.
func (d *delivery) compare(ctx context.Context, name string, size int64, sum []byte) (likeness, error) {
	_, _, err := d.session.Verify(ctx, name, size, sum, remote.Content)
	switch {
	case err == nil:
		return likeSame, nil
	case remote.KindOf(err) == remote.Integrity:
		return likeOther, nil
	case remote.KindOf(err) == remote.Missing:
		return likeNothing, nil
	case isRefusal(err):
		return likeUnknown, nil
	}
	return likeUnknown, err
}

// compareSource tells whether the file at the final name has the content of the source, and returns the hash of that; nil where it has
// not.
func (d *delivery) compareSource(ctx context.Context, src *watcher.Source) (sum []byte, same bool, err error) {
	if sum, err = d.sumOf(ctx, src); err != nil {
		return nil, false, err
	}
	like, err := d.compare(ctx, d.intent.Final, src.Size(), sum)
	if like != likeSame {
		sum = nil
	}
	return sum, sum != nil, err
}

// compareEarlier finds out whether the file at the final name is an earlier version.
func (d *delivery) compareEarlier(ctx context.Context, before earlierVersion) (likeness, error) {
	var tried []byte
	if v := before.last; v != nil {
		tried = v.Proof.SHA256
		if like, err := d.compare(ctx, d.intent.Final, v.Size, tried); err != nil || like != likeOther {
			return like, err
		}
	}
	if k := before.known; k != nil && k.SHA256 != nil && !bytes.Equal(k.SHA256, tried) {
		return d.compare(ctx, d.intent.Final, k.Fingerprint.Size, k.SHA256)
	}
	if tried != nil {
		return likeOther, nil
	}
	// With nothing to compare it with, that there is a file is all that can be known.
	none := sha256.Sum256(nil)
	like, err := d.compare(ctx, d.intent.Final, 0, none[:])
	if like == likeSame {
		like = likeOther
	}
	return like, err
}

// standingUnseen is standing where the server refuses to tell what stands there.
func (d *delivery) standingUnseen(ctx context.Context) (Standing, *remote.Info, error) {
	before, err := d.before(ctx)
	if err != nil {
		return "", nil, err
	}
	like, err := d.compareEarlier(ctx, before)
	if err != nil {
		return "", nil, err
	}
	final := &remote.Info{Size: remote.Untold}
	standing := Unseen
	switch like {
	case likeNothing:
		return Free, nil, nil
	case likeSame:
		standing = Ours
	case likeOther:
		standing = Foreign
	}
	if standing != Ours && d.intent.Temp == "" {
		standing, err = d.judgeUnfinished(ctx, final, standing)
	}
	return standing, final, err
}

// recogniseUnseen is recognise for a final file that cannot be looked at. One that cannot be read either counts as absent:
// that the temp is gone has to say it all then.
func (d *delivery) recogniseUnseen(ctx context.Context) (finding, *remote.Info, error) {
	before, err := d.before(ctx)
	if err != nil {
		return foreign, nil, err
	}
	final := &remote.Info{Size: remote.Untold}
	like, err := d.compare(ctx, d.intent.Final, d.intent.Fingerprint.Size, d.intent.Proof.SHA256)
	switch {
	case err != nil:
		return foreign, nil, err
	case like == likeNothing, like == likeUnknown:
		return absent, nil, nil
	case like == likeSame:
		if _, repeated := before.with(d.intent.Proof.SHA256); repeated {
			return republished, final, nil
		}
		return published, final, nil
	}
	like, err = d.compareEarlier(ctx, before)
	switch {
	case err != nil:
		return foreign, nil, err
	case like == likeSame:
		return earlier, final, nil
	}
	return foreign, final, nil
}
