package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/dropferry/dropferry/control"
)

// warm is dropferry as it works all day: the agent runs, watches an empty folder and has its session open. The whole tree is
// renamed into the folder at once. The time goes from just before that rename until the last file stands at the server under
// its name.
func warm(binary string) func(context.Context, *stage, transfer, time.Duration) (reading, error) {
	return func(ctx context.Context, s *stage, t transfer, limit time.Duration) (r reading, err error) {
		folderDir := filepath.Join(t.scratch, "folder")
		if err := os.Mkdir(folderDir, 0o700); err != nil {
			return r, err
		}
		a, err := s.startAgent(ctx, binary, configuration{
			login: t.login, scratch: t.scratch, target: t.target, folders: []folder{{"bench", folderDir, "", []string{atOnce}}},
		}, 2*limit)
		if err != nil {
			return r, err
		}
		before, err := usageOf(a.pid)
		if err != nil {
			return r, errors.Join(err, a.stop())
		}
		t.gauge.begin()
		inside := filepath.Join(folderDir, payload)
		began := time.Now()
		if err := os.Rename(t.source.dir, inside); err != nil {
			return r, errors.Join(err, a.stop())
		}
		names := make([]string, len(t.source.files))
		for i, name := range t.source.files {
			names[i] = filepath.Join(t.target, name)
		}
		r.Wall, err = a.see(ctx, began, limit, names...)
		switch {
		case errors.Is(err, errNotThere):
			r.Cut, err = true, nil
		case err != nil && ctx.Err() == nil:
			r.Fault, err = err.Error(), nil
		case err == nil:
			err = a.settled(ctx)
		}
		if used, usageErr := usageOf(a.pid); usageErr == nil {
			r.CPU, r.PeakRSS = used.cpu-before.cpu, used.peak
		}
		t.gauge.end()
		if stopErr := a.stop(); stopErr != nil && r.Fault == "" && !r.Cut {
			r.Fault = stopErr.Error()
		}
		return r, errors.Join(err, os.Rename(inside, t.source.dir), os.RemoveAll(filepath.Join(t.target, warmUp)))
	}
}

// settled waits until all that was delivered has its receipt: the last ones are written when their files can be seen already.
func (a *agent) settled(ctx context.Context) error {
	c, err := control.Dial(ctx, a.config.state())
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		st, err := c.Status(ctx)
		if err != nil {
			return err
		}
		open := 0
		for _, f := range st.Folders {
			open += f.Ready + f.Settling
		}
		if open == 0 {
			return nil
		}
		if err := rest(ctx, 20*time.Millisecond); err != nil { // no event tells
			return err
		}
	}
	return errors.New("files are at the server and have no receipts")
}

// watches waits until a folder is under watch with so many files.
func (a *agent) watches(ctx context.Context, name string, files int) error {
	c, err := control.Dial(ctx, a.config.state())
	if err != nil {
		return err
	}
	var last control.FolderStatus
	for deadline := time.Now().Add(startup); time.Now().Before(deadline); {
		st, err := c.Status(ctx)
		if err != nil {
			return err
		}
		for _, f := range st.Folders {
			if f.Name == name {
				last = f
			}
		}
		if last.State == "watching" && last.Files == files {
			return nil
		}
		if err := rest(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	return fmt.Errorf("folder %s is %s with %d of %d files", name, last.State, last.Files, files)
}
