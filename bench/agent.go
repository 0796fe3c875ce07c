package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// agent is a dropferry that runs, with a session that is open.
type agent struct {
	*metered
	config configuration
	ended  chan struct{}
	last   reading
	err    error
}

// The folder that every agent has besides its own, to have its session opened before anything is measured.
const warmUp = "warm-up"

// startup is how long an agent may take until it has delivered its first file.
const startup = 30 * time.Second

// startAgent starts `dropferry run` and waits until it has delivered a file. It is killed after the limit, and stop ends it
// before.
func (s *stage) startAgent(ctx context.Context, binary string, c configuration, limit time.Duration) (*agent, error) {
	drop := filepath.Join(c.scratch, warmUp)
	if err := os.Mkdir(drop, 0o700); err != nil {
		return nil, err
	}
	c.folders = append(c.folders, folder{warmUp, drop, warmUp, []string{atOnce}})
	config, err := c.write()
	if err != nil {
		return nil, err
	}
	run, err := s.meter.start(ctx, startup+limit, []string{binary, "--config", config, "--quiet", "run"})
	if err != nil {
		return nil, err
	}
	a := &agent{metered: run, config: c, ended: make(chan struct{})}
	go func() { // ends with the agent, which stop waits for
		defer close(a.ended)
		a.last, a.err = run.wait()
	}()
	if _, err := a.drop(ctx, drop, "first", make([]byte, 4<<10), startup); err != nil {
		return nil, errors.Join(fmt.Errorf("warm up: %w", err), a.stop())
	}
	return a, nil
}

var errNotThere = errors.New("not at the server in time")

// drop makes a file, renames it into a folder that takes files at once, and waits until it stands at the server. It tells how
// long that took from just before the rename.
func (a *agent) drop(ctx context.Context, dir, name string, content []byte, limit time.Duration) (time.Duration, error) {
	made := filepath.Join(a.config.scratch, "made-"+name)
	if err := os.WriteFile(made, content, 0o600); err != nil {
		return 0, err
	}
	began := time.Now()
	if err := os.Rename(made, filepath.Join(dir, name)); err != nil {
		return 0, err
	}
	return a.see(ctx, began, limit, a.at(dir, name))
}

// at is where a file of a folder appears at the server.
func (a *agent) at(dir, name string) string {
	for _, f := range a.config.folders {
		if f.path == dir {
			return filepath.Join(a.config.target, f.to, name)
		}
	}
	return filepath.Join(a.config.target, name)
}

// lookEvery is the time between two looks for a file that is not there yet, and so how late it may be seen.
const lookEvery = 250 * time.Microsecond

// see waits until all names are there, and tells how long that took since began. It looks for one after another, so that each
// costs one look and no more. What dropferry publishes appears whole.
func (a *agent) see(ctx context.Context, began time.Time, limit time.Duration, names ...string) (time.Duration, error) {
	return see(ctx, began, limit, a.ended, names)
}

func see(ctx context.Context, began time.Time, limit time.Duration, ended <-chan struct{}, names []string) (time.Duration, error) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for _, name := range names {
		for {
			_, err := os.Lstat(name)
			now := time.Since(began)
			if err == nil {
				break
			}
			if now > limit {
				return limit, errNotThere
			}
			pause.Reset(lookEvery)
			select {
			case <-ctx.Done():
				return now, ctx.Err()
			case <-ended:
				return now, errors.New("the agent has ended")
			case <-pause.C:
			}
		}
	}
	return time.Since(began), nil
}

// stop ends the agent as a service manager does. It fails where the agent did not end well.
func (a *agent) stop() error {
	select {
	case <-a.ended:
	default:
		if err := endProcess(a.pid); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
		<-a.ended
	}
	switch {
	case a.err != nil:
		return a.err
	case a.last.Cut:
		return fmt.Errorf("dropferry run: killed after %s", formatDuration(a.last.Wall))
	case a.last.Fault != "":
		return fmt.Errorf("dropferry run: %s", a.last.Fault)
	}
	return nil
}
