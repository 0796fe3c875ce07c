package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// What watching 10,000 files may cost. Less than a thousandth of a processor is not measurable beside the system's own noise.
const (
	idleMemory = 40 << 20
	idleShare  = 0.001
)

// idle is the part in which nothing happens.
func (s *stage) idle(ctx context.Context) (made section, err error) {
	p, err := s.past(ctx, "idle")
	if p != nil {
		defer func() { err = errors.Join(err, p.close()) }()
	}
	if err != nil {
		return made, err
	}
	if err := p.grow(ctx, s.scaled(10_000, pastEach)); err != nil {
		return made, err
	}
	over := s.scaledTime(time.Minute, time.Second)
	a, drop, err := p.start(ctx, over+time.Minute)
	if err != nil {
		return made, err
	}
	defer func() { err = errors.Join(err, a.stop()) }()
	if err := a.watches(ctx, "bench", p.files+1); err != nil {
		return made, err
	}
	if _, err := a.drop(ctx, drop, "last", []byte("x"), startup); err != nil {
		return made, err
	}
	if err := rest(ctx, s.scaledTime(5*time.Second, 100*time.Millisecond)); err != nil {
		return made, err
	}
	before, err := usageOf(a.pid)
	if err != nil {
		return made, err
	}
	began := time.Now()
	if err := rest(ctx, over); err != nil {
		return made, err
	}
	after, err := usageOf(a.pid)
	if err != nil {
		return made, err
	}
	cpu, share := after.cpu-before.cpu, float64(after.cpu-before.cpu)/float64(time.Since(began))
	made.text = facts([]fact{
		{
			"processor time in " + formatDuration(over), fmt.Sprintf("%s ms, %.3f %% of a core", inMillis(cpu), 100*share),
			fmt.Sprintf("under %.1f %%", 100*idleShare), atMost(share, idleShare),
		},
		{
			"memory at the end", inMiB(after.rss) + " MiB", "under " + formatBytes(idleMemory), atMost(float64(after.rss), idleMemory),
		},
		{what: "peak memory, with the start", figure: inMiB(after.peak) + " MiB"},
	}, fmt.Sprintf("`dropferry run` with %d delivered files under watch and an open session.", p.files))
	return made, nil
}
