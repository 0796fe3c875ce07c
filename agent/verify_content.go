package agent

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/syncer"
)

// localSum returns the hash of the folder's file where that still is the known version, and nil else: what was adopted
// by size and time has no other.
func (r *checkedRoute) localSum(ctx context.Context, x *state.Expected) []byte {
	if x.Known == nil {
		return nil
	}
	r.view.reads <- struct{}{}
	defer func() { <-r.view.reads }()
	src, print, err := syncer.OpenCopy(x.Path.In(r.folder.Path))
	if err != nil {
		return nil
	}
	defer src.Close() //nolint:errcheck // opened for reading
	if !print.Same(x.Known.Fingerprint) {
		return nil
	}
	sum, err := syncer.SumOf(ctx, src)
	if err != nil {
		return nil
	}
	return sum
}

// sum returns the hash of a remote file: from the server where it hashes; by reading it back where it does not and
// content says that the transfer is worth it, and where it says something else than is wanted, since a command may see
// another file system than SFTP does.
func (w *verifyView) sum(ctx context.Context, s *remote.Session, name string, size int64, want []byte, content bool) ([]byte, error) {
	if size == 0 {
		empty := sha256.Sum256(nil)
		return empty[:], nil
	}
	sum, err := w.hash(ctx, s, name, size, want)
	switch {
	case err == nil && bytes.Equal(sum, want):
		return sum, nil
	case err != nil && (remote.KindOf(err) != remote.Unsupported || !content):
		return nil, err
	}
	back, backErr := w.readBack(ctx, s, name)
	switch kind := remote.KindOf(backErr); {
	case backErr == nil:
		if err == nil && !bytes.Equal(sum, back) {
			w.noHash.Store(true)
		}
		return back, nil
	case err == nil && (kind == remote.Permission || kind == remote.Refused || kind == remote.Unsupported):
		return sum, nil // an account that may not read has only the command's word
	}
	return nil, backErr
}

var errNotHashing = errors.New("the server does not hash")

// hash asks the server for a hash. A command that was never proved there is tried once before many files rest on it.
func (w *verifyView) hash(ctx context.Context, s *remote.Session, name string, size int64, want []byte) ([]byte, error) {
	if s.Capabilities().ProbedAt.IsZero() {
		w.try.Do(func() { w.noHash.Store(!w.hashes(ctx, s, name, size, want)) })
	}
	if w.noHash.Load() {
		return nil, &remote.Error{Op: "hash", Destination: w.destination, Path: name, Kind: remote.Unsupported, Err: errNotHashing}
	}
	sum, _, err := s.Hash(ctx, name, size)
	return sum, err
}

// hashes tells whether a hash command says of a file what SFTP says of it.
func (w *verifyView) hashes(ctx context.Context, s *remote.Session, name string, size int64, want []byte) bool {
	sum, _, err := s.Hash(ctx, name, size)
	if err != nil || bytes.Equal(sum, want) {
		return err == nil
	}
	back, err := w.readBack(ctx, s, name)
	return err == nil && bytes.Equal(sum, back)
}

// readBack reads a remote file. Where that is refused it is tried once more with no other file open: some servers allow
// one.
func (w *verifyView) readBack(ctx context.Context, s *remote.Session, name string) ([]byte, error) {
	w.reads <- struct{}{}
	defer func() { <-w.reads }()
	w.alone.RLock()
	sum, err := s.ReadBack(ctx, name)
	w.alone.RUnlock()
	if kind := remote.KindOf(err); err == nil || kind != remote.Permission && kind != remote.Refused {
		return sum, err
	}
	w.alone.Lock()
	defer w.alone.Unlock()
	return s.ReadBack(ctx, name)
}

// begins tells whether a remote file of size bytes is the beginning of the folder's file, so that nothing is lost with it.
func (r *checkedRoute) begins(ctx context.Context, x *state.Expected, size int64) (bool, error) {
	want, err := beginning(x.Path.In(r.folder.Path), size)
	if err != nil {
		return false, nil //nolint:nilerr // a local file that cannot be read proves nothing
	}
	s, err := r.view.open(ctx)
	if err != nil {
		return false, err
	}
	sum, err := r.view.sum(ctx, s, x.RemotePath, size, want, true)
	return err == nil && bytes.Equal(sum, want), err
}

// beginning returns the hash of the first size bytes of a local file.
func beginning(name string, size int64) ([]byte, error) {
	src, _, err := syncer.OpenCopy(name)
	if err != nil {
		return nil, err
	}
	defer src.Close() //nolint:errcheck // opened for reading
	h := sha256.New()
	if _, err := io.CopyN(h, src, size); err != nil {
		return nil, err
	}
	return h.Sum(nil), src.Unchanged()
}
