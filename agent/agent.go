package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/syncer"
	"github.com/dropferry/dropferry/watcher"
)

// Options are what an Agent is made of, besides its configuration.
type Options struct {
	Log     *slog.Logger
	Observe syncer.Observer // hears of every event, besides the log; nil is fine
	Folders []string        // only these; empty is all
	Version string          // of the program, for status
}

// Agent is one configuration at work. It holds the state directory: there is one Agent for it at a time.
type Agent struct {
	config   *config.Config
	log      *slog.Logger
	store    *state.Store
	syncer   *syncer.Syncer
	folders  []*folder
	started  time.Time
	version  string
	observer syncer.Observer
}

// folder is a watched folder with its planner.
type folder struct {
	config  *config.Folder
	watcher *watcher.Watcher
	planner *syncer.Planner
	rules   *syncer.Folder
}

// New opens the store and wires everything; nothing runs yet. Errors of the store keep their types: state.ErrLocked where
// another agent holds the state directory. Close it in the end.
func New(ctx context.Context, c *config.Config, o Options) (*Agent, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := allKnown(c, o.Folders); err != nil {
		return nil, err
	}
	store, err := state.Open(ctx, c.Agent.StateDir)
	if err != nil {
		return nil, err
	}
	a := &Agent{config: c, log: o.Log, store: store, started: time.Now(), version: o.Version, observer: o.Observe}
	key, err := fingerprintKey(ctx, store)
	if err == nil {
		err = a.wire(o.Folders, key)
	}
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return a, nil
}

// wire makes watchers, planners and links. key is that of account fingerprints.
func (a *Agent) wire(only []string, key []byte) error {
	var views []*syncer.Folder
	for i := range a.config.Folders {
		f := &a.config.Folders[i]
		if !wanted(only, f.Name) {
			continue
		}
		w, err := watcher.New(rulesOf(f), a.log.With("folder", f.Name))
		if err != nil {
			return fmt.Errorf("folder %s: %w", f.Name, err)
		}
		view, err := folderOf(a.config, f, w.Hint)
		if err != nil {
			return err
		}
		views = append(views, view)
		a.folders = append(a.folders, &folder{config: f, watcher: w, rules: view})
	}
	a.syncer = syncer.New(syncer.Options{
		Store: a.store, Folders: views, Destinations: destinationsOf(a.config, key), MaxTransfers: a.config.Agent.MaxTransfers,
		Grace: a.config.Agent.ShutdownGrace, Observe: a.observe,
		Gone: func(folder string) bool { _, there := a.config.Folder(folder); return !there },
	})
	for _, f := range a.folders {
		f.planner = a.syncer.Planner(f.config.Name)
	}
	return nil
}

// Close closes the store. It comes last, when nothing runs any more.
func (a *Agent) Close() error { return a.store.Close() }

// Run watches and delivers until ctx ends, then stops in order: watchers and planners, deliveries with their grace,
// sessions. It returns an error only where it cannot go on, the store's for one.
func (a *Agent) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var parts sync.WaitGroup
	failures := make(chan error, len(a.folders)+1) // one of each part: sending never blocks
	for _, f := range a.folders {
		parts.Go(func() {
			if err := f.watcher.Run(ctx, f.planner); err != nil && ctx.Err() == nil {
				failures <- fmt.Errorf("watch folder %s: %w", f.config.Name, err)
				cancel()
			}
		})
	}
	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	defer stopServing()
	var answering sync.WaitGroup
	if server, err := control.Listen(a.config.Agent.StateDir); err != nil {
		// Commands cannot ask the agent then; deliveries go on.
		a.log.Warn("commands cannot reach this agent", "error", err)
	} else {
		answering.Go(func() {
			if err := server.Serve(serving, a); err != nil {
				a.log.Warn("commands cannot reach this agent any more", "error", err)
			}
		})
	}
	parts.Go(func() {
		if err := a.syncer.Run(ctx); err != nil {
			failures <- err
			cancel()
		}
	})
	a.log.Info("watching", "version", a.version, "config", a.config.File, "state", a.config.Agent.StateDir,
		"folders", len(a.folders), "destinations", len(a.config.Destinations))
	<-ctx.Done()
	a.log.Info("stopping: files under way may finish", "grace", a.config.Agent.ShutdownGrace.String())
	parts.Wait()
	stopServing() // last: while files finish, people may ask
	answering.Wait()
	close(failures)
	var all []error
	for err := range failures {
		all = append(all, err)
	}
	return errors.Join(all...)
}
