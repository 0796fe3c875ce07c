package logs

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// Stream writes each record as a line.
type Stream struct{ To io.Writer }

// Emit implements Sink.
func (s Stream) Emit(_ slog.Record, line []byte) error {
	_, err := s.To.Write(append(line, '\n'))
	return err
}

// Close does nothing: the stream is somebody else's.
func (Stream) Close() error { return nil }

// Journal writes each record as a line that begins with its priority, which systemd takes off again. See
// SyslogLevelPrefix in systemd.exec(5).
type Journal struct{ To io.Writer }

// Emit implements Sink.
func (j Journal) Emit(r slog.Record, line []byte) error {
	_, err := fmt.Fprintf(j.To, "<%d>%s\n", priority(r.Level), line)
	return err
}

// Close does nothing: the stream is somebody else's.
func (Journal) Close() error { return nil }

// AsErrors gives each line of a text the priority of an error.
func AsErrors(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		fmt.Fprintf(&b, "<%d>%s", priority(slog.LevelError), line)
	}
	return b.String()
}

// priority is a level as syslog(3) numbers it.
func priority(level slog.Level) int {
	switch {
	case level >= slog.LevelError:
		return 3
	case level >= slog.LevelWarn:
		return 4
	case level >= slog.LevelInfo:
		return 6
	}
	return 7
}
