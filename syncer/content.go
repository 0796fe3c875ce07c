package syncer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// What a file at a destination holds is asked of the server. One that does not hash has it read back, as far as that is worth it:
// sizes and times prove nothing, since others may write as many bytes within the same second, and some servers have no times to tell.
const (
	// readToKnow is the size in bytes up to which a file is read back because what is done about it depends on what it holds.
	readToKnow = 256 << 20
	// readToTell is that up to which it is read back for a person to be told.
	readToTell = 16 << 20
	// readToRename is that up to which reading it back costs less than renaming a file that may be another's.
	readToRename = 256 << 10
	// readAny reads a file of any size.
	readAny = math.MaxInt64
	// readNone reads none.
	readNone = -1
)

// contentReader is a session that can tell what a remote file holds.
type contentReader interface {
	looker
	Hash(ctx context.Context, name string, size int64) (sum []byte, command string, err error)
	ReadBack(ctx context.Context, name string) ([]byte, error)
}

// contentOf returns the SHA-256 of a remote file, and what that rests on: the word of the server, or, where it does not hash, what is
// read back, if the file has at most so many bytes. The hash is nil where it cannot be had so, as where the account may not
// read the file, or it changes meanwhile.
func contentOf(ctx context.Context, session contentReader, name string, size, most int64) (sum []byte, by remote.Evidence, err error) {
	sum, means, err := session.Hash(ctx, name, size)
	switch {
	case err == nil:
		return sum, remote.EvidenceOf(means), nil
	case remote.KindOf(err) != remote.Unsupported:
		return nil, by, err
	case size == 0:
		empty := sha256.Sum256(nil)
		return empty[:], remote.Evidence{Kind: remote.SizeOnly}, nil
	case size > most || most == readNone:
		return nil, by, nil
	}
	sum, err = session.ReadBack(ctx, name)
	if isRefusal(err) || remote.KindOf(err) == remote.Integrity {
		return nil, by, nil
	}
	return sum, remote.Evidence{Kind: remote.ReadBack}, err
}

// likening is how a remote file compares with what we have put there.
type likening int

const (
	isOther   likening = iota // it is something else
	isOurs                    // it has the content
	looksOurs                 // it has the size and the time of the receipt; what it holds could not be told
	isUntold                  // it has the size, and nothing else could be told
)

// errWritten says that a remote file has changed while it was read.
var errWritten = errors.New("it is being written to there")

// receiptOf returns the last receipt of a known file, nil where there is none: what was published under its remote name last is another.
func receiptOf(ctx context.Context, store Store, k *state.Known) (*state.Delivery, error) {
	last, published, err := store.LastPublished(ctx, k.Destination, k.RemotePath)
	if err != nil || !published || last.Folder != k.Folder || last.Path != k.Path {
		return nil, err
	}
	return &last, nil
}

// looksAs tells whether a remote file has the size and the time of a receipt; nil is none.
func looksAs(receipt *state.Delivery, info *remote.Info) bool {
	return receipt != nil && receipt.Size == info.Size && near(receipt.Proof.RemoteModTime, info.ModTime, 0)
}

// liken compares a remote file with what we have put there, which k knows.
func liken(ctx context.Context, store Store, session contentReader, k *state.Known, info *remote.Info, most int64) (likening, error) {
	if !info.Mode.IsRegular() {
		return isOther, nil
	}
	last, err := receiptOf(ctx, store, k)
	if err != nil {
		return isOther, err
	}
	want, size := k.SHA256, k.Fingerprint.Size
	if want == nil && last != nil { // forgotten by a repair, say
		want, size = last.Proof.SHA256, last.Size
	}
	like := isUntold
	if looksAs(last, info) {
		like = looksOurs
	}
	switch {
	case want == nil && like == isUntold:
		return isOther, nil
	case want == nil:
		return like, nil
	case info.Size != size:
		return isOther, nil
	}
	sum, by, err := contentOf(ctx, session, k.RemotePath, size, most)
	switch {
	case err != nil:
		return isOther, err
	case sum == nil:
		return like, nil
	case by.Kind == remote.ReadBack:
		if again, err := session.Stat(ctx, k.RemotePath); err != nil {
			return isOther, err
		} else if again.Size != info.Size || !again.ModTime.Equal(info.ModTime) {
			return isOther, fmt.Errorf("compare %s: %w", k.RemotePath, errWritten)
		}
	}
	if !bytes.Equal(sum, want) {
		return isOther, nil
	}
	return isOurs, nil
}
