package agent

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
)

// recentLines is how many lines of the log are kept for the page, and longestLine how much of one, in bytes.
const (
	recentLines = 300
	longestLine = 2000
)

// recent keeps the last lines of the log beside writing them.
type recent struct {
	mu    sync.Mutex
	lines []string // a ring once it is full
	next  int
}

// logger returns a logger that writes to the handler, and keeps what it lets through.
func (r *recent) logger(to slog.Handler) *slog.Logger {
	return slog.New(&keeping{Handler: to, recent: r, text: slog.NewTextHandler(r, &slog.HandlerOptions{Level: slog.LevelDebug})})
}

// Write takes one line.
func (r *recent) Write(line []byte) (int, error) {
	text := string(bytes.TrimSuffix(line[:min(len(line), longestLine)], []byte("\n")))
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.lines) < recentLines {
		r.lines = append(r.lines, text)
	} else {
		r.lines[r.next] = text
		r.next = (r.next + 1) % recentLines
	}
	return len(line), nil
}

// all returns the lines, the oldest first.
func (r *recent) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append(append([]string{}, r.lines[r.next:]...), r.lines[:r.next]...)
}

// keeping is a handler whose records are kept, too.
type keeping struct {
	slog.Handler
	recent *recent
	text   slog.Handler
}

// Handle implements slog.Handler.
func (k *keeping) Handle(ctx context.Context, r slog.Record) error {
	_ = k.text.Handle(ctx, r) // writes to memory
	return k.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (k *keeping) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &keeping{k.Handler.WithAttrs(attrs), k.recent, k.text.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (k *keeping) WithGroup(name string) slog.Handler {
	return &keeping{k.Handler.WithGroup(name), k.recent, k.text.WithGroup(name)}
}
