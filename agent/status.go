package agent

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/syncer"
)

// Status implements control.API.
func (a *Agent) Status(ctx context.Context) (control.Status, error) {
	s := control.Status{
		Agent: control.AgentStatus{
			Name: a.current().config.Agent.Name, Running: true, PID: os.Getpid(), Version: a.version, StartedAt: moment(a.started),
			Config: a.current().config.File, LoadedAt: moment(a.current().loaded), Address: a.web.at(),
		},
		Transfers: []control.Transfer{},
	}
	counts, err := a.store.Counts(ctx)
	if err != nil {
		return s, err
	}
	pauses, err := a.store.Pauses(ctx)
	if err != nil {
		return s, err
	}
	folders := a.current().folders
	for _, f := range folders {
		view := folderStatus(f, counts)
		w := f.planner.Watching()
		view.State, view.Reason, view.Files, view.Settling, view.LastScan = w.State, w.Reason, w.Files, w.Settling, moment(w.LastScan)
		showTrouble(&view, f.planner)
		showReplaced(&view, f.planner.Replaced())
		if w.Stuck > 0 {
			showStuck(&view, f)
		}
		s.Folders = append(s.Folders, view)
	}
	for _, l := range a.syncer.Status() {
		view := destinationStatus(a.current().config, l.Destination, counts)
		view.State, view.Reason, view.Connected, view.Active = string(l.State), l.Reason, l.Connected, len(l.Transfers)
		view.Hint = remote.HintOf(l.Err)
		if full := a.store.Room(syncer.LeastRoom); full != nil && l.State == syncer.LinkIdle { // it cannot even be planned
			view.State, view.Reason = string(syncer.LinkWaiting), full.Error()
		}
		switch {
		case l.State == syncer.LinkWaiting && !l.NextAttempt.IsZero():
			view.Reason = joined(l.Reason, sooner(l.Destination))
		case l.State == syncer.LinkConnecting && l.Reason != "":
			view.Reason = "it could not be used so far: " + l.Reason
		}
		view.NextAttempt, view.Bandwidth = moment(l.NextAttempt), a.limits.Limit(l.Destination).Rate()
		view.Queued = max(view.Queued-view.Active, 0) // what is under way is no longer queued
		s.Destinations = append(s.Destinations, view)
		for _, t := range l.Transfers {
			s.Transfers = append(s.Transfers, control.Transfer{
				ID: t.ID, Folder: t.Folder, Destination: t.Destination, Path: t.Path, Size: t.Size, Sent: t.Sent,
				StartedAt: t.StartedAt.UTC(),
			})
		}
	}
	slices.SortFunc(s.Destinations, func(x, y control.DestinationStatus) int { return strings.Compare(x.Name, y.Name) })
	slices.SortFunc(s.Transfers, func(x, y control.Transfer) int { return x.StartedAt.Compare(y.StartedAt) })
	showClosed(&s, a.current().config, time.Now())
	s.Left = leftRoutes(a.current().config, counts)
	showPauses(&s, pauses)
	if err := showAttention(ctx, &s, a.store); err != nil {
		return s, err
	}
	if err := showWaiting(ctx, &s, a.store, folders, counts); err != nil {
		return s, err
	}
	return s, showHalts(ctx, &s, a.store, a.current().config)
}

// stuckShown is how many files are named that do not become ready.
const stuckShown = 10

// showStuck adds the files that do not become ready.
func showStuck(view *control.FolderStatus, f *folder) {
	stuck := f.watcher.Stuck(time.Time{}, stuckShown)
	view.Stuck = stuck.Count
	for _, e := range stuck.First {
		view.StuckFiles = append(view.StuckFiles, control.StuckFile{Path: string(e.Path), PathB64: raw(e.Path), Since: e.Since.UTC(), Reason: e.Reason})
	}
}

// showReplaced adds the files that stay at destinations, since links stand in their places here.
func showReplaced(view *control.FolderStatus, r syncer.Replaced) {
	view.Replaced = r.Count
	for _, p := range r.First {
		view.ReplacedFiles = append(view.ReplacedFiles, string(p))
	}
	if r.Count == 0 {
		return
	}
	such := strings.Join(view.ReplacedFiles[:min(len(view.ReplacedFiles), 3)], ", ")
	if r.Count > 3 {
		such += ", ..."
	}
	view.Reason = joined(view.Reason, fmt.Sprintf("%s: %s; %s", such, staysReplaced, "`dropferry explain FILE` tells more"))
}

// sooner says how a person ends the wait for a destination.
func sooner(destination string) string {
	return "`dropferry retry " + destinationWord + destination + "` tries at once"
}

// History implements control.API.
func (a *Agent) History(ctx context.Context, q control.HistoryQuery) (control.History, error) {
	return history(ctx, a.store, q)
}

// Explain implements control.API.
func (a *Agent) Explain(ctx context.Context, name string) (control.Explanation, error) {
	at := work{running: true, links: map[string]syncer.LinkStatus{}}
	var err error
	if at.pauses, err = a.store.Pauses(ctx); err != nil {
		return control.Explanation{}, err
	}
	if at.halts, err = a.store.Halts(ctx); err != nil {
		return control.Explanation{}, err
	}
	for _, l := range a.syncer.Status() {
		at.links[l.Destination] = l
	}
	return explain(ctx, a.current().folders, a.store, at, name)
}

// Plan implements control.API.
func (a *Agent) Plan(ctx context.Context) (control.Plan, error) {
	return plan(ctx, a.current().config, a.store, nil)
}

// folderStatus is what the store knows of a folder.
func folderStatus(f *folder, counts []state.Count) control.FolderStatus {
	s := control.FolderStatus{Name: f.config.Name, Mode: f.config.Mode, Path: f.config.Path}
	for _, c := range counts {
		if c.Folder == s.Name {
			s.Ready += c.Planned + c.Committing
			s.Held += c.Held
			s.Parked += c.Parked
		}
	}
	return s
}

// destinationStatus is what the store knows of a destination.
func destinationStatus(conf *config.Config, name string, counts []state.Count) control.DestinationStatus {
	s := control.DestinationStatus{Name: name}
	if d, ok := conf.Destination(name); ok {
		for _, f := range certificateWarnings(conf, d, time.Now()) {
			s.Warnings = append(s.Warnings, f.Text)
		}
		s.Warnings = append(s.Warnings, keyWarnings(conf, d)...)
	}
	for _, c := range counts {
		if c.Destination == name {
			s.Queued += c.Planned + c.Committing
		}
	}
	return s
}
