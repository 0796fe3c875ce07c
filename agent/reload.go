package agent

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/syncer"
)

// errNotRunning says that there is nothing to reload.
var errNotRunning = errors.New("the agent is stopping")

// Reload loads the agent's configuration anew and works with it from then on. Nothing changes where it has faults, which
// are config.Faults. What is the same as before notices nothing; what has changed is stopped in the usual way, so that
// files under way get their grace, and goes on with its new rules. It returns what has changed, in words. Of two at once,
// the second waits and loads again. The end of ctx ends the wait, and not what has begun.
func (a *Agent) Reload(ctx context.Context) ([]string, error) {
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if a.running == nil || a.running.ctx.Err() != nil {
		return nil, errNotRunning
	}
	a.host.Reloading()
	words, err := a.reload(a.running.ctx)
	a.host.Ready() // with the new configuration or still with the old one
	if a.running.ctx.Err() != nil {
		return nil, errNotRunning
	}
	a.tellReload(words, err)
	return words, err
}

func (a *Agent) tellReload(words []string, err error) {
	var faults config.Faults
	switch {
	case errors.As(err, &faults):
		for _, f := range faults {
			a.log.Error("the configuration was not reloaded: a fault in it", "fault", f.String())
		}
	case err != nil:
		a.log.Error("the configuration was not reloaded", "error", err)
	case len(words) == 0:
		a.log.Info("configuration reloaded: nothing has changed", "config", a.current().config.File)
	default:
		a.log.Info("configuration reloaded", "config", a.current().config.File, "changes", strings.Join(words, "; "))
	}
}

func (a *Agent) reload(ctx context.Context) ([]string, error) {
	old := a.current()
	c, err := config.Load(old.config.File)
	if err != nil {
		return nil, err
	}
	if faults := append(c.CheckSystem(), CheckService(c, a.host)...); len(faults) > 0 {
		return nil, faults
	}
	if c.Agent.StateDir != old.config.Agent.StateDir {
		return nil, config.Faults{c.StateDirFault(
			"state_dir cannot change while the agent runs: it is "+old.config.Agent.StateDir, "restart the agent",
		)}
	}
	if err := a.logging.Try(c.Log); err != nil {
		return nil, err
	}
	if _, err := receiversOf(c, a.version); err != nil {
		return nil, err
	}
	names, err := reconciled(ctx, a.store, c)
	if err != nil {
		return nil, err
	}
	unread := unreadable(c)
	if faults := secretFaults(c, a.unread, unread, names.Renamings); len(faults) > 0 {
		return nil, faults
	}
	s := &switching{agent: a, old: old, names: names, diff: diff(old.config, c, names.Renamings)}
	unchanged := map[string]bool{}
	for _, f := range s.diff.folders {
		unchanged[f.name] = f.what == stays
	}
	if s.next, err = a.setUp(c, old, unchanged, nil); err != nil {
		return nil, err
	}
	if err := s.run(ctx); err != nil {
		return nil, err
	}
	a.unread = unread
	a.logging.Change(c.Log)
	warnOfAccounts(a.log, c)
	if !a.alerts.isAsBefore(c) {
		a.beginAlerts(ctx)
	}
	if !a.web.isAsBefore(c) {
		a.web.begin(ctx, c)
	}
	a.metrics.Forget(s.diff.left())
	a.beginCounters(c)
	return s.diff.words(), nil
}

// reconciled compares the names of a configuration with those of the store, and says what is to be recorded of it.
func reconciled(ctx context.Context, store namesStore, c *config.Config) (state.Configured, error) {
	known, err := store.Names(ctx)
	if err != nil {
		return state.Configured{}, err
	}
	past, err := store.Renamings(ctx)
	if err != nil {
		return state.Configured{}, err
	}
	configured, err := reconcile(c, known, past)
	if err == nil {
		configured.Orders, err = ordersOf(c)
	}
	return configured, err
}

// namesStore is what the store knows of names.
type namesStore interface {
	Names(ctx context.Context) ([]state.Name, error)
	Renamings(ctx context.Context) ([]state.Renaming, error)
}

// switching is the way from one setup to the next.
type switching struct {
	agent     *Agent
	old, next *setup
	names     state.Configured
	diff      difference
}

