package agent

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dropferry/dropferry/bandwidth"
	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/metrics"
	"github.com/dropferry/dropferry/service"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/syncer"
	"github.com/dropferry/dropferry/watcher"
)

// Options are what an Agent is made of, besides its configuration.
type Options struct {
	Log     *slog.Logger
	Logging Logging         // changes what is logged and how, when a reload asks for it; nil changes nothing
	Observe syncer.Observer // hears of every event, besides the log; nil is fine
	Folders []string        // only these; empty is all
	Version string          // of the program, for status
	Host    service.Host    // hears how the agent is; nil is a person, who does not ask
	// Patience is how long to wait for somebody who holds the store for a moment, as a command does; 0 is not at all.
	Patience time.Duration
}

// Logging is a log that can change while it is used.
type Logging interface {
	// Try tells why the log that a configuration wants cannot be written.
	Try(l config.Log) error
	// Change has it written from then on.
	Change(l config.Log)
}

// sameLog is a log that stays as it is.
type sameLog struct{}

func (sameLog) Try(config.Log) error { return nil }
func (sameLog) Change(config.Log)    {}

// Agent is one configuration at work. It holds the state directory: there is one Agent for it at a time.
type Agent struct {
	log      *slog.Logger
	logging  Logging
	store    *state.Store
	syncer   *syncer.Syncer
	limits   *bandwidth.Limits
	key      []byte // of account fingerprints
	started  time.Time
	version  string
	host     service.Host
	observer syncer.Observer
	alerts   *alerts
	arrivals *arrivals
	hooks    *hooks
	metrics  *metrics.Metrics
	web      *web
	recent   *recent
	activity *activity

	at      atomic.Pointer[setup] // what it works with now
	naming  sync.RWMutex          // held by commands, which speak of names, and while names change
	turn    chan struct{}         // holds a token until the agent runs, while a reload is at work, and for ever when the agent has ended
	running *parts                // nil where nothing runs; changed with the turn
	unread  map[string]error      // why secrets could not be read when the configuration was loaded, by destination; changed with the turn
}

// New opens the store and wires everything; nothing runs yet. Errors of the store keep their types: state.ErrLocked where
// another agent holds the state directory. Names that would have things sent again are config.Faults. Close it in the end.
func New(ctx context.Context, c *config.Config, o Options) (*Agent, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Logging == nil {
		o.Logging = sameLog{}
	}
	if o.Host == nil {
		o.Host = service.Nobody{}
	}
	if err := allKnown(c, o.Folders); err != nil {
		return nil, err
	}
	store, err := openStore(ctx, c.Agent.StateDir, o.Patience, func(held error) {
		o.Log.Info("another process has the state: the agent starts when it is free", "reason", held, "patience", o.Patience.String())
		o.Host.Status("waiting for another process, which has the state")
	})
	if err != nil {
		return nil, err
	}
	lines := &recent{}
	o.Log = lines.logger(o.Log.Handler())
	a := &Agent{
		recent: lines, log: o.Log, logging: o.Logging, store: store, started: time.Now(), version: o.Version, observer: o.Observe,
		limits: limitsOf(c), host: o.Host, turn: make(chan struct{}, 1),
		alerts: &alerts{log: o.Log, store: store, version: o.Version}, arrivals: newArrivals(store),
	}
	a.hooks = newHooks(store, a.current, o.Log)
	a.metrics = metrics.New(o.Version, a.gauge)
	a.web = &web{log: o.Log, site: a.site}
	a.activity = newActivity(store, c.Agent.StateDir, o.Log)
	a.turn <- struct{}{}
	if err := a.wire(ctx, c, o.Folders); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return a, nil
}

