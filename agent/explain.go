package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/syncer"
	"github.com/dropferry/dropferry/watcher"
)

// ledgerReader is what explaining needs of the store.
type ledgerReader interface {
	Lookup(ctx context.Context, folder string, p file.Path) (state.Record, error)
	History(ctx context.Context, f state.Filter) ([]state.Delivery, error)
	NamedNow(ctx context.Context, d state.Delivery) (state.Delivery, error)
	Whole(ctx context.Context, route state.Route, p file.Path, now time.Time) (w state.Whole, is bool, err error)
	removalReader
	storyReader
	conflictReader
	syncer.WaitStore
}

// explain tells why a file was, or was not, sent, from what the disk, the watcher, the links and the store say of it.
func explain(ctx context.Context, folders []*folder, store ledgerReader, at work, name string) (control.Explanation, error) {
	name = filepath.Clean(name)
	e := control.Explanation{Path: name, PathB64: raw(file.Path(name))}
	f, p, ok := folderFor(folders, name)
	if !ok {
		e.State, e.Reason = "unknown", "it lies in no configured folder"
		return e, nil
	}
	e.Folder = f.config.Name
	if p == "" {
		e.State, e.Reason = "directory", "it is the folder itself: ask for a file in it, or for the status"
		return e, nil
	}
	record, err := store.Lookup(ctx, e.Folder, p)
	if err != nil {
		return e, err
	}
	receipts, err := store.History(ctx, state.Filter{Folder: e.Folder, Path: p, Limit: 20})
	if err != nil {
		return e, err
	}
	for i, d := range receipts {
		e.Receipts = append(e.Receipts, ViewDelivery(d))
		if receipts[i], err = store.NamedNow(ctx, d); err != nil {
			return e, err
		}
	}
	local := f.watcher.Explain(p)
	if local.Unmarked && syncer.WasComplete(record, local.Fingerprint) {
		local = local.Completed()
	}
	for _, route := range f.rules.Routes {
		r := explainRoute(route.Destination, local, record, receipts, f.rules.After)
		notSent(&r, local)
		tellReplaced(&r, f.rules, &record)
		at.outlook(&r)
		if err := explainWaits(ctx, &r, f, store, &record); err != nil {
			return e, err
		}
		w, whole, err := store.Whole(ctx, state.Route{Folder: e.Folder, Destination: r.Destination}, p, time.Now())
		if err != nil {
			return e, err
		}
		if whole {
			r.Whole = fmt.Sprintf("until %s: %s", rfc3339(w.Until), w.Reason)
		}
		at.paused(&r, e.Folder)
		at.halted(&r, e.Folder)
		e.Routes = append(e.Routes, r)
	}
	e.Routes = append(e.Routes, explainLeft(f.rules, record)...)
	if err := tellStories(ctx, store, e.Routes, record.Intents, receipts); err != nil {
		return e, err
	}
	e.State, e.Reason = overall(local, e)
	overallReplaced(&e, local)
	if err := at.explainRemoval(ctx, &e, f, &record, local, store); err != nil {
		return e, err
	}
	if err := explainDirectory(ctx, &e, p, local, store); err != nil {
		return e, err
	}
	if local.Settling {
		e.Since, e.Until = moment(local.Since), moment(local.Until)
	}
	return e, nil
}

// overall sums a file up in a word and a sentence.
func overall(local watcher.Explanation, e control.Explanation) (word, sentence string) {
	if !local.Exists && len(e.Receipts) > 0 {
		r := e.Receipts[0]
		return "delivered", fmt.Sprintf("it was delivered to %s at %s, and is not in the folder any more", r.Destination, r.DeliveredAt.Format(time.RFC3339))
	}
	if word, sentence = fate(local); word != "" {
		return word, sentence
	}
	return worst(e.Routes)
}

