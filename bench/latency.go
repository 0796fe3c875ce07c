package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
)

// latencyGoal is from ready to visible, on a session that is open, over the loopback interface.
const latencyGoal = 50 * time.Millisecond

// latency is the part that drops small files one after another, each when the one before is there.
func (s *stage) latency(ctx context.Context) (section, error) {
	t := newLatencyTable()
	noticed, err := s.noticed(ctx, s.scaled(200, 5))
	if err != nil {
		return section{}, err
	}
	t.add("from the rename until the watcher hands the file over", noticed, 0)
	for _, c := range []struct {
		network
		files int
		goal  time.Duration
	}{{network{}, s.scaled(300, 5), latencyGoal}, {far, s.scaled(40, 2), 0}} {
		seen, err := s.latencyOver(ctx, c.network, c.files)
		if err != nil {
			return section{}, fmt.Errorf("%s: %w", c.network, err)
		}
		t.add("from the rename until the file is at the server, "+c.String(), seen, c.goal)
	}
	return section{text: t.t.String() + "\n" + bullets([]string{
		"Files of 4 KiB, one after another, each renamed into a folder with `ready = \"rename\"`: it is ready when it appears. The agent runs, and its session is open.",
		"A file counts as visible when a look at its final name finds it; looks are a millisecond apart at most.",
	})}, nil
}

// latencyOver measures one network with an agent of its own.
func (s *stage) latencyOver(ctx context.Context, over network, n int) (seen latencies, err error) {
	b, err := s.bed("latency", over)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	a, drop, err := b.start(ctx, 5*time.Minute)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.stop()) }()
	content := make([]byte, 4<<10)
	for i := range n {
		_, _ = rand.Read(content) // it never fails
		if err := rest(ctx, time.Duration(20+i*7%23)*time.Millisecond); err != nil {
			return nil, err
		}
		d, err := a.drop(ctx, drop, fmt.Sprintf("file-%04d", i), content, 10*time.Second)
		if err != nil {
			return nil, err
		}
		seen = append(seen, d)
	}
	return seen, nil
}

// rest waits: files come at no regular time, and none of them in the wake of the one before.
func rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