// run stops what changes, has the store follow, and starts what is new. A store that fails leaves the old setup at work.
func (s *switching) run(ctx context.Context) error {
	a := s.agent
	watchers := s.watchersToStop()
	stopAll(watchers)
	restart := func(err error) error {
		for _, f := range watchers {
			a.running.watch(f)
		}
		return err
	}
	dropped, err := a.store.Retire(ctx, routesGone(s.next.config, s.names.Renamings))
	if err != nil {
		return restart(err)
	}
	links := s.linksToStop()
	a.syncer.Stop(links)
	back := func(err error) error {
		a.syncer.Replace(replacementOf(a, s.old, isIn(links)))
		a.syncer.Dropped(ctx, dropped) // they are gone all the same, and planned anew by the watchers
		return restart(err)
	}
	if err := a.syncer.Finish(ctx, s.linksToFinish()); err != nil {
		return back(err)
	}
	if err := s.endWaits(ctx); err != nil {
		return back(err)
	}
	if err := a.hooks.mark(ctx, s.next.config); err != nil {
		return back(err)
	}
	a.naming.Lock()
	defer a.naming.Unlock()
	if err := a.store.Configure(ctx, s.names, time.Now()); err != nil { // last: from here on nothing fails
		return back(err)
	}
	a.limits.Set(ratesOf(s.next.config, time.Now()))
	a.syncer.Replace(replacementOf(a, s.next, s.freshLinks(links)))
	s.next.plannedBy(a.syncer)
	a.at.Store(s.next)
	for _, f := range s.next.folders {
		if s.old.folder(f.config.Name) != f {
			a.running.watch(f)
		}
	}
	a.syncer.Dropped(ctx, dropped)
	return nil
}

// endWaits has destinations dialled at once with which a person has just done something.
func (s *switching) endWaits(ctx context.Context) error {
	for _, c := range s.diff.destinations {
		if c.goesOn() || c.what == removed {
			continue
		}
		if _, err := s.agent.store.ClearWait(ctx, cmp.Or(c.was, c.name)); err != nil {
			return err
		}
	}
	return nil
}

func replacementOf(a *Agent, s *setup, fresh map[string]bool) syncer.Replacement {
	return syncer.Replacement{
		Folders: s.rules(), Destinations: destinationsOf(s.config, a.key, a.limits, a.log), Fresh: fresh, Gone: foldersGone(s.config),
		MaxTransfers: s.config.Agent.MaxTransfers, Grace: s.config.Agent.ShutdownGrace,
	}
}

func stopAll(folders []*folder) {
	var stopping sync.WaitGroup
	for _, f := range folders {
		if f.stop != nil {
			stopping.Go(f.stop)
		}
	}
	stopping.Wait()
}

// watchersToStop are the folders that do not stay as they are.
func (s *switching) watchersToStop() []*folder {
	var stop []*folder
	for _, c := range s.diff.folders {
		if c.what != stays && c.what != added {
			stop = append(stop, s.old.folder(c.was))
		}
	}
	return stop
}

// linksToStop are the destinations, by their old names, that do not stay as they are, and those of a folder that gets
// another name: nothing may be under way under a name while it changes.
func (s *switching) linksToStop() []string {
	var stop []string
	for _, c := range s.diff.destinations {
		if !c.goesOn() && c.what != added {
			stop = append(stop, c.was)
		}
	}
	for _, c := range s.diff.folders {
		if c.what != renamed {
			continue
		}
		f, _ := s.old.config.Folder(c.was)
		for _, name := range destinationsOfFolder(f) {
			if !slices.Contains(stop, name) {
				stop = append(stop, name)
			}
		}
	}
	return stop
}

// linksToFinish are the destinations, by their old names, that nobody reaches any more afterwards.
func (s *switching) linksToFinish() []string {
	var finish []string
	for _, c := range s.diff.destinations {
		if c.what == removed || c.isMoved() {
			finish = append(finish, c.was)
		}
	}
	return finish
}

// freshLinks are the destinations, by their new names, that get links of their own.
func (s *switching) freshLinks(stopped []string) map[string]bool {
	fresh := map[string]bool{}
	for _, c := range s.diff.destinations {
		if c.what != removed && (!c.goesOn() || slices.Contains(stopped, c.was)) {
			fresh[c.name] = true
		}
	}
	return fresh
}

func isIn(names []string) map[string]bool {
	in := map[string]bool{}
	for _, name := range names {
		in[name] = true
	}
	return in
}

// AskReload has the agent that runs on the configuration's state directory reload its file. control.ErrNoAgent says that
// none runs; faults of the file, as the agent sees it, are a *control.Refusal.
func AskReload(ctx context.Context, c *config.Config) (control.Outcome, error) {
	client, err := control.Dial(ctx, c.Agent.StateDir)
	if err != nil {
		return control.Outcome{}, err
	}
	return client.Command(ctx, control.Command{Verb: control.VerbReload})
}

// commandReload obeys the command.
func (a *Agent) commandReload(ctx context.Context) (control.Outcome, error) {
	words, err := a.Reload(ctx)
	if faults, ok := errors.AsType[config.Faults](err); ok {
		return control.Outcome{}, &control.Refusal{Text: faults.Error(), Config: true}
	}
	return control.Outcome{
		Verb: control.VerbReload, Count: len(words), Changes: words, Config: a.current().config.File,
	}, err
}
