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
	wall      time.Duration // the limit if cut
	cpu       time.Duration // of the client
	serverCPU time.Duration
	rss       int64  // bytes
	wire      int64  // bytes in both directions, with all that TCP carries; -1 where there is no wire
	sent      int64  // of those, bytes to the server
	cut       bool   // it took longer than the limit
	fault     string // why it does not count; "" is a success
}

// run lets a program bring a source to a fresh directory at the server, and looks at what is there afterwards. The
// error is the benchmark's own.
func (s *transfers) run(ctx context.Context, p program, from source, over network) (m sample, err error) {
	dir, remove, err := s.own("run")
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	t := transfer{s.server.login(), from, filepath.Join(dir, "target"), filepath.Join(dir, "scratch"), &gauge{server: s.server}}
	if err := errors.Join(os.Mkdir(t.target, 0o755), os.Mkdir(t.scratch, 0o700)); err != nil {
		return m, err
	}
	if !over.direct() {
		w, err := over.open(s.server.Addr)
		if err != nil {
			return m, err
		}
		defer func() { err = errors.Join(err, w.Close()) }()
		t.host, t.port, t.gauge.wire = w.Host(), w.Port(), w
	}
	if err := touch(ctx, dir, from.bytes()+spareMemory); err != nil {
		return m, err
	}
	t.gauge.begin()
	r, err := p.carry(ctx, s.stage, t, s.limit)
	if err != nil {
		return m, err
	}
	m.wall, m.cpu, m.rss, m.cut = r.Wall, r.CPU, r.PeakRSS, r.Cut
	switch {
	case r.Cut:
	case r.Fault != "":
		m.fault = r.Fault
	default:
		if err := p.wants(from).compare(t.target); err != nil {
			m.fault = err.Error()
		}
	}
	// Nothing may write into the directory while it is removed, nor take time from the next run.
	s.server.KillSessions()
	t.gauge.end()
	m.serverCPU, m.wire, m.sent = t.gauge.cpu, t.gauge.bytes, t.gauge.sent
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
