package service

import (
	"errors"
	"log/slog"
)

// Log is a log of the system's own, which takes whole records. line is the record in words, without an end of line.
type Log interface {
	Emit(r slog.Record, line []byte) error
	Close() error
}

// ErrNoEventLog says that the system has no event log.
var ErrNoEventLog = errors.New("only Windows has an event log")
