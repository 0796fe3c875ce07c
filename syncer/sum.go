package syncer

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"

	"github.com/dropferry/dropferry/watcher"
)

// sumOf returns the hash of the source, which is read once however many compare it. Whoever acts on it makes sure
// afterwards that the source has not changed.
func (d *delivery) sumOf(ctx context.Context, src *watcher.Source) ([]byte, error) {
	if d.sum == nil && d.comparing != nil {
		if _, err := d.comparing.whole(); err != nil && !errors.Is(err, errNotWorth) {
			return nil, err
		}
		d.learnOf(d.comparing)
	}
	if d.sum != nil {
		return d.sum, nil
	}
	sum, err := hashSource(ctx, src)
	if err == nil {
		d.sum = sum
	}
	return sum, err
}

// mostToTell is the size in bytes up to which a file is read only to tell a person its hash.
const mostToTell = 256 << 20

// sumToTell returns the hash of the source for a person, nil where that is not known and reading it takes long.
func (d *delivery) sumToTell(ctx context.Context, src *watcher.Source) ([]byte, error) {
	if src.Size() > mostToTell {
		return d.sum, nil
	}
	return d.sumOf(ctx, src)
}

// hashSource reads the whole source and goes back to its beginning.
func hashSource(ctx context.Context, src *watcher.Source) ([]byte, error) {
	h := sha256.New()
	if err := readInto(ctx, h, src); err != nil {
		return nil, err
	}
	_, err := src.Seek(0, io.SeekStart)
	return h.Sum(nil), err
}

// readInto reads all of a source.
func readInto(ctx context.Context, w io.Writer, src io.Reader) error {
	buf := make([]byte, 1<<20)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := src.Read(buf)
		if _, err := w.Write(buf[:n]); err != nil {
			return err
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
