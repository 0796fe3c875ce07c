package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// marks are what no log of the agent may hold: signs of a fault of the program.
var marks = []string{"panic:", "fatal error:", "goroutine ", "%!", "<nil>", "DATA RACE"}

// How the agent names what matters here.
const (
	diskIsFull   = "disk is full"
	hasConnected = "msg=connected "
	hasLost      = "cannot be used for now"
)

// logbook is the agent's log, over all its processes. It goes to a file; what matters later is noted as it passes.
type logbook struct {
	mu     sync.Mutex
	file   io.WriteCloser
	rest   string // of a line that is not whole yet
	marked []string
	full   int              // lines that name a full disk
	online bool             // the agent has a session, as far as it says
	dump   *strings.Builder // where a dump that was asked for goes instead; else nil
}

func newLogbook(dir string) (*logbook, error) {
	f, err := os.Create(filepath.Join(dir, "agent.log"))
	return &logbook{file: f}, err
}

// Write takes what the agent says.
func (l *logbook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dump != nil {
		l.dump.Write(b)
		return len(b), nil
	}
	l.rest += string(b)
	for {
		line, rest, whole := strings.Cut(l.rest, "\n")
		if !whole {
			break
		}
		l.rest = rest
		l.note(line)
	}
	return l.file.Write(b)
}

func (l *logbook) note(line string) {
	if strings.Contains(line, diskIsFull) {
		l.full++
	}
	switch {
	case strings.Contains(line, hasConnected):
		l.online = true
	case strings.Contains(line, hasLost):
		l.online = false
	}
	for _, mark := range marks {
		if strings.Contains(line, mark) && len(l.marked) < 20 {
			l.marked = append(l.marked, line)
		}
	}
}

// say adds a line of the soak's own, so that the log shows what happened to the agent.
func (l *logbook) say(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = fmt.Fprintf(l.file, "---- %s %s\n", time.Now().UTC().Format("15:04:05.000"), fmt.Sprintf(format, args...)) // for people only
	l.rest = ""                                                                                                       // a killed agent leaves half a line
}

// offline notes that the agent has ended.
func (l *logbook) offline() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.online = false
}

func (l *logbook) isOnline() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.online
}

// during returns what the agent says while f runs, which does not go to the log: a dump is no fault.
func (l *logbook) during(f func() error) (string, error) {
	said := &strings.Builder{}
	l.divert(said)
	defer l.divert(nil)
	err := f()
	return said.String(), err
}

func (l *logbook) divert(to *strings.Builder) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dump = to
}

func (l *logbook) fullDisks() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.full
}

// bad returns the lines that hold a mark.
func (l *logbook) bad() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.marked
}

func (l *logbook) close() error { return l.file.Close() }
