package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"

	"github.com/dropferry/dropferry/internal/sftptest"
)

func sumOf(content []byte) [sha256.Size]byte { return sha256.Sum256(content) }

// run lets a program bring the first version over a network that is none, and measures how it brings the second one over that which
// is asked for. One that decides brings the first one over that, too. The error is the benchmark's own.
func (d *deltas) run(ctx context.Context, p sender, v *versions, over network, decides bool) (m sample, err error) {
	connect := func(w *sftptest.Wire) {
		w.SetDelay(over.rtt / 2)
		w.SetRate(over.rate)
	}
	dir, remove, err := d.own("run")
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	w, err := sftptest.NewWire(d.server.Addr)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	t := transfer{
		d.server.login(),
		source{dir: filepath.Join(dir, payload)},
		filepath.Join(dir, "target"), filepath.Join(dir, "scratch"),
		&gauge{server: d.server, wire: w},
	}
	t.host, t.port = w.Host(), w.Port()
	if err := errors.Join(os.Mkdir(t.source.dir, 0o755), os.Mkdir(t.target, 0o755), os.Mkdir(t.scratch, 0o700)); err != nil {
		return m, err
	}
	if err := touch(ctx, dir, 2*v.changed.size+spareMemory); err != nil {
		return m, err
	}
	command := p.command
	if decides && p.decides != nil {
		command = p.decides
		connect(w)
	}
	first, err := d.bring(ctx, command, t, v.old)
	if err != nil || first.Cut || first.Fault != "" {
		m.cut, m.fault = first.Cut, first.Fault
		if m.fault != "" {
			m.fault = "the version before: " + m.fault
		}
		return m, err
	}
	connect(w)
	t.gauge.begin()
	r, err := d.bring(ctx, command, t, v.changed)
	if err != nil {
		return m, err
	}
	m.wall, m.cpu, m.rss, m.cut, m.fault = r.Wall, r.CPU, r.PeakRSS, r.Cut, r.Fault
	// Nothing may write into the directory while it is removed, nor take time from the next run.
	d.server.KillSessions()
	t.gauge.end()
	m.serverCPU, m.wire, m.sent = t.gauge.cpu, t.gauge.bytes, t.gauge.sent
	return m, nil
}

// bring lets a program, of which this is the command line, bring one version, and looks at what is there afterwards.
func (d *deltas) bring(ctx context.Context, line func(transfer) ([]string, error), t transfer, v version) (r reading, err error) {
	command, err := line(t)
	if err != nil {
		return r, err
	}
	there := filepath.Join(t.source.dir, contentName)
	if err := os.Rename(v.name, there); err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.Rename(there, v.name)) }()
	if r, err = d.meter.run(ctx, d.limit, command); err != nil || r.Cut || r.Fault != "" {
		return r, err
	}
	want := tree{payload: directory, filepath.Join(payload, contentName): v.entry}
	if err := want.compare(t.target); err != nil {
		r.Fault = err.Error()
	}
	return r, nil
}
