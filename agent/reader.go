package agent

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"time"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/syncer"
	"github.com/dropferry/dropferry/watcher"
)

// Ask returns who can answer for a configuration: the agent that runs on its state directory, else a reader of the store.
// Close it when done.
func Ask(ctx context.Context, c *config.Config, only []string) (control.API, func() error, error) {
	client, err := control.Dial(ctx, c.Agent.StateDir)
	if err == nil && len(only) == 0 {
		return client, func() error { return nil }, nil
	}
	if err != nil && !errors.Is(err, control.ErrNoAgent) {
		return nil, nil, err
	}
	r, err := newReader(ctx, c, only)
	if err != nil {
		return nil, nil, err
	}
	return r, r.Close, nil
}

// reader answers without an agent, from the store and the disk. It changes nothing.
type reader struct {
	config  *config.Config
	store   *state.Store // nil where nothing was ever delivered
	folders []*folder
	only    []string
}

func newReader(ctx context.Context, c *config.Config, only []string) (*reader, error) {
	if err := allKnown(c, only); err != nil {
		return nil, err
	}
	store, err := state.OpenReader(ctx, c.Agent.StateDir)
	if err != nil && !errors.Is(err, state.ErrNoStore) {
		return nil, err
	}
	r := &reader{config: c, store: store, only: only}
	for i := range c.Folders {
		f := &c.Folders[i]
		w, err := watcher.New(rulesOf(f), nil)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("folder %s: %w", f.Name, err), r.Close())
		}
		view, err := folderOf(c, f, func(file.Path) {})
		if err != nil {
			return nil, errors.Join(err, r.Close())
		}
		looksAt(view, w)
		r.folders = append(r.folders, &folder{config: f, watcher: w, rules: view})
	}
	return r, nil
}

// Close ends the reading.
func (r *reader) Close() error {
	if r.store == nil {
		return nil
	}
	return r.store.Close()
}

// Status implements control.API.
func (r *reader) Status(ctx context.Context) (control.Status, error) {
	s := control.Status{Agent: control.AgentStatus{Name: r.config.Agent.Name, Config: r.config.File}, Transfers: []control.Transfer{}}
	counts, err := r.counts(ctx)
	if err != nil {
		return s, err
	}
	for _, f := range r.folders {
		s.Folders = append(s.Folders, folderStatus(f, counts))
	}
	blocks, err := r.blocks(ctx)
	if err != nil {
		return s, err
	}
	waits, err := r.waits(ctx)
	if err != nil {
		return s, err
	}
	for i := range r.config.Destinations {
		view := destinationStatus(r.config, r.config.Destinations[i].Name, counts)
		if b, blocked := blocks[view.Name]; blocked {
			view.State, view.Reason, view.NextAttempt = string(syncer.LinkBlocked), b.Reason, moment(b.NextProbe)
		} else if w, waiting := waits[view.Name]; waiting {
			view.State, view.Reason, view.NextAttempt = string(syncer.LinkWaiting), joined(w.Reason, sooner(view.Name)), moment(w.Next)
		}
		s.Destinations = append(s.Destinations, view)
	}
	showClosed(&s, r.config, time.Now())
	s.Left = leftRoutes(r.config, counts)
	if r.store != nil {
		if err := showAttention(ctx, &s, r.store); err != nil {
			return s, err
		}
	}
	pauses, err := r.pauses(ctx)
	if err != nil {
		return s, err
	}
	showPauses(&s, pauses)
	if r.store != nil {
		if err = showWaiting(ctx, &s, r.store, r.folders, counts); err == nil {
			err = showHalts(ctx, &s, r.store, r.config)
		}
	}
	return s, err
}

func (r *reader) counts(ctx context.Context) ([]state.Count, error) {
	if r.store == nil {
		return nil, nil
	}
	return r.store.Counts(ctx)
}

// blocks returns the refused logins that bind the next run, by destination.
func (r *reader) blocks(ctx context.Context) (map[string]state.Block, error) {
	blocks := map[string]state.Block{}
	if r.store == nil {
		return blocks, nil
	}
	all, err := r.store.Blocks(ctx)
	for _, b := range all {
		blocks[b.Destination] = b
	}
	return blocks, err
}