// fate tells what is true of a file whatever its routes, "" where they decide.
func fate(local watcher.Explanation) (word, sentence string) {
	switch {
	case local.Err != nil && !errors.Is(local.Err, fs.ErrNotExist):
		return "unreadable", local.Err.Error()
	case !local.Exists:
		return "unknown", "there is no such file, and none was ever delivered under that name"
	case local.Excluded == watcher.NotIncluded:
		return "excluded", "no include pattern of the folder matches it"
	case local.Excluded != "":
		return "excluded", fmt.Sprintf("the pattern %q excludes it", local.Excluded)
	case local.Kind == watcher.Dir:
		return "directory", "directories are made at the destination when a file in them is delivered; in a mirror, empty ones too"
	case local.Kind != watcher.File:
		return "skipped", "only regular files are sent: " + local.Reason
	case local.Unmarked:
		return "settling", "it is " + local.Reason
	case local.Settling:
		return "settling", fmt.Sprintf("it is %s; it is sent when it has not changed for its quiet time", local.Reason)
	}
	return "", ""
}

// worst picks the route that most needs attention.
func worst(routes []control.RouteOf) (word, sentence string) {
	order := []string{"halted", "held", "parked", "blocked", "paused", "failed", "waits", "sending", "queued", "new", "cancelled", "delivered", "adopted"}
	for _, state := range order {
		for _, r := range routes {
			if r.State == state {
				return r.State, fmt.Sprintf("%s: %s", r.Destination, r.Reason)
			}
		}
	}
	return "unknown", "the folder has no destination"
}

// explainRoute tells where a file stands on one route.
func explainRoute(destination string, local watcher.Explanation, record state.Record, receipts []state.Delivery, after syncer.After) control.RouteOf {
	r := control.RouteOf{Destination: destination}
	for i := range record.Intents {
		intent := &record.Intents[i]
		if intent.Destination != destination {
			continue
		}
		explainIntent(&r, intent, after)
		if intent.Phase != state.Delivered {
			return r
		}
	}
	if r.State != "" {
		return r
	}
	for _, k := range record.Known {
		if k.Destination != destination {
			continue
		}
		r.State, r.RemotePath, r.Reason = "delivered", k.RemotePath, "the destination has this version"
		if !k.Owned {
			r.State, r.Reason = "adopted", "the destination had the same file before"
		}
		if !k.Fingerprint.Same(local.Fingerprint) && local.Exists {
			r.State, r.Reason = "new", "it has changed since it was delivered; the next look at the folder sends it if its content differs"
		}
		return explainReceipt(r, receipts)
	}
	r.State, r.Reason = "new", "it was not seen yet; the next look at the folder sends it"
	if !local.Exists {
		r.State, r.Reason = "gone", "it is not in the folder"
		r = explainReceipt(r, receipts)
	}
	return r
}

// notSent tells why a file that nobody has planned is not going to be: what is true of the file is true of every route.
func notSent(r *control.RouteOf, local watcher.Explanation) {
	word, sentence := fate(local)
	switch {
	case word == "" || (r.State != "new" && r.State != "gone"):
	case !local.Exists && r.ID != "":
		r.State, r.Reason = "delivered", "it was delivered, and is not in the folder any more"
	default:
		r.State, r.Reason = word, sentence
	}
}

// explainReceipt adds the newest receipt of the route.
func explainReceipt(r control.RouteOf, receipts []state.Delivery) control.RouteOf {
	for _, d := range receipts {
		if d.Destination == r.Destination {
			r.ID, r.RemotePath, r.Attempts = d.ID, d.RemotePath, d.Attempts
			if r.State == "delivered" {
				r.Reason = fmt.Sprintf("delivered at %s, evidence %s", rfc3339(d.DeliveredAt), d.Proof.Evidence)
			}
			break
		}
	}
	return r
}

