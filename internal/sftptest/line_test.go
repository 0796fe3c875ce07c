package sftptest

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// fillLine puts content in, in pieces of at most n bytes.
func fillLine(l *line, content []byte, n, most int, delay time.Duration) error {
	for len(content) > 0 {
		room, err := l.room(context.Background(), most)
		if err != nil {
			return err
		}
		n := copy(room, content[:min(n, len(content))])
		l.commit(n, time.Now().Add(delay))
		content = content[n:]
	}
	return nil
}

func drainLine(ctx context.Context, l *line) (all []byte, err error) {
	for {
		p, err := l.next(ctx)
		if err != nil {
			return all, err
		}
		all = append(all, p...)
		l.release(len(p))
	}
}

func TestLineKeepsBytesAndTime(t *testing.T) {
	tests := []struct {
		name  string
		size  int
		piece int
		most  int
		delay time.Duration
	}{
		{"small", 10, 3, linePlain, 0},
		{"nothing", 0, 3, linePlain, time.Second},
		{"around the ring", 5 << 20, 77_777, linePlain, 0},
		{"delayed", 3 << 20, 50_000, lineDelayed, 25 * time.Millisecond},
		{"delayed, full", 3 << 20, 50_000, linePlain, 25 * time.Millisecond},
	}
	for _, tt := range tests {
		for _, reset := range []bool{false, true} {
			t.Run(tt.name, func(t *testing.T) {
				content := random(tt.size)
				synctest.Test(t, func(t *testing.T) {
					l, begin := newLine(), time.Now()
					go func() {
						if err := fillLine(l, content, tt.piece, tt.most, tt.delay); err != nil {
							t.Error(err)
						}
						l.finish(reset, time.Now().Add(tt.delay))
					}()
					got, err := drainLine(t.Context(), l)
					if want := map[bool]error{false: errLineEnd, true: errLineReset}[reset]; !errors.Is(err, want) {
						t.Errorf("ended with %v, want %v", err, want)
					}
					if !bytes.Equal(got, content) {
						t.Errorf("%d bytes came out, other than the %d that went in", len(got), len(content))
					}
					// A full line lets bytes in only as others leave: each fill of it takes the delay once more.
					fills := time.Duration(1)
					if tt.delay > 0 && tt.most < tt.size {
						fills = time.Duration(tt.size/tt.most + 1)
					}
					if took := time.Since(begin); took < tt.delay || took > fills*tt.delay {
						t.Errorf("took %v, with a delay of %v", took, tt.delay)
					}
				})
			})
		}
	}
}

func TestLineIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, ctx := newLine(), t.Context()
		ctx, stop := context.WithTimeout(ctx, time.Second)
		defer stop()
		total := 0
		for {
			room, err := l.room(ctx, linePlain)
			if err != nil {
				break
			}
			l.commit(len(room), time.Now())
			total += len(room)
		}
		if total != linePlain {
			t.Errorf("took %d bytes, want %d", total, linePlain)
		}
	})
}

func TestLineWaitsForNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine()
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		if p, err := l.next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("an empty line gave %d bytes, %v", len(p), err)
		}
	})
}
