package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"
)

// bed is what an agent of a part's own needs: a directory for it, a target, and a wire to the server where there is to be one.
type bed struct {
	*stage
	configuration
	gauge  gauge
	remove func() error
}

// bed makes one. close removes it, when its agent has ended.
func (s *stage) bed(name string, over network) (b *bed, err error) {
	dir, remove, err := s.own(name)
	if err != nil {
		return nil, err
	}
	b = &bed{
		stage: s, remove: remove, gauge: gauge{server: s.server},
		configuration: configuration{login: s.server.login(), scratch: dir, target: filepath.Join(dir, "target")},
	}
	if err := os.Mkdir(b.target, 0o755); err != nil {
		return nil, errors.Join(err, remove())
	}
	if !over.direct() {
		return b, b.through(over)
	}
	return b, nil
}

// through puts a wire between the agent and the server, which counts what passes.
func (b *bed) through(over network) error {
	w, err := over.open(b.server.Addr)
	if err != nil {
		return errors.Join(err, b.remove())
	}
	b.gauge.wire, b.host, b.port = w, w.Host(), w.Port()
	return nil
}

// start starts an agent with one more folder, in which files are ready as soon as they are seen.
func (b *bed) start(ctx context.Context, limit time.Duration) (a *agent, drop string, err error) {
	drop = filepath.Join(b.scratch, "drop")
	if err := os.Mkdir(drop, 0o700); err != nil {
		return nil, "", err
	}
	b.folders = append(b.folders, folder{"drop", drop, "drop", []string{atOnce}})
	a, err = b.startAgent(ctx, b.binary, b.configuration, limit)
	return a, drop, err
}

func (b *bed) close() error {
	var err error
	if b.gauge.wire != nil {
		err = b.gauge.wire.Close()
	}
	b.server.KillSessions()
	return errors.Join(err, b.remove())
}
