package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// sample is one run of one program.
type sample struct {
	wall  time.Duration // the limit if cut
	cpu   time.Duration
	rss   int64  // bytes
	wire  int64  // bytes in both directions, with all that TCP carries; -1 where there is no wire
	cut   bool   // it took longer than the limit
	fault string // why it does not count; "" is a success
}

// run lets a program bring a source to a fresh directory at the server, and looks at what is there afterwards. The
// error is the benchmark's own.
func (s *stage) run(ctx context.Context, p program, from source, over network) (m sample, err error) {
	dir, err := os.MkdirTemp(s.dir, "run-")
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	t := transfer{s.server.login(), from.dir, filepath.Join(dir, "target"), filepath.Join(dir, "scratch")}
	if err := errors.Join(os.Mkdir(t.target, 0o755), os.Mkdir(t.scratch, 0o700)); err != nil {
		return m, err
	}
	m.wire = -1
	if !over.direct() {
		w, err := over.open(s.server.Addr)
		if err != nil {
			return m, err
		}
		defer func() { err = errors.Join(err, w.Close()) }()
		defer func() {
			sent, received, _ := w.Stats()
			m.wire = sent + received
		}()
		t.host, t.port = w.Host(), w.Port()
	}
	command, err := p.command(t)
	if err != nil {
		return m, err
	}
	r, err := s.meter.run(ctx, s.limit, command)
	if err != nil {
		return m, err
	}
	m.wall, m.cpu, m.rss, m.cut = r.Wall, r.CPU, r.PeakRSS, r.Cut
	switch {
	case r.Cut:
	case r.Fault != "":
		m.fault = r.Fault
	default:
		if err := from.want.compare(t.target); err != nil {
			m.fault = err.Error()
		}
	}
	// Nothing may write into the directory while it is removed, nor take time from the next run.
	s.server.KillSessions()
	return m, nil
}

// String tells a run in a few words.
func (m sample) String() string {
	switch {
	case m.fault != "":
		return "failed: " + m.fault
	case m.cut:
		return fmt.Sprintf("cut after %s", formatDuration(m.wall))
	}
	return fmt.Sprintf("%s s", formatNumber(m.wall.Seconds()))
}