func explainIntent(r *control.RouteOf, i *state.Intent, after syncer.After) {
	r.ID, r.RemotePath, r.Attempts, r.LastError, r.NextAttempt = i.ID, i.Final, i.Attempts, i.LastError, moment(i.NextAttempt)
	switch i.Phase {
	case state.Planned, state.Committing:
		r.State, r.Reason = "queued", "it waits for its turn ("+i.Reason+")"
		if i.LastError != "" {
			r.State, r.Reason = "failed", fmt.Sprintf("the last of %d attempts failed: %s", max(i.Attempts, 1), i.LastError)
		}
	case state.Delivered:
		r.State, r.Reason = "delivered", fmt.Sprintf("delivered; its source waits for %s until every destination has it", after)
	case state.Held:
		r.State, r.Reason = "held", "a person has to decide: "+i.LastError+heldHint(i.ID)
	case state.Parked:
		r.State, r.Reason = "parked", joined("given up: "+i.LastError, parkedHint(i.ID))
	case state.Cancelled:
		r.State, r.Reason = "cancelled", "a person has cancelled it: this version is not sent, a changed file is"
	}
}

// heldHint says what a person can do about a held file.
func heldHint(id string) string {
	return "; `dropferry retry " + id + "` looks again, --overwrite replaces what stands there, --keep-both publishes beside it"
}

// parkedHint says what a person can do about a file that was given up.
func parkedHint(id string) string { return "once it is mended: `dropferry retry " + id + "`" }

// work is what is being done about files: by links, in a running agent, or by nobody.
type work struct {
	running bool
	links   map[string]syncer.LinkStatus
	pauses  []state.Pause
	halts   []state.Halt
	blocks  map[string]state.Block // without an agent: refused logins, which bind the next run
}

// paused tells of the pause that keeps a file from being sent.
func (w work) paused(r *control.RouteOf, folder string) {
	p, ok := pauseOfOne(w.pauses, r.ID)
	if !ok {
		p, ok = pauseOf(w.pauses, state.Route{Folder: folder, Destination: r.Destination})
	}
	if !ok {
		return
	}
	switch r.State {
	case "queued", "failed", "waits", "blocked":
		r.State, r.NextAttempt = "paused", nil
		r.Reason = pausedSince(p) + "; `dropferry resume " + viewPause(p).Target() + "` lets it go on"
	case "new", "held", "parked":
		what := "the route is "
		if p.Intent != "" {
			what = "it is "
		}
		r.Reason += "; " + what + pausedSince(p)
	}
}

// outlook tells when a file that waits is sent, and what it waits for.
func (w work) outlook(r *control.RouteOf) {
	if r.State != "queued" && r.State != "failed" {
		return
	}
	link := w.links[r.Destination]
	block, blocked := w.blocks[r.Destination]
	switch {
	case !w.running && blocked:
		r.State, r.NextAttempt = "blocked", moment(block.NextProbe)
		r.Reason = "the destination is blocked until a person acts: " + block.Reason
	case !w.running:
		r.Reason += "; no agent is running, so it waits for `dropferry once` or `dropferry run`"
		return
	case link.State == syncer.LinkBlocked:
		r.State, r.NextAttempt = "blocked", moment(link.NextAttempt)
		r.Reason = joined("the destination is blocked until a person acts: "+link.Reason, remote.HintOf(link.Err))
	case link.State == syncer.LinkClosed:
		r.NextAttempt = moment(link.NextAttempt)
		r.Reason = "nothing is sent there now: " + link.Reason
	case link.State == syncer.LinkWaiting:
		r.NextAttempt = moment(link.NextAttempt)
		r.Reason = "it waits until the destination can be used: " + link.Reason
	default:
		for _, t := range link.Transfers {
			if t.ID == r.ID {
				r.State, r.NextAttempt = "sending", nil
				r.Reason = fmt.Sprintf("it is being sent: %d of %d bytes", t.Sent, t.Size)
			}
		}
	}
	if r.NextAttempt != nil {
		r.Reason += "; next attempt " + r.NextAttempt.Format(time.RFC3339)
		if link.State == syncer.LinkWaiting {
			r.Reason += "; " + sooner(r.Destination)
		}
	}
}