// waits returns how long the next `run` lets destinations alone.
func (r *reader) waits(ctx context.Context) (map[string]state.Wait, error) {
	waits := map[string]state.Wait{}
	if r.store == nil {
		return waits, nil
	}
	all, err := r.store.Waits(ctx)
	for _, w := range all {
		if w.Next.After(time.Now()) {
			waits[w.Destination] = w
		}
	}
	return waits, err
}

func (r *reader) pauses(ctx context.Context) ([]state.Pause, error) {
	if r.store == nil {
		return nil, nil
	}
	return r.store.Pauses(ctx)
}

// History implements control.API.
func (r *reader) History(ctx context.Context, q control.HistoryQuery) (control.History, error) {
	if r.store == nil {
		return control.History{Deliveries: []control.Delivery{}}, nil
	}
	return history(ctx, r.store, q)
}

func history(ctx context.Context, store ledgerReader, q control.HistoryQuery) (h control.History, err error) {
	h.Deliveries = []control.Delivery{}
	f := state.Filter{Since: q.Since, Folder: q.Folder, Destination: q.Destination, Before: q.Before, Limit: q.Limit}
	if q.Path != "" {
		match, err := matching(q.Path)
		if err != nil {
			return h, err
		}
		f.Match = match
	}
	if q.Failed {
		h.Failed, err = failed(ctx, store, f)
		return h, err
	}
	deliveries, err := store.History(ctx, f)
	behindRemoval := q.Before != "" && errors.Is(err, state.ErrNotOnRecord)
	if err != nil && !behindRemoval {
		return h, err
	}
	for _, d := range deliveries {
		h.Deliveries = append(h.Deliveries, ViewDelivery(d))
	}
	if q.Before != "" && !behindRemoval {
		return h, nil
	}
	removals, err := store.Removals(ctx, f)
	if errors.Is(err, state.ErrNotOnRecord) {
		return h, usage("%q is the id of no delivery and of no removal", q.Before)
	}
	for _, r := range removals {
		h.Removals = append(h.Removals, viewRemoval(r))
	}
	return h, err
}

// Explain implements control.API.
func (r *reader) Explain(ctx context.Context, name string) (control.Explanation, error) {
	if r.store == nil {
		return explain(ctx, r.folders, emptyStore{}, work{}, name)
	}
	pauses, err := r.store.Pauses(ctx)
	if err != nil {
		return control.Explanation{}, err
	}
	blocks, err := r.blocks(ctx)
	if err != nil {
		return control.Explanation{}, err
	}
	halts, err := r.store.Halts(ctx)
	if err != nil {
		return control.Explanation{}, err
	}
	return explain(ctx, r.folders, r.store, work{pauses: pauses, halts: halts, blocks: blocks}, name)
}

// Plan implements control.API.
func (r *reader) Plan(ctx context.Context) (control.Plan, error) {
	if r.store == nil {
		return plan(ctx, r.config, emptyStore{}, r.only)
	}
	if err := namesApplied(ctx, r.store, r.config); err != nil {
		return control.Plan{}, err
	}
	return plan(ctx, r.config, r.store, r.only)
}

// Command implements control.API.
func (r *reader) Command(ctx context.Context, command control.Command) (control.Outcome, error) {
	return only(ctx, command, func(give func(Obedient) error) error { return commandStore(ctx, r.config, command, give) })
}

// emptyStore is the store of an agent that has never run: reading must not create one. Only what reads is there.
type emptyStore struct{ syncer.Store }

func (emptyStore) Walk(context.Context, string) iter.Seq2[state.Record, error] {
	return func(func(state.Record, error) bool) {}
}

func (emptyStore) Lookup(_ context.Context, _ string, p file.Path) (state.Record, error) {
	return state.Record{Path: p}, nil
}

func (emptyStore) LastPublished(context.Context, string, string) (state.Delivery, bool, error) {
	return state.Delivery{}, false, nil
}

func (emptyStore) Unfinished(context.Context, string, string) (int64, bool, error) {
	return 0, false, nil
}

