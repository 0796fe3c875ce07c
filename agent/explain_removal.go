package agent

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/syncer"
	"github.com/dropferry/dropferry/watcher"
)

// removalReader is what explaining removals needs of the store.
type removalReader interface {
	Removals(ctx context.Context, f state.Filter) ([]state.Removal, error)
	OperationsOf(ctx context.Context, folder string, p file.Path) ([]state.Operation, error)
	MissingSince(ctx context.Context, folder string, p file.Path, dir bool) (time.Time, bool, error)
}

// explainRemoval tells what becomes, or has become, of a file at its destinations that is not in the folder any more. Of what cannot be looked
// at nothing is known.
func (w work) explainRemoval(ctx context.Context, e *control.Explanation, of *folder, record *state.Record, local watcher.Explanation, store removalReader) error {
	if local.Exists || local.Err != nil && !errors.Is(local.Err, fs.ErrNotExist) {
		return nil
	}
	f, unseen := of.rules, w.unseen(of)
	p := record.Path
	planned, err := store.OperationsOf(ctx, e.Folder, p)
	if err != nil {
		return err
	}
	removed, err := store.Removals(ctx, state.Filter{Folder: e.Folder, Path: p, Limit: 20})
	if err != nil {
		return err
	}
	since, missed, err := store.MissingSince(ctx, e.Folder, p, false)
	if err != nil {
		return err
	}
	for i := range e.Routes {
		r := &e.Routes[i]
		told := removing(r, planned)
		switch {
		case told:
		case f.Mirror && adopted(record, r.Destination):
			told = true
			r.State, r.Reason = "adopted", "it has left the folder, and stays at the destination: it was found there, and a mirror removes only what it has put there"
		case !missed && unseen != "" && f.Deletes && owned(record, r.Destination):
			told = true
			r.State, r.Reason = "missing", "it has left the folder, and is removed once a complete scan has missed it"+unseen
		}
		if !told && missed && f.Deletes && owned(record, r.Destination) {
			told = true
			r.State, r.Reason = "missing", willBeRemoved(since.Add(f.DeleteDelay))+unseen
			if h, halted := haltOf(w.halts, e.Folder); halted {
				r.Reason = "it has left the folder, which is " + haltedSince(h) + ": " + h.Detail + "; " + haltHint(e.Folder)
			}
		}
		if told || wasRemoved(r, removed, newestReceipt(e.Receipts, r.Destination)) {
			e.State, e.Reason = r.State, r.Destination+": "+r.Reason
		}
	}
	return nil
}

// staysReplaced is why a file stays at its destinations that is not in its folder.
const staysReplaced = "what was delivered stays at the destination, since something that is neither a file nor a directory stands in its place here " +
	"or above it, such as a link that is not followed: what is behind that is unknown, and never taken for gone. Once it is removed, the copy is, too"

// tellReplaced tells of a file that stays at its destination.
func tellReplaced(r *control.RouteOf, f *syncer.Folder, record *state.Record) {
	if !f.Deletes || !owned(record, r.Destination) || !f.Replaced(record.Path) {
		return
	}
	r.State, r.Reason = "replaced", staysReplaced
}

// overallReplaced sums such a file up.
func overallReplaced(e *control.Explanation, local watcher.Explanation) {
	for _, r := range e.Routes {
		if r.State != "replaced" {
			continue
		}
		e.State, e.Reason = r.State, r.Destination+": "+r.Reason
		if local.Exists && local.Reason != "" {
			e.Reason += "; here is a " + local.Reason
		}
		return
	}
}

// removing tells of a removal that is planned.
func removing(r *control.RouteOf, planned []state.Operation) bool {
	for _, o := range planned {
		if o.Destination != r.Destination || o.Step != state.StepDelete && o.Step != state.StepRmdir {
			continue
		}
		r.State, r.Reason, r.RemotePath, r.LastError = "removing", "it has left the folder, and is about to be removed", o.RemotePath, o.LastError
		r.Attempts, r.NextAttempt = o.Attempts, moment(o.NextAttempt)
		if o.LastError != "" {
			r.Reason += "; the last attempt failed: " + o.LastError
		}
		return true
	}
	return false
}

// unseen tells that the last scan has not seen everything, and why; "" where it has, or nobody scans.
func (w work) unseen(f *folder) string {
	if !w.running || f.planner == nil {
		return ""
	}
	last := f.planner.Watching()
	if last.Complete || last.LastScan.IsZero() {
		return ""
	}
	return "; the last scan, at " + rfc3339(last.LastScan) + ", was not complete, and after one of that kind nothing is removed: " + last.Reason
}

// explainDirectory tells of a directory that is about to be made for itself at a destination.
func explainDirectory(ctx context.Context, e *control.Explanation, p file.Path, local watcher.Explanation, store removalReader) error {
	if local.Kind != watcher.Dir || !local.Exists {
		return nil
	}
	planned, err := store.OperationsOf(ctx, e.Folder, p)
	for i := range planned {
		o := &planned[i]
		if o.Step != state.StepMkdir {
			continue
		}
		why := o.Destination + ": it is about to be made there"
		if o.LastError != "" {
			why += "; the last attempt failed: " + o.LastError
		}
		for j := range e.Routes {
			if r := &e.Routes[j]; r.Destination == o.Destination {
				r.RemotePath, r.Attempts, r.LastError, r.NextAttempt = o.RemotePath, o.Attempts, o.LastError, moment(o.NextAttempt)
			}
		}
		e.Reason += "; " + why
	}
	return err
}

// willBeRemoved tells of a removal that waits for its time.
func willBeRemoved(due time.Time) string {
	return "it has left the folder, and is removed by the first complete scan that misses it at " + rfc3339(due) +
		" (delete_delay) or later"
}

// wasRemoved tells of a removal, if nothing was delivered since. removed come with the newest first.
func wasRemoved(r *control.RouteOf, removed []state.Removal, delivered time.Time) bool {
	for _, d := range removed {
		if d.Destination != r.Destination {
			continue
		}
		if delivered.After(d.At) {
			return false
		}
		r.State, r.Reason, r.RemotePath = "removed", "removed at "+rfc3339(d.At), d.RemotePath
		if d.Trash != "" {
			r.Reason = fmt.Sprintf("moved to the trash at %s: %s", rfc3339(d.At), d.Trash)
		}
		return true
	}
	return false
}

// adopted tells whether a destination has a file that was found there.
func adopted(record *state.Record, destination string) bool {
	k := knownAt(record, destination)
	return k != nil && !k.Owned
}

// owned tells whether a destination has a file that is ours to remove.
func owned(record *state.Record, destination string) bool {
	k := knownAt(record, destination)
	return k != nil && k.Owned
}

// knownAt returns what a destination is known to have of a file, nil where that is nothing.
func knownAt(record *state.Record, destination string) *state.Known {
	i := slices.IndexFunc(record.Known, func(k state.Known) bool { return k.Destination == destination })
	if i < 0 {
		return nil
	}
	return &record.Known[i]
}

func newestReceipt(receipts []control.Delivery, destination string) time.Time {
	for _, d := range receipts {
		if d.Destination == destination {
			return d.DeliveredAt
		}
	}
	return time.Time{}
}

func viewRemoval(r state.Removal) control.Removal {
	return control.Removal{
		ID: r.ID, Folder: r.Folder, Destination: r.Destination, Path: string(r.Path), PathB64: raw(r.Path), RemotePath: r.RemotePath,
		Size: r.Size, SHA256: hex.EncodeToString(r.SHA256), Trash: r.Trash, RemovedAt: r.At.UTC(),
	}
}
