package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// deltaSize is how large the files are that change, in bytes.
const deltaSize = 128 << 20

// deltaNetworks are those over which they are brought to the server, where no others are asked for. The first one is the loopback
// interface, through a relay that counts.
var deltaNetworks = []network{{}, far, {far.rtt, 5 << 20}}

// Names of programs of this part.
const (
	deltaName = "dropferry"
	wholeName = "full upload"
	rsyncName = "rsync"
)

// noDelta is the section of a dropferry that always sends whole files.
const noDelta = "Not measured: this dropferry has no `delta` setting.\n"

// deltas are the programs that bring a changed file to a server that has the one before it.
type deltas struct {
	*stage
	programs []sender
	size     int64
}

// sender is a program of which the command is known: the one before has to be brought by it, too.
type sender struct {
	program
	command func(transfer) ([]string, error)
	decides func(transfer) ([]string, error) // for a change in which it decides; nil where there is nothing to decide
}

// delta is the part that changes files.
func (s *stage) delta(ctx context.Context) (section, error) {
	if ok, err := s.knowsDelta(ctx); !ok || err != nil {
		return section{text: noDelta}, err
	}
	d := &deltas{stage: s, size: max(64<<10, int64(deltaSize*s.scale))}
	d.programs = []sender{
		{program{name: deltaName, own: true}, onceWith(s.binary, "always"), onceWith(s.binary, "auto")},
		{program{name: wholeName, own: true}, onceWith(s.binary, "off"), nil},
	}
	if slices.Contains(s.peers, rsyncName) {
		found, _ := installed(ctx, []string{rsyncName})
		for _, p := range found {
			d.programs = append(d.programs, sender{p, rsyncCommand, nil})
		}
	}
	all, err := d.measure(ctx)
	if err != nil {
		return section{}, err
	}
	r := deltaReport{options: s.options, size: d.size, outcomes: all}
	for _, p := range d.programs {
		if p.version != "" {
			r.versions = append(r.versions, p.name+": "+p.version)
		}
	}
	return section{text: r.String(), chart: r.chart(), faults: r.ownFaults()}, nil
}

// onceWith is dropferry from a cold start, as once is, with a `delta` of its own.
func onceWith(binary, delta string) func(transfer) ([]string, error) {
	return func(t transfer) ([]string, error) {
		config, err := configuration{
			login: t.login, scratch: t.scratch, target: t.target,
			folders: []folder{{"bench", t.source.dir, payload, []string{quiet, deltaLine(delta)}}},
		}.write()
		return []string{binary, "--config", config, "--quiet", "once"}, err
	}
}

func deltaLine(delta string) string { return fmt.Sprintf("delta = %q", delta) }

// knowsDelta tells whether dropferry takes the setting. What it says against anything else is an error.
func (s *stage) knowsDelta(ctx context.Context) (ok bool, err error) {
	dir, remove, err := s.own("delta-check")
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	t := transfer{login: s.server.login(), source: source{dir: filepath.Join(dir, payload)}, target: dir, scratch: filepath.Join(dir, "scratch")}
	if err := errors.Join(os.Mkdir(t.source.dir, 0o755), os.Mkdir(t.scratch, 0o700)); err != nil {
		return false, err
	}
	command, err := onceWith(s.binary, "off")(t)
	if err != nil {
		return false, err
	}
	check := exec.CommandContext(ctx, command[0], command[1], command[2], "check")
	check.Env = s.meter.env
	out, err := check.CombinedOutput()
	switch {
	case err == nil:
		return true, nil
	case strings.Contains(string(out), `"delta"`):
		return false, ctx.Err()
	}
	return false, fmt.Errorf("dropferry check: %w: %s", err, out)
}

// deltaOutcome is what became of one change over one network.
type deltaOutcome struct {
	change
	over    network
	records []record
}

// measure lets all programs run in turn, change by change and network by network, and round by round as the other transfers.
func (d *deltas) measure(ctx context.Context) ([]deltaOutcome, error) {
	var all []deltaOutcome
	for _, c := range d.changes {
		for _, n := range d.lines {
			o := deltaOutcome{change: c, over: n}
			for _, p := range d.programs {
				o.records = append(o.records, record{program: p.program})
			}
			all = append(all, o)
		}
	}
	for round := range d.rounds {
		for i, c := range d.changes {
			if err := d.round(ctx, round, c, all[i*len(d.lines):][:len(d.lines)]); err != nil {
				return all, fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	return all, nil
}

// round makes both versions of a file, lets each program bring the second one over each network, and removes them.
func (d *deltas) round(ctx context.Context, round int, c change, outcomes []deltaOutcome) (err error) {
	var v *versions
	for _, o := range outcomes {
		for i, p := range d.programs {
			r := &o.records[i]
			if passed := time.Since(d.began); passed > d.budget || !r.again(d.repeat) {
				continue
			}
			if v == nil {
				if v, err = d.versions(c); err != nil {
					return err
				}
				defer func() { err = errors.Join(err, v.remove()) }()
			}
			m, err := d.run(ctx, p, v, o.over, c.decides)
			if err != nil {
				return fmt.Errorf("run %s: %w", p.name, err)
			}
			r.samples = append(r.samples, m)
			d.say("%4.0f s  round %d of %d, %s, %s: %s: %s", time.Since(d.began).Seconds(), round+1, d.rounds, c.name, o.over, p.name, m)
		}
	}
	return ctx.Err()
}

// contentName is the file that changes.
const contentName = "content.bin"

// versions are both versions of a file, each in a file of its own, from where it is renamed to where it is to be found.
type versions struct {
	old, changed version
	remove       func() error
}

type version struct {
	name string // of its file
	entry
}

// versions makes them. The first one looks older.
func (d *deltas) versions(c change) (v *versions, err error) {
	dir, remove, err := d.own("versions")
	if err != nil {
		return nil, err
	}
	old, changed, err := c.make(d.size, c.share)
	if err != nil {
		return nil, errors.Join(err, remove())
	}
	v = &versions{remove: remove}
	v.old, err = writeVersion(filepath.Join(dir, "old"), old, 2*time.Hour)
	if err == nil {
		v.changed, err = writeVersion(filepath.Join(dir, "changed"), changed, time.Hour)
	}
	if err != nil {
		return nil, errors.Join(err, remove())
	}
	return v, nil
}

func writeVersion(name string, content []byte, age time.Duration) (version, error) {
	at := time.Now().Add(-age).Truncate(time.Second)
	err := os.WriteFile(name, content, 0o644)
	if err == nil {
		err = os.Chtimes(name, at, at)
	}
	return version{name, entry{size: int64(len(content)), sum: sumOf(content)}}, err
}
