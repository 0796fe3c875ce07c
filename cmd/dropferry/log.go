package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"sync/atomic"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/logs"
	"github.com/dropferry/dropferry/service"
)

// logger writes the log to standard error, as the configuration and -v or -q say, wherever it goes otherwise: for commands
// that a person waits for.
func (p *program) logger(l config.Log) *slog.Logger {
	return slog.New(logs.New(logs.Stream{To: p.err}, p.level(l), logs.Form{JSON: l.Format == "json"}))
}

func (p *program) level(l config.Log) slog.Level {
	level := slog.LevelInfo
	_ = level.UnmarshalText([]byte(l.Level)) // the configuration allows only words that slog knows
	switch {
	case p.verbose:
		level = slog.LevelDebug
	case p.quiet:
		level = slog.LevelError
	}
	return level
}

// onceLog is the log of a run that ends: on the terminal of a person who waits for it, above the line that moves, else where
// the configuration wants it.
func (p *program) onceLog(l config.Log, line *progress) (*slog.Logger, func() error, error) {
	if isTerminal(p.err) {
		above := *p
		above.err = line
		return above.logger(l), func() error { return nil }, nil
	}
	log, err := p.openLog(l)
	if err != nil {
		return nil, nil, err
	}
	return slog.New(log), log.Close, nil
}

// openLog opens the log where the configuration wants it.
func (p *program) openLog(l config.Log) (*logs.Log, error) {
	form := logs.Form{JSON: l.Format == "json"}
	var sink logs.Sink
	var err error
	switch p.target(l) {
	case config.TargetJournal:
		sink, form.Bare = logs.Journal{To: p.err}, true
	case config.TargetEventLog:
		form.Bare = true
		if sink, err = service.OpenEventLog(cmp.Or(p.service, service.DefaultName)); err != nil {
			return nil, fmt.Errorf("log to the event log: %w", err)
		}
	case config.TargetFile:
		if sink, err = logs.OpenFile(l.File, l.MaxSize, l.Keep, p.err); err != nil {
			return nil, err
		}
	default:
		sink = logs.Stream{To: p.err}
	}
	return logs.New(sink, p.level(l), form), nil
}

// target resolves "auto".
func (p *program) target(l config.Log) string {
	if l.Target != config.TargetAuto {
		return l.Target
	}
	return autoTarget(runtime.GOOS, p.service != "", p.onJournal())
}

// onJournal tells whether systemd's journal reads standard error.
func (p *program) onJournal() bool {
	file, ok := raw(p.err).(*os.File)
	return ok && service.OnJournal(file)
}

// autoTarget is where a log goes that nobody has led elsewhere.
func autoTarget(goos string, asService, onJournal bool) string {
	switch {
	case goos == "windows" && asService:
		return config.TargetEventLog // nobody sees standard error
	case onJournal:
		return config.TargetJournal
	}
	return config.TargetStderr
}

// changingLog is a log whose level, form and place can change while it is used.
type changingLog struct {
	p  *program
	at atomic.Pointer[logs.Log]
}

// openChangingLog opens the log that the configuration wants now. Where that cannot be done files are sent all the same, and the
// log goes where one goes that nobody has led elsewhere.
func (p *program) openChangingLog(l config.Log) *changingLog {
	c := &changingLog{p: p}
	first, err := p.openLog(l)
	if err == nil {
		c.at.Store(first)
		return c
	}
	l.Target = config.TargetAuto
	other, autoErr := p.openLog(l)
	if autoErr != nil {
		l.Target = config.TargetStderr
		other, _ = p.openLog(l) // which needs no opening
	}
	c.at.Store(other)
	c.logger().Error("the log goes here, since it cannot be where the configuration wants it", "error", err)
	return c
}

// logger writes to the log of the moment.
func (c *changingLog) logger() *slog.Logger {
	return slog.New(changingHandler{at: &c.at, with: func(h slog.Handler) slog.Handler { return h }})
}

// Try implements agent.Logging.
func (c *changingLog) Try(l config.Log) error {
	next, err := c.p.openLog(l)
	if err != nil {
		return err
	}
	return next.Close() // not kept: the log of now may be replaced meanwhile, and have another file at the same name
}

// Change opens the log anew, as the configuration wants it now: a file that somebody has put aside is made again. Where that
// cannot be done the log stays where it is.
func (c *changingLog) Change(l config.Log) {
	next, err := c.p.openLog(l)
	if err != nil {
		c.logger().Error("the log stays as it was", "error", err)
		return
	}
	_ = c.at.Swap(next).Close() // what was written was flushed with each line
}

func (c *changingLog) close() error { return c.at.Load().Close() }

// changingHandler handles a record as the configuration of the moment wants it.
type changingHandler struct {
	at   *atomic.Pointer[logs.Log]
	with func(slog.Handler) slog.Handler // adds attributes and groups
}

func (c changingHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return c.at.Load().Enabled(ctx, level)
}

func (c changingHandler) Handle(ctx context.Context, r slog.Record) error {
	return c.with(c.at.Load()).Handle(ctx, r)
}

func (c changingHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return changingHandler{c.at, func(h slog.Handler) slog.Handler { return c.with(h).WithAttrs(attrs) }}
}

func (c changingHandler) WithGroup(name string) slog.Handler {
	return changingHandler{c.at, func(h slog.Handler) slog.Handler { return c.with(h).WithGroup(name) }}
}
