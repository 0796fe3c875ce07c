package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/dropferry/dropferry/file"
)

// partner takes published files out of the outbox's directory at the server, as partners do: some the moment they appear,
// some later, some never.
type partner struct {
	inbox  string // whose files it takes
	root   string // names are below it
	hold   string // where it puts them, on the same file system
	seed   uint64
	events *fsnotify.Watcher

	first map[string]time.Time // when a file was first seen
	dirs  map[string]bool
	count int

	took    chan struct{} // holds a token when a file was taken
	reading chan taken
	mu      sync.Mutex
	takings []taking
}

// taken is a file that is to be read.
type taken struct {
	name, at string
	when     time.Time
}

// partnerLooks is how often the partner looks without being told.
const partnerLooks = 50 * time.Millisecond

func newPartner(root, inbox, hold string, seed uint64) (*partner, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	return &partner{
		inbox: inbox, root: root, hold: hold, seed: seed, events: w, first: map[string]time.Time{}, dirs: map[string]bool{},
		took: make(chan struct{}, 1), reading: make(chan taken, 1<<16),
	}, nil
}

// manner is how long the partner lets a file lie; false is for ever. It never leaves a large one.
func (p *partner) manner(name string, size int64) (time.Duration, bool) {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%d %s", p.seed, name) // a hash takes everything
	switch n := h.Sum64() % 10; {
	case n < 5:
		return 0, true
	case n < 8 || size > 1<<20:
		return time.Duration(n) * time.Second, true
	}
	return 0, false
}

// run takes files until ctx ends, and reads all that it has taken.
func (p *partner) run(ctx context.Context) error {
	var readErr error
	var reading sync.WaitGroup
	reading.Go(func() { readErr = p.readAll() })
	err := p.takeAll(ctx)
	close(p.reading)
	reading.Wait()
	return errors.Join(err, readErr, p.events.Close())
}

func (p *partner) takeAll(ctx context.Context) error {
	tick := time.NewTicker(partnerLooks)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-p.events.Events:
			if e.Has(fsnotify.Create) {
				if err := p.meet(e.Name); err != nil {
					return err
				}
			}
		case <-tick.C:
			if err := p.walk(p.inbox); err != nil {
				return err
			}
		}
	}
}

// walk meets everything in a directory.
func (p *partner) walk(dir string) error {
	if !p.dirs[dir] {
		p.dirs[dir] = p.events.Add(dir) == nil // it may not be there yet
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return ignoreMissing(err)
	}
	for _, e := range entries {
		if err := p.meet(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// meet takes a file if its time has come.
func (p *partner) meet(name string) error {
	if file.IsPrivate(filepath.Base(name)) {
		return nil
	}
	info, err := os.Lstat(name)
	if err != nil {
		return ignoreMissing(err)
	}
	if info.IsDir() {
		return p.walk(name)
	}
	if _, known := p.first[name]; !known {
		p.first[name] = time.Now()
	}
	lies, takes := p.manner(name, info.Size())
	if !takes || time.Since(p.first[name]) < lies {
		return nil
	}
	p.count++
	to := filepath.Join(p.hold, fmt.Sprint(p.count))
	if err := os.Rename(name, to); err != nil {
		return ignoreMissing(err) // replaced just now: another event comes
	}
	select {
	case p.took <- struct{}{}:
	default: // nobody has asked since the last one
	}
	delete(p.first, name)
	rel, _ := file.Rel(p.root, name)
	p.reading <- taken{string(rel), to, time.Now()}
	return nil
}

// readAll reads what was taken, and throws it away.
func (p *partner) readAll() (failed error) {
	for t := range p.reading {
		sum, size, err := hashFile(t.at)
		if err == nil {
			err = os.Remove(t.at)
		}
		if failed = errors.Join(failed, err); err != nil {
			continue
		}
		p.mu.Lock()
		p.takings = append(p.takings, taking{t.name, sum, size, t.when})
		p.mu.Unlock()
	}
	return failed
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