// wire makes watchers, planners and links.
func (a *Agent) wire(ctx context.Context, c *config.Config, only []string) (err error) {
	if a.key, err = fingerprintKey(ctx, a.store); err != nil {
		return err
	}
	names, err := reconciled(ctx, a.store, c)
	if err != nil {
		return err
	}
	first, err := a.setUp(c, nil, nil, only)
	if err != nil {
		return err
	}
	dropped, err := a.store.Retire(ctx, routesGone(c, names.Renamings))
	if err == nil {
		err = a.store.Configure(ctx, names, time.Now())
	}
	if err == nil {
		err = a.hooks.mark(ctx, c)
	}
	if err != nil {
		return err
	}
	a.syncer = syncer.New(syncer.Options{
		Store: a.store, Folders: first.rules(), Destinations: destinationsOf(c, a.key, a.limits, a.log), MaxTransfers: c.Agent.MaxTransfers,
		Grace: c.Agent.ShutdownGrace, Observe: a.observe, Gone: foldersGone(c),
	})
	first.plannedBy(a.syncer)
	a.at.Store(first)
	a.beginCounters(c)
	for _, r := range names.Renamings {
		a.log.Info("renamed", "kind", string(r.Kind), "was", r.Was, "name", r.Name)
	}
	warnOfAccounts(a.log, c)
	a.syncer.Dropped(ctx, dropped)
	return nil
}

// current is what the agent works with now.
func (a *Agent) current() *setup { return a.at.Load() }

// Close closes the store. It comes last, when nothing runs any more.
func (a *Agent) Close() error { return a.store.Close() }

// afterGrace is what sessions and the store get to close in, once no file is under way any more.
const afterGrace = 15 * time.Second

// Run watches and delivers until ctx ends, then stops in order: watchers and planners, deliveries with their grace,
// sessions. It returns an error only where it cannot go on, the store's for one.
func (a *Agent) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	all := &parts{ctx: ctx, cancel: cancel}
	a.beginAlerts(ctx)
	defer a.alerts.end() // when nothing happens any more
	a.running = all
	at := a.current()
	for _, f := range at.folders {
		all.watch(f)
	}
	all.work("", a.syncer.Run)
	a.unread = unreadable(at.config) // nobody but a reload asks
	<-a.turn
	keep := func(ctx context.Context) {
		keepTime(ctx, a.limits, func() *config.Config { return a.current().config })
	}
	for _, run := range []func(context.Context){(&copier{store: a.store, log: a.log}).run, keep, a.lookout().run, a.hooks.run, a.activity.run} {
		all.work("", func(ctx context.Context) error {
			run(ctx)
			return nil
		})
	}
	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	defer stopServing()
	var answering sync.WaitGroup
	if server, err := control.Listen(at.config.Agent.StateDir); err != nil {
		// Commands cannot ask the agent then; deliveries go on.
		a.log.Warn("commands cannot reach this agent", "error", err)
	} else {
		answering.Go(func() {
			if err := server.Serve(serving, a); err != nil {
				a.log.Warn("commands cannot reach this agent any more", "error", err)
			}
		})
	}
	a.web.begin(ctx, at.config)
	a.log.Info("watching", "version", a.version, "config", at.config.File, "state", at.config.Agent.StateDir,
		"folders", len(at.folders), "destinations", len(at.config.Destinations))
	warnOfDrives(a.log, at.config, watcher.NoDrive)
	a.host.Ready()
	var beating sync.WaitGroup
	beats, stopBeating := context.WithCancel(context.WithoutCancel(ctx)) // while files finish, too
	defer stopBeating()
	if _, nobody := a.host.(service.Nobody); !nobody {
		beating.Go(func() { a.pulse().run(beats) })
	}
	<-ctx.Done()
	a.host.Stopping(a.current().config.Agent.ShutdownGrace + afterGrace)
	a.log.Info("stopping: files under way may finish", "grace", a.current().config.Agent.ShutdownGrace.String())
	select {
	case a.turn <- struct{}{}: // no reload begins any more
	case <-time.After(a.current().config.Agent.ShutdownGrace + afterGrace): // one that is at work hangs
	}
	err := all.wait(a.current().config.Agent.ShutdownGrace + afterGrace)
	stopBeating()
	beating.Wait()
	stopServing() // last: while files finish, people may ask
	a.web.end()
	answering.Wait()
	return err
}
