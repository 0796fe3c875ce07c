package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strconv"
	"time"

	"github.com/dropferry/dropferry/watcher"
)

// probeCommand is the first argument with which this binary does one thing in a process of its own, so that the memory and
// the processor time of that thing alone can be told.
const probeCommand = "probe"

// probeMain is a probe: KIND ARGUMENT... It writes what it found in one line of JSON.
func probeMain(args []string, out io.Writer) int {
	probes := map[string]struct {
		arguments int
		run       func([]string) (any, error)
	}{
		"bare": {1, func(a []string) (any, error) { return bareScan(a[0]) }},
		"scan": {1, func(a []string) (any, error) { return watcherScan(a[0]) }},
		"burst": {3, func(a []string) (any, error) {
			n, err := strconv.Atoi(a[1])
			if err != nil {
				return nil, err
			}
			return hearBurst(a[0], n, a[2])
		}},
	}
	p, known := probes[args[0]]
	if !known || len(args) != 1+p.arguments {
		fmt.Fprintf(os.Stderr, "no such probe: %q\n", args)
		return 1
	}
	found, err := p.run(args[1:])
	if err == nil {
		err = json.NewEncoder(out).Encode(found)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// probe runs one under a meter, and puts what it found into found.
func (s *stage) probe(ctx context.Context, found any, limit time.Duration, args ...string) (reading, error) {
	r, err := s.meter.run(ctx, limit, append([]string{s.meter.self, probeCommand}, args...))
	if err != nil {
		return r, err
	}
	return r, probed(r, found, args[0])
}

// probed reads what a probe found.
func probed(r reading, found any, kind string) error {
	switch {
	case r.Cut:
		return fmt.Errorf("probe %s: cut after %s", kind, formatDuration(r.Wall))
	case r.Fault != "":
		return fmt.Errorf("probe %s: %s", kind, r.Fault)
	}
	if err := json.Unmarshal([]byte(r.Said), found); err != nil {
		return fmt.Errorf("probe %s: %w: %s", kind, err, r.Said)
	}
	return nil
}

// scanned is what a look through a folder found.
type scanned struct{ Files, Dirs int }

// watcherScan is a scan as the agent makes it, whose entries nobody uses.
func watcherScan(root string) (scanned, error) {
	w, err := watcher.New(watcher.Rules{Root: root, StableFor: time.Millisecond}, nil)
	if err != nil {
		return scanned{}, err
	}
	sum, err := w.Scan(context.Background(), discard{})
	if err == nil && !sum.Complete {
		err = errors.Join(sum.Errors...)
	}
	return scanned{sum.Files, sum.Dirs}, err
}

// discard takes everything and keeps nothing.
type discard struct{}

// Scan implements watcher.Sink.
func (discard) Scan(_ context.Context, entries iter.Seq[watcher.Entry]) error {
	for range entries {
		continue
	}
	return nil
}

// Ready implements watcher.Sink.
func (discard) Ready(context.Context, []watcher.Entry) error { return nil }

// Status implements watcher.Sink.
func (discard) Status(watcher.Status) {}
