package syncer

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

// Window keeps the last part of a stream in memory, so that an upload which has lost its connection can go on from its
// last checkpoint: the stream itself cannot be read again. Where the window is full, reading waits until a checkpoint
// lets go of its beginning.
type Window struct {
	most int // chunks

	mu      sync.Mutex
	chunks  [][]byte      // what is kept; all but the last are full
	spare   [][]byte      // let go of, to be filled again
	base    int64         // offset of the first byte that is kept
	end     int64         // bytes read so far
	err     error         // why nothing more comes: io.EOF at the stream's end
	starved time.Duration // readers have waited for the stream
	changed chan struct{}
}

// windowChunk is what is let go of at once.
const windowChunk = 1 << 20

// NewWindow returns a window that keeps at most size bytes, which are whole mebibytes.
func NewWindow(size int) *Window {
	return &Window{most: max(size/windowChunk, 1), changed: make(chan struct{})}
}

// Fill reads the stream until it ends, or ctx does. It returns when a read does: nobody can interrupt one of standard
// input.
func (w *Window) Fill(ctx context.Context, r io.Reader) {
	for {
		room, err := w.room(ctx)
		if err != nil {
			return
		}
		n, err := r.Read(room)
		if w.took(n, err); err != nil {
			return
		}
	}
}

// room waits for room and returns it: the rest of the last chunk. Nobody reads there before took.
func (w *Window) room(ctx context.Context) ([]byte, error) {
	for {
		w.mu.Lock()
		if n := len(w.chunks); n > 0 && len(w.chunks[n-1]) < windowChunk {
			last := w.chunks[n-1]
			w.mu.Unlock()
			return last[len(last):windowChunk], nil
		}
		if len(w.chunks) < w.most {
			w.chunks = append(w.chunks, w.fresh())
			w.mu.Unlock()
			continue
		}
		changed := w.changed
		w.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-changed:
		}
	}
}

func (w *Window) fresh() []byte {
	if n := len(w.spare); n > 0 {
		chunk := w.spare[n-1]
		w.spare = w.spare[:n-1]
		return chunk[:0]
	}
	return make([]byte, 0, windowChunk)
}

// took adds n bytes that were read into the room.
func (w *Window) took(n int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	last := &w.chunks[len(w.chunks)-1]
	*last = (*last)[:len(*last)+n]
	w.end += int64(n)
	if err != nil {
		w.err = err
	}
	w.tell()
}

func (w *Window) tell() {
	close(w.changed)
	w.changed = make(chan struct{})
}

// Release lets go of what lies before offset.
func (w *Window) Release(offset int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.chunks) > 0 && len(w.chunks[0]) == windowChunk && w.base+windowChunk <= offset {
		w.spare = append(w.spare, w.chunks[0])
		w.chunks[0] = nil
		w.chunks = w.chunks[1:]
		w.base += windowChunk
	}
	w.tell()
}

// Begun waits for the first byte or the end, and tells whether there is a byte.
func (w *Window) Begun(ctx context.Context) (bool, error) {
	if w.Total() > 0 {
		return true, nil
	}
	var one [1]byte
	n, err := w.readAt(ctx, one[:], 0)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n > 0, err
}

// Total returns how many bytes the stream has had so far.
func (w *Window) Total() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.end
}

// Starved returns how long readers have waited for the stream so far.
func (w *Window) Starved() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.starved
}

// errLetGo is for a part of a stream that is not kept any more.
var errLetGo = errors.New("the stream cannot be read again from so far back")

// readAt reads what there is at an offset, and waits where that is nothing yet.
func (w *Window) readAt(ctx context.Context, b []byte, offset int64) (int, error) {
	for {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		n, changed, err := w.lookAt(b, offset)
		if changed == nil {
			return n, err
		}
		began := time.Now()
		select {
		case <-ctx.Done():
		case <-changed:
		}
		w.mu.Lock()
		w.starved += time.Since(began)
		w.mu.Unlock()
	}
}

// lookAt is readAt without waiting: changed is what to wait for, nil where there is nothing to.
func (w *Window) lookAt(b []byte, offset int64) (n int, changed <-chan struct{}, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case offset < w.base:
		return 0, nil, errLetGo
	case offset < w.end:
		at := offset - w.base
		return copy(b, w.chunks[at/windowChunk][at%windowChunk:]), nil, nil
	case w.err != nil:
		return 0, nil, w.err
	}
	return 0, w.changed, nil
}

// Reader returns a reader of the stream from its beginning, which seeks to what is kept. Its reads end with ctx.
func (w *Window) Reader(ctx context.Context) io.ReadSeeker { return &windowReader{ctx: ctx, window: w} }

type windowReader struct {
	ctx    context.Context //nolint:containedctx // an io.Reader has no other way to hear of its end
	window *Window
	offset int64
}

func (r *windowReader) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	n, err := r.window.readAt(r.ctx, b, r.offset)
	r.offset += int64(n)
	return n, err
}

func (r *windowReader) Seek(offset int64, whence int) (int64, error) {
	if whence != io.SeekStart || offset < 0 {
		return r.offset, errors.New("a stream seeks from its beginning only")
	}
	r.offset = offset
	return offset, nil
}
