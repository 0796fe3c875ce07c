package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/dropferry/dropferry/bandwidth"
	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// VerifyOptions say what of the remote side is looked at, how closely, and what is done about it.
type VerifyOptions struct {
	Targets   []string // folder:NAME, destination:NAME or FOLDER/DESTINATION; none is every route
	Content   bool     // compare the content of every file
	Repair    bool
	Overwrite bool // repair: replace somebody else's change, too

	Tell     func(control.Finding) // hears of what is not as it should be, in the order of paths; from one goroutine
	Progress func(looked int)      // hears how many files have been looked at; from many goroutines; nil is fine
}

// Verification is what Verify has found.
type Verification struct {
	control.Checked
	Stopped error           // why a destination could not be asked, the first of several; nil where all could
	Pauses  []control.Pause // that keep what a repair has planned from being sent
}

// Verify compares what is at the destinations with what the store knows to be there. It reads the store beside a running
// agent and looks at each destination over a session of its own; it writes nothing there. With Repair it has the agent,
// or the store where none runs, plan what is to be sent again.
//
// What a folder keeps has to be at its destination as it is known. Of a folder whose files are taken away once they are
// delivered, the newest receipt of each remote name counts, and that the file is there no more is usual.
func Verify(ctx context.Context, c *config.Config, o VerifyOptions) (Verification, error) {
	v := &verifier{config: c, options: o, limits: limitsOf(c), views: map[string]*verifyView{}}
	v.sum.Type = "summary"
	started := time.Now()
	routes, err := v.understand()
	if err != nil {
		return v.sum, err
	}
	v.store, err = state.OpenReader(ctx, c.Agent.StateDir)
	if errors.Is(err, state.ErrNoStore) {
		return v.sum, nil // nothing was ever delivered
	}
	if err != nil {
		return v.sum, err
	}
	defer v.store.Close() //nolint:errcheck // opened for reading
	defer v.close()
	for _, r := range routes {
		if err = v.route(ctx, r); err != nil {
			break
		}
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	v.sum.Seconds = time.Since(started).Seconds()
	return v.sum, err
}

// verifier is one Verify.
type verifier struct {
	config  *config.Config
	store   *state.Store
	options VerifyOptions
	limits  *bandwidth.Limits
	named   []string // folders that a target names
	views   map[string]*verifyView
	sum     Verification
	looked  atomic.Int64
}

func (v *verifier) close() {
	for _, w := range v.views {
		w.close()
	}
}

// understand returns the routes that are asked for, in the order of the configuration.
func (v *verifier) understand() ([]state.Route, error) {
	if v.options.Overwrite && !v.options.Repair {
		return nil, usage("--overwrite says how to repair: it goes with --repair")
	}
	all := routesOf(v.config)
	if len(v.options.Targets) == 0 {
		return all, nil
	}
	wanted := map[state.Route]bool{}
	for _, text := range v.options.Targets {
		t, err := parseTarget(v.config, text)
		if err == nil && t.id != "" {
			err = usage("verify takes folder:NAME, destination:NAME or FOLDER/DESTINATION, and no id")
		}
		if err != nil {
			return nil, err
		}
		v.named = append(v.named, t.Folder)
		for _, r := range all {
			if (t.Folder == "" || t.Folder == r.Folder) && (t.Destination == "" || t.Destination == r.Destination) {
				wanted[r] = true
			}
		}
	}
	return slices.DeleteFunc(all, func(r state.Route) bool { return !wanted[r] }), nil
}

// checkedRoute is a route that is looked at.
type checkedRoute struct {
	state.Route
	folder  *config.Folder
	watcher *watcher.Watcher // tells what is here
	pages   *expectedPages
	view    *verifyView
}

// keeps tells whether what was delivered stays, here and there.
func keeps(f *config.Folder) bool { return f.After == config.Keep }

// route looks at one route, page by page, so that a million files need not be held.
func (v *verifier) route(ctx context.Context, route state.Route) error {
	f, _ := v.config.Folder(route.Folder)
	w, err := watcher.New(rulesOf(f), nil)
	if err != nil {
		return fmt.Errorf("folder %s: %w", f.Name, err)
	}
	r := &checkedRoute{
		Route: route, folder: f, watcher: w, view: v.view(route.Destination),
		pages: &expectedPages{store: v.store, route: route, ledger: !keeps(f)},
	}
	for {
		page, err := r.pages.next(ctx)
		if err != nil || len(page) == 0 {
			return err
		}
		results, stopped, err := v.look(ctx, r, page)
		if err == nil {
			err = v.conclude(ctx, r, results)
		}
		if err == nil && stopped != nil {
			return v.unasked(ctx, r, results, stopped)
		}
		if err != nil {
			return err
		}
	}
}

// maxLosses is how many files in a row may lose the connection by themselves.
const maxLosses = 3

// look looks at the files of a page. Where the connection is lost it goes on over another one, with half as many at once:
// a file for which the server drops the connection is found like that, and keeps no other from its answer. stopped says
// why no more can be asked. The results have the page's order.
func (v *verifier) look(ctx context.Context, r *checkedRoute, page []state.Expected) (results []verified, stopped, err error) {
	results = make([]verified, len(page))
	left := make([]*verified, len(page))
	for i := range page {
		results[i].expected, left[i] = &page[i], &results[i]
	}
	for width, losses := len(left), 0; len(left) > 0; {
		session, err := r.view.open(ctx)
		if _, ok := errors.AsType[*remote.Error](err); ok && ctx.Err() == nil {
			return results, err, nil
		}
		if err != nil {
			return nil, nil, err
		}
		asked := left[:min(width, len(left))]
		lookAll(session, asked, func(x *state.Expected) verified { return v.lookAt(ctx, r, session, x) })
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		n := len(left)
		left = slices.DeleteFunc(left, func(f *verified) bool { return f.answered })
		switch {
		case session.Err() == nil:
			width *= 2
		case len(asked) == 1 && n == len(left):
			*left[0] = verified{expected: left[0].expected, answered: true, kind: control.FoundUnknown, reason: session.Err().Error()}
			left = left[1:]
			if losses++; losses == maxLosses {
				return results, session.Err(), nil
			}
			continue
		default:
			width = max(len(asked)/2, 1)
		}
		if n > len(left) {
			losses = 0
		}
	}
	return results, nil, nil
}

// unasked counts what is left of a route whose destination could not be asked.
func (v *verifier) unasked(ctx context.Context, r *checkedRoute, results []verified, why error) error {
	n, err := r.pages.rest(ctx)
	if err != nil {
		return err
	}
	for i := range results {
		if !results[i].answered {
			n++
		}
	}
	v.sum.Unknown += n
	if v.sum.Stopped == nil {
		v.sum.Stopped = why
	}
	v.options.Tell(control.Finding{
		Type: control.FoundUnknown, At: time.Now().UTC(), Folder: r.Folder, Destination: r.Destination,
		Reason: why.Error(), Hint: remote.HintOf(why), Files: n,
	})
	return nil
}

// conclude counts what was found, has it repaired, and tells of it.
func (v *verifier) conclude(ctx context.Context, r *checkedRoute, results []verified) error {
	var faults []fault
	for i := range results {
		f := &results[i]
		switch {
		case !f.answered:
			continue
		case f.underWay:
			v.sum.UnderWay++
			continue
		case f.kind == control.FoundOK || f.kind == control.FoundTaken:
			v.sum.Count(f.kind)
			continue
		}
		// It may have been sent since the store was read.
		now, there, err := r.pages.again(ctx, f.expected)
		if err != nil {
			return err
		}
		if !there || !f.expected.Same(&now) {
			v.sum.UnderWay++
			continue
		}
		f.expected = &now
		found, err := v.fault(ctx, r, f)
		if err != nil {
			return err
		}
		v.sum.Count(found.finding.Type)
		faults = append(faults, found)
	}
	err := v.repair(ctx, r, faults)
	for i := range faults {
		v.options.Tell(faults[i].finding)
	}
	return err
}
