package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/dropferry/dropferry/watcher"
)

// heardBurst is what a watcher made of a burst.
type heardBurst struct {
	Files int // handed over, each counted once
	Scans int // besides the first
}

// burstLimit is how long a watcher may take for a burst, from its first file on.
const burstLimit = 2 * time.Minute

// hearBurst is the probe: it watches a folder, makes the file up when it does, and waits for so many files.
func hearBurst(root string, n int, up string) (heardBurst, error) {
	h, err := hear(context.Background(), watcher.Rules{Root: root})
	if err != nil {
		return heardBurst{}, err
	}
	before := h.scans
	if err := os.WriteFile(up, nil, 0o600); err != nil {
		return heardBurst{}, errors.Join(err, h.end())
	}
	err = h.awaitCount(context.Background(), n, burstLimit)
	if errors.Is(err, errNotHeard) {
		err = nil // how many are missing tells that
	}
	if err := errors.Join(err, h.end()); err != nil {
		return heardBurst{}, err
	}
	return heardBurst{len(h.seen), h.scans - before}, nil
}

// burst is the part that makes very many files as fast as that goes, in a folder that is watched.
func (s *stage) burst(ctx context.Context) (made section, err error) {
	dir, remove, err := s.own("burst")
	if err != nil {
		return made, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	root, up := filepath.Join(dir, "folder"), filepath.Join(dir, "up")
	if err := os.Mkdir(root, 0o700); err != nil {
		return made, err
	}
	n := s.scaled(100_000, 100)
	watching, err := s.meter.start(ctx, startup+burstLimit, []string{s.meter.self, probeCommand, "burst", root, fmt.Sprint(n), up})
	if err != nil {
		return made, err
	}
	began := time.Now()
	_, err = see(ctx, began, startup, nil, []string{up})
	if err == nil {
		began = time.Now()
		err = makeFiles(ctx, root, n)
	}
	if err != nil {
		_ = watching.letGo() // and nobody wants to know how it fared
		_, _ = watching.wait()
		return made, err
	}
	creating := time.Since(began)
	r, err := watching.wait()
	all := time.Since(began)
	if err != nil {
		return made, err
	}
	var heard heardBurst
	if err := probed(r, &heard, "burst"); err != nil {
		return made, err
	}
	lost := fact{"files not handed over", fmt.Sprint(n - heard.Files), "0", met}
	if heard.Files != n {
		lost.verdict = "missed"
		made.faults = fmt.Errorf("burst: %d of %d files were not handed over", n-heard.Files, n)
	}
	made.text = facts([]fact{
		{what: fmt.Sprintf("making %d files, one after another", n), figure: formatNumber(creating.Seconds()) + " s"},
		{what: "from the first one until all were handed over", figure: formatNumber(all.Seconds()) + " s"},
		lost,
		{what: "scans that this took", figure: fmt.Sprint(heard.Scans)},
		{what: "processor time of the watcher", figure: formatNumber(r.CPU.Seconds()) + " s"},
		{what: "its peak memory", figure: inMiB(r.PeakRSS) + " MiB"},
	}, "Files of 100 bytes in one directory. A file is handed over when it has been quiet for 2 s, as by default; that is in the time.",
		"The watcher alone, in a process of its own, without a store and a server.")
	return made, nil
}

// makeFiles makes small files in a directory.
func makeFiles(ctx context.Context, dir string, n int) error {
	content := make([]byte, 100)
	for i := range n {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("file-%06d.xml", i)), content, 0o600); err != nil {
			return err
		}
		if i%1000 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}
