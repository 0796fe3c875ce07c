package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/syncer"
	"github.com/dropferry/dropferry/watcher"
)

// setup is one configuration with its watched folders. It does not change: a reload makes another one.
type setup struct {
	config  *config.Config
	folders []*folder
	loaded  time.Time
}

// folder is a watched folder with its planner.
type folder struct {
	config  *config.Folder
	watcher *watcher.Watcher
	planner *syncer.Planner
	rules   *syncer.Folder
	stop    func() // ends the watcher and waits for it; nil before it was begun
}

// setUp makes what a configuration needs, but for planners. Folders that stay as they are, by the name in c, are those of
// before.
func (a *Agent) setUp(c *config.Config, before *setup, unchanged map[string]bool, only []string) (*setup, error) {
	s := &setup{config: c, loaded: time.Now()}
	for i := range c.Folders {
		f := &c.Folders[i]
		if !wanted(only, f.Name) {
			continue
		}
		if old := before.folder(f.Name); old != nil && unchanged[f.Name] {
			s.folders = append(s.folders, old)
			continue
		}
		w, err := watcher.New(rulesOf(f), a.log.With("folder", f.Name))
		if err != nil {
			return nil, fmt.Errorf("folder %s: %w", f.Name, err)
		}
		w.Remember(&mounts{a.store, f})
		view, err := folderOf(c, f, w.Hint)
		if err != nil {
			return nil, err
		}
		view.Rescan, view.Stuck = w.Rescan, w.Stuck
		looksAt(view, w)
		s.folders = append(s.folders, &folder{config: f, watcher: w, rules: view})
	}
	return s, nil
}

// folder returns the folder of that name; nil where there is none.
func (s *setup) folder(name string) *folder {
	if s == nil {
		return nil
	}
	i := slices.IndexFunc(s.folders, func(f *folder) bool { return f.config.Name == name })
	if i < 0 {
		return nil
	}
	return s.folders[i]
}

// rules are the syncer's views of the folders.
func (s *setup) rules() []*syncer.Folder {
	views := make([]*syncer.Folder, len(s.folders))
	for i, f := range s.folders {
		views[i] = f.rules
	}
	return views
}

func (s *setup) plannedBy(all *syncer.Syncer) {
	for _, f := range s.folders {
		if p := all.Planner(f.config.Name); f.planner != p { // else it is at work, and looked at
			f.planner = p
		}
	}
}

// foldersGone returns what tells whether a folder has left a configuration.
func foldersGone(c *config.Config) func(string) bool {
	return func(folder string) bool {
		_, there := c.Folder(folder)
		return !there
	}
}

// routesGone returns what tells whether a route, as the store names it, is in a configuration no more.
func routesGone(c *config.Config, renamings []state.Renaming) func(state.Route) bool {
	routes := map[state.Route]bool{}
	for _, r := range routesOf(c) {
		routes[r] = true
	}
	return func(r state.Route) bool {
		r.Folder = after(renamings, state.FolderName, r.Folder)
		r.Destination = after(renamings, state.DestinationName, r.Destination)
		return !routes[r]
	}
}

// parts are what runs until the agent ends: watchers, the syncer and what else there is. Watchers may join and leave.
type parts struct {
	ctx    context.Context //nolint:containedctx // that of Run, for watchers that join later
	cancel context.CancelFunc
	all    sync.WaitGroup

	mu   sync.Mutex
	errs []error
}

// work runs one part. Its error ends all of them.
func (p *parts) work(what string, run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(p.ctx)
	done := make(chan struct{})
	p.all.Go(func() {
		defer close(done)
		defer cancel()
		err := run(ctx)
		if err == nil {
			return
		}
		if what != "" {
			err = fmt.Errorf("%s: %w", what, err)
		}
		p.mu.Lock()
		p.errs = append(p.errs, err)
		p.mu.Unlock()
		p.cancel()
	})
	return func() { cancel(); <-done }
}

// watch lets a folder's watcher work.
func (p *parts) watch(f *folder) {
	f.stop = p.work("watch folder "+f.config.Name, func(ctx context.Context) error {
		if err := f.watcher.Run(ctx, f.planner); ctx.Err() == nil {
			return err
		}
		return nil
	})
}

// errHangs is why parts are left behind at the end.
var errHangs = errors.New("not everything has ended in time: a call that cannot be cancelled hangs, of a share whose server is gone, say")

// wait waits until all parts have ended, at most for so long; none may join any more.
func (p *parts) wait(most time.Duration) error {
	ended := make(chan struct{})
	go func() { p.all.Wait(); close(ended) }() // is left behind where something hangs
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-ended:
		return errors.Join(p.errs...)
	case <-timer.C:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return errors.Join(append(p.errs, errHangs)...)
}