func (emptyStore) Alike(context.Context, state.Route, int64, uint64, int) ([]state.Known, error) {
	return nil, nil
}

func (emptyStore) SizedLike(context.Context, string, int64, int) ([]state.Delivery, error) {
	return nil, nil
}

func (emptyStore) Rates(context.Context, string) ([]state.Rate, error) { return nil, nil }

func (emptyStore) Capabilities(context.Context, string, string) ([]byte, bool, error) {
	return nil, false, nil
}

func (emptyStore) Pauses(context.Context) ([]state.Pause, error) { return nil, nil }

func (emptyStore) Halts(context.Context) ([]state.Halt, error) { return nil, nil }

func (emptyStore) HaltOf(context.Context, string) (state.Halt, bool, error) {
	return state.Halt{}, false, nil
}

func (emptyStore) MarkOf(context.Context, string, string) (state.Mark, bool, error) {
	return state.Mark{}, false, nil
}

func (emptyStore) Roots(context.Context, string, string) ([]state.Root, error) { return nil, nil }

func (emptyStore) Mounts(context.Context, string, string, bool) ([]file.Path, error) { return nil, nil }

func (emptyStore) FoldingOf(context.Context, string) (file.Folding, error) {
	return file.Folding{}, nil
}

func (emptyStore) Namesakes(context.Context, state.Route, file.Path, string) ([]state.Namesake, error) {
	return nil, nil
}

func (emptyStore) Dirs(context.Context, string) ([]state.Dir, error) { return nil, nil }

func (emptyStore) Expired(context.Context, string, time.Time, int) ([]state.Trashed, error) {
	return nil, nil
}

func (emptyStore) Removals(context.Context, state.Filter) ([]state.Removal, error) { return nil, nil }

func (emptyStore) OperationsOf(context.Context, string, file.Path) ([]state.Operation, error) {
	return nil, nil
}

func (emptyStore) Intents(context.Context, string, string, int, ...state.Phase) ([]state.Intent, error) {
	return nil, nil
}

func (emptyStore) CountLast(context.Context, state.Route, state.Ordered) (int, error) { return 0, nil }

func (emptyStore) NamedNow(_ context.Context, d state.Delivery) (state.Delivery, error) {
	return d, nil
}

func (emptyStore) Failures(context.Context, string) ([]state.FailedAttempt, error) { return nil, nil }

func (emptyStore) ArchivedAt(context.Context, string) (string, error) { return "", nil }

func (emptyStore) ConflictOf(context.Context, string) (x state.Conflict, found bool, err error) {
	return x, false, nil
}

func (emptyStore) History(context.Context, state.Filter) ([]state.Delivery, error) { return nil, nil }

// allKnown returns an error for the first name that is no folder's.
func allKnown(c *config.Config, names []string) error {
	for _, name := range names {
		if _, ok := c.Folder(name); !ok {
			return fmt.Errorf("folder %q: %w", name, ErrNoSuch)
		}
	}
	return nil
}

// wanted tells whether a folder is among those asked for; none is all.
func wanted(only []string, name string) bool { return len(only) == 0 || slices.Contains(only, name) }

// folderFor returns the folder that a path of the operating system lies in, the innermost of several, and its Path there.
// A path that only lies there by way of links counts too: people ask from where they stand.
func folderFor(folders []*folder, name string) (found *folder, p file.Path, ok bool) {
	find := func(name string, root func(*folder) string) {
		for _, f := range folders {
			rel, below := file.Rel(root(f), name)
			if below && (!ok || len(rel) < len(p)) {
				found, p, ok = f, rel, true
			}
		}
	}
	find(name, func(f *folder) string { return f.config.Path })
	if !ok {
		find(resolved(filepath.Dir(name), filepath.Base(name)), func(f *folder) string { return resolved(f.config.Path, "") })
	}
	return found, p, ok
}

// resolved returns name in dir without links on the way, or as it is written where that cannot be told.
func resolved(dir, name string) string {
	if place, err := filepath.EvalSymlinks(dir); err == nil {
		dir = place
	}
	return filepath.Join(dir, name)
}
