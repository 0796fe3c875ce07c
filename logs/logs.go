// Package logs writes the log: where it goes, in what form, and safely. A record is one line, whatever a file's name
// holds, and no line commands the terminal that shows it.
package logs

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

// Sink takes records, one at a time. line is the record in the chosen form, without an end of line.
type Sink interface {
	Emit(r slog.Record, line []byte) error
	Close() error
}

// Form is how a record becomes a line.
type Form struct {
	JSON bool
	// Bare leaves time and level out of text, for a log that keeps both itself.
	Bare bool
}

// Log handles records by giving them to its sink.
type Log struct {
	slog.Handler
	shared *shared
}

// New returns a log of records of a level and above.
func New(sink Sink, level slog.Leveler, form Form) *Log {
	s := &shared{sink: sink}
	return &Log{&handler{shared: s, inner: form.on(&s.line, level)}, s}
}

// Close closes the sink. A record that comes later is lost, or goes where the sink sends what it cannot write.
func (l *Log) Close() error {
	l.shared.mu.Lock()
	defer l.shared.mu.Unlock()
	return l.shared.sink.Close()
}

// on is the form as a handler that writes to w. Times are UTC in JSON, which programs read, and local in text.
func (f Form) on(w io.Writer, level slog.Leveler) slog.Handler {
	options := &slog.HandlerOptions{Level: level}
	if f.JSON {
		options.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
			if at, ok := a.Value.Any().(time.Time); ok && len(groups) == 0 && a.Key == slog.TimeKey {
				a.Value = slog.TimeValue(at.UTC())
			}
			return a
		}
		return slog.NewJSONHandler(w, options)
	}
	if f.Bare {
		options.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
				return slog.Attr{}
			}
			return a
		}
	}
	return slog.NewTextHandler(w, options)
}

// shared is what all handlers of one log have in common.
type shared struct {
	mu   sync.Mutex
	line bytes.Buffer
	sink Sink
}

type handler struct {
	shared *shared
	inner  slog.Handler // writes to shared.line
}

// Enabled implements slog.Handler.
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.inner.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	h.shared.mu.Lock()
	defer h.shared.mu.Unlock()
	h.shared.line.Reset()
	if err := h.inner.Handle(ctx, r); err != nil {
		return err
	}
	return h.shared.sink.Emit(r, Escape(bytes.TrimSuffix(h.shared.line.Bytes(), []byte("\n"))))
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{h.shared, h.inner.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{h.shared, h.inner.WithGroup(name)}
}
