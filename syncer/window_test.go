package syncer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{3}).Read(b) // never fails
	return b
}

// TestWindow gives the stream to a reader who lets go of it now and then and goes back to there, and never keeps more than
// it may.
func TestWindow(t *testing.T) {
	t.Parallel()
	const most = 4 * windowChunk
	content := randomBytes(11*windowChunk + 7)
	for how, src := range map[string]io.Reader{
		"plain": bytes.NewReader(content), "by halves": iotest.HalfReader(bytes.NewReader(content)),
		"with its end": iotest.DataErrReader(bytes.NewReader(content)),
	} {
		w := NewWindow(most)
		var filling sync.WaitGroup
		filling.Go(func() { w.Fill(t.Context(), src) })
		r := w.Reader(t.Context())
		var got []byte
		b := make([]byte, 255<<10)
		random := rand.New(rand.NewPCG(1, 2))
		released := int64(0)
		for {
			n, err := r.Read(b)
			got = append(got, b[:n]...)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", how, err)
			}
			if w.Total()-released > most+windowChunk {
				t.Fatalf("%s: it keeps %d bytes", how, w.Total()-released)
			}
			if int64(len(got))-released > 2*windowChunk { // a checkpoint, and then maybe a cut
				released += random.Int64N(int64(len(got)) - released)
				w.Release(released)
				got = got[:released]
				if _, err := r.Seek(released, io.SeekStart); err != nil {
					t.Fatal(err)
				}
			}
		}
		filling.Wait()
		if !bytes.Equal(got, content) || w.Total() != int64(len(content)) {
			t.Errorf("%s: %d bytes arrived of %d", how, len(got), len(content))
		}
		if _, err := r.Seek(0, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Read(b); !errors.Is(err, errLetGo) {
			t.Errorf("%s: what was let go of: %v", how, err)
		}
	}
}

// TestWindowWaits for a silent producer, no longer than the reader wants, and counts for how long.
func TestWindowWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in, out := io.Pipe()
		w := NewWindow(windowChunk)
		ctx, cancel := context.WithCancel(t.Context())
		var filling sync.WaitGroup
		filling.Go(func() { w.Fill(ctx, in) })
		short, end := context.WithTimeout(ctx, time.Minute)
		defer end()
		if _, err := w.Begun(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		if got := w.Starved(); got != time.Minute {
			t.Errorf("starved for %v", got)
		}
		go func() { _, _ = out.Write([]byte("x")) }() // the window reads it
		if some, err := w.Begun(ctx); err != nil || !some {
			t.Errorf("%v, %v", some, err)
		}
		if _, err := w.Reader(ctx).Read(nil); err != nil {
			t.Error(err)
		}
		cause := errors.New("broken")
		_ = out.CloseWithError(cause) // never fails
		filling.Wait()
		r := w.Reader(ctx)
		if got, err := io.ReadAll(r); string(got) != "x" || !errors.Is(err, cause) {
			t.Errorf("%q, %v", got, err)
		}
		cancel()
	})
}

func TestWindowOfNothing(t *testing.T) {
	t.Parallel()
	w := NewWindow(windowChunk)
	w.Fill(t.Context(), bytes.NewReader(nil))
	if some, err := w.Begun(t.Context()); err != nil || some {
		t.Errorf("%v, %v", some, err)
	}
}

// TestWindowThatIsFull ends with its context.
func TestWindowThatIsFull(t *testing.T) {
	t.Parallel()
	w := NewWindow(windowChunk)
	ctx, cancel := context.WithCancel(t.Context())
	var filling sync.WaitGroup
	filling.Go(func() { w.Fill(ctx, bytes.NewReader(make([]byte, 3*windowChunk))) })
	cancel()
	filling.Wait()
	if n := w.Total(); n > windowChunk {
		t.Errorf("it has read %d bytes", n)
	}
}
