package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// knownMemory is about what a million names and a store that knows them take, in bytes.
const knownMemory = 3 << 30

// What a start with 1,000,000 known files may take, and how much longer than the bare system calls a scan may be.
const (
	startGoal  = 5 * time.Second
	memoryGoal = 100 << 20
	scanGoal   = 1.5
)

// known is the part that starts with very many files of which nothing has to be sent.
func (s *stage) known(ctx context.Context) (made section, err error) {
	p, err := s.past(ctx, "known")
	if p != nil {
		defer func() { err = errors.Join(err, p.close()) }()
	}
	if err != nil {
		return made, err
	}
	if err := touch(ctx, s.dir, int64(s.scale*knownMemory)); err != nil {
		return made, err
	}
	var all []fact
	sizes := []int{s.scaled(300_000, pastEach), s.scaled(1_000_000, 2*pastEach)}
	for i, n := range sizes {
		s.say("a folder of %d files", n)
		if err := p.grow(ctx, n); err != nil {
			return made, err
		}
		k, err := p.starts(ctx)
		if err != nil {
			return made, err
		}
		all = append(all, k.facts(p.files, i == len(sizes)-1)...)
	}
	plan, err := p.plan(ctx)
	if err != nil {
		return made, err
	}
	backup, err := p.withBackup(ctx)
	if err != nil {
		return made, err
	}
	name := fmt.Sprintf("%d files, ", p.files)
	all = append(all, fact{what: name + "`dropferry plan`", figure: plan.figure()},
		fact{what: name + "a start with the daily copy of the store", figure: backup.figure()})
	made.text = facts(all, fmt.Sprintf("Empty files, %d to a directory, whose names the kernel has in memory. The best of %s each, in turn; of two for a start.",
		pastEach, counted(s.rounds, "run")),
		"A start is the whole life of `dropferry once`, which finds nothing to do. The store has a receipt for each file.")
	return made, nil
}

// starts are the figures for one number of files.
type starts struct{ bare, scan, once reading }

// starts measures in turn, and keeps the shortest of each.
func (p *past) starts(ctx context.Context) (k starts, err error) {
	for round := range p.rounds {
		for _, kind := range []struct {
			name string
			best *reading
		}{{"bare", &k.bare}, {"scan", &k.scan}} {
			var found scanned
			r, err := p.probe(ctx, &found, 2*time.Minute, kind.name, p.root)
			if err != nil {
				return k, err
			}
			if found.Files != p.files+1 {
				return k, fmt.Errorf("probe %s: found %d of %d files", kind.name, found.Files, p.files+1)
			}
			kind.best.keepBest(r)
		}
		if round > 1 {
			continue // twice is enough for what takes longer
		}
		r, delivered, err := p.once(ctx)
		if err != nil {
			return k, err
		}
		if delivered != 0 {
			return k, fmt.Errorf("%d files were delivered again", delivered)
		}
		k.once.keepBest(r)
	}
	return k, nil
}

// keepBest keeps a shorter reading; the memory is the highest of all.
func (r *reading) keepBest(other reading) {
	peak := max(r.PeakRSS, other.PeakRSS)
	if r.Wall == 0 || other.Wall < r.Wall {
		*r = other
	}
	r.PeakRSS = peak
}

// plan runs `dropferry plan`.
func (p *past) plan(ctx context.Context) (reading, error) {
	config, err := p.write()
	if err != nil {
		return reading{}, err
	}
	r, err := p.meter.run(ctx, 2*time.Minute, []string{p.binary, "--config", config, "--quiet", "plan"})
	if err == nil && r.Fault != "" {
		err = errors.New("dropferry plan: " + r.Fault)
	}
	return r, err
}

// withBackup is a start on which the daily copy of the store is due.
func (p *past) withBackup(ctx context.Context) (reading, error) {
	if err := os.RemoveAll(filepath.Join(p.state(), "backups")); err != nil {
		return reading{}, err
	}
	r, _, err := p.once(ctx)
	return r, err
}

// facts compares with the goals; those for a start are of the largest number alone.
func (k starts) facts(files int, largest bool) []fact {
	times := k.scan.Wall.Seconds() / k.bare.Wall.Seconds()
	name := fmt.Sprintf("%d files, ", files)
	start := fact{what: name + "a start with nothing to do", figure: k.once.figure()}
	if largest {
		start.goal = fmt.Sprintf("under %s and %s", formatDuration(startGoal), formatBytes(memoryGoal))
		start.verdict = atMost(k.once.Wall.Seconds(), startGoal.Seconds())
		if memory := atMost(float64(k.once.PeakRSS), memoryGoal); memory != met {
			start.verdict += "; memory " + memory
		}
	}
	return []fact{
		{what: name + "readdir + fstatat", figure: k.bare.figure()},
		{
			name + "a scan", k.scan.figure() + fmt.Sprintf(", %s times that", formatNumber(times)),
			fmt.Sprintf("within %s times", trimZeros(formatNumber(scanGoal))), atMost(times, scanGoal),
		},
		start,
	}
}

// figure tells a run's time and what it used.
func (r reading) figure() string {
	return fmt.Sprintf("%s s, CPU %s s, %s MiB", formatNumber(r.Wall.Seconds()), formatNumber(r.CPU.Seconds()), inMiB(r.PeakRSS))
}
