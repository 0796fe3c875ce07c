package agent

import (
	"context"
	"fmt"
	"path"
	"slices"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/syncer"
	"github.com/dropferry/dropferry/watcher"
)

// What has left a mirror, as people see it: what is removed at destinations, and folders that halt.

// deletes adds what a mirror does about files that have left it.
func deletes(folder *syncer.Folder, f *config.Folder) {
	folder.Deletes, folder.DeleteDelay, folder.MaxDelete, folder.TrashKeep = f.Delete, f.DeleteDelay, f.MaxDelete, f.TrashKeep
}

// trashOf returns the trash of a route, where some file of it goes to the remote path name, also where nothing is removed any more: what
// lies there is. Several folders may share a trash that is not their own, so each has a directory there.
func trashOf(f *config.Folder, name string) string {
	if f.Trash == "" {
		return ""
	}
	mirror, _ := path.Split(name)
	dir := f.TrashDir(mirror)
	if path.IsAbs(f.Trash) {
		dir = config.JoinRemote(dir, f.Name)
	}
	return dir
}

// excludesOf returns what a folder excludes: what would be in the mirror's trash is not sent.
func excludesOf(f *config.Folder) []string {
	trash := f.TrashPattern()
	if trash == "" {
		return f.Exclude
	}
	return append(slices.Clip(f.Exclude), trash)
}

// sends tells whether an operation would begin something at a destination.
func sends(op syncer.Op) bool {
	switch op {
	case syncer.Upload, syncer.Rename, syncer.Copy, syncer.Remove, syncer.MakeDir, syncer.RemoveDir:
		return true
	}
	return false
}

// heedHalt tells that an operation waits for a person to resume its folder.
func heedHalt(o *syncer.Operation, halts []state.Halt) {
	h, halted := haltOf(halts, o.Folder)
	if halted && sends(o.Op) {
		o.Op, o.Reason, o.Detail = syncer.Hold, syncer.ReasonHalted, haltedSince(h)
	}
}

// haltOf returns the halt of a folder, if it is halted.
func haltOf(halts []state.Halt, folder string) (state.Halt, bool) {
	for _, h := range halts {
		if h.Folder == folder && h.Accepted == nil {
			return h, true
		}
	}
	return state.Halt{}, false
}

func haltedSince(h state.Halt) string { return "halted since " + rfc3339(h.Since) }

// haltHint says what a person can do about a halted folder.
func haltHint(folder string) string {
	return "`dropferry resume " + folderWord + folder + "` looks again, and with --accept-deletes N up to N files are removed"
}

func viewHalt(h state.Halt) *control.Halt {
	view := &control.Halt{Since: h.Since.UTC(), Reason: h.Reason, Detail: h.Detail, Count: h.Count}
	for _, p := range h.Examples {
		view.Examples = append(view.Examples, string(p))
	}
	return view
}

// showHalts adds halts to a status, and what is to be made and removed.
func showHalts(ctx context.Context, s *control.Status, store *state.Store, c *config.Config) error {
	halts, err := store.Halts(ctx)
	if err != nil {
		return err
	}
	counts, err := store.OperationCounts(ctx)
	if err != nil {
		return err
	}
	for i := range s.Folders {
		f := &s.Folders[i]
		hangs := f.State == watcher.Hanging
		for route, n := range counts {
			if route.Folder == f.Name {
				f.Operations += n
			}
		}
		if h, halted := haltOf(halts, f.Name); halted {
			f.State, f.Halted = "halted", viewHalt(h)
			f.Reason = joined(f.Reason, haltedSince(h)+": "+h.Detail+". "+haltHint(f.Name))
		}
		if hangs { // whoever looks there hangs too
			continue
		}
		if err := showUnmounted(ctx, f, store, c); err != nil {
			return err
		}
	}
	return nil
}

// showTrouble adds why nothing is removed, or not all.
func showTrouble(f *control.FolderStatus, p *syncer.Planner) {
	if err := p.Trouble(); err != nil {
		f.Reason = joined(f.Reason, err.Error())
	}
	if n := p.LeftThere(); n > 0 {
		f.LeftThere = n
		text := "1 file has left it, and stays at the destination, where it was found"
		if n > 1 {
			text = fmt.Sprintf("%d files have left it, and stay at destinations, where they were found", n)
		}
		f.Reason = joined(f.Reason, text+": only what was put there is removed")
	}
}

// halted tells that a file waits for a person to resume its folder.
func (w work) halted(r *control.RouteOf, folder string) {
	h, halted := haltOf(w.halts, folder)
	if !halted {
		return
	}
	switch r.State {
	case "queued", "failed", "waits", "blocked", "paused", "new":
		r.State, r.NextAttempt = "halted", nil
		r.Reason = "the folder is " + haltedSince(h) + ": " + h.Detail + "; " + haltHint(folder)
	}
}

// mayAccept refuses to accept deletes where nothing is halted by them.
func mayAccept(t target, command control.Command) error {
	if command.AcceptUnmounted && (command.Verb != control.VerbResume || t.Folder == "" || t.Destination != "") {
		return usage("--accept-unmounted is for a folder: resume folder:NAME --accept-unmounted")
	}
	switch n := command.AcceptDeletes; {
	case n == nil:
	case command.Verb != control.VerbResume:
		return usage("%s accepts no deletes: that is for resume", command.Verb)
	case t.Folder == "" || t.Destination != "":
		return usage("--accept-deletes is for a folder: resume folder:NAME --accept-deletes N")
	case *n < 0:
		return usage("--accept-deletes %d is less than 0", *n)
	}
	return nil
}

// endHalt lets a halted folder go on, and asks for a look at it.
func (m *commander) endHalt(ctx context.Context, folder string, accept *int, o *control.Outcome) error {
	h, found, err := m.store.HaltOf(ctx, folder)
	if err != nil {
		return err
	}
	if !found || h.Accepted != nil && accept == nil {
		if accept != nil {
			return refused("folder %s is not halted: there is nothing to accept", folder)
		}
		return nil
	}
	if accept == nil {
		_, err = m.store.ClearHalt(ctx, folder)
	} else {
		_, err = m.store.AcceptDeletes(ctx, folder, *accept)
	}
	if err != nil {
		return err
	}
	o.Count++
	o.Halted = viewHalt(h)
	m.alive.Rescan(folder)
	return nil
}

// leftOperations counts what is still to be made and removed, and tells of halted folders.
func (a *Agent) leftOperations(ctx context.Context, s *Summary, pauses []state.Pause) (halted map[string]bool, err error) {
	halts, err := a.store.Halts(ctx)
	if err != nil {
		return nil, err
	}
	counts, err := a.store.OperationCounts(ctx)
	if err != nil {
		return nil, err
	}
	halted = map[string]bool{}
	for _, f := range a.current().folders {
		if _, is := haltOf(halts, f.config.Name); is {
			halted[f.config.Name] = true
			s.Halted++
		}
		if f.planner.Trouble() != nil {
			s.Unmarked++
		}
	}
	routes, closed := routesOf(a.current().config), closedLinks(a.syncer.Status())
	for route, n := range counts {
		_, paused := pauseOf(pauses, route)
		switch {
		case !a.watches(route.Folder) || !slices.Contains(routes, route) || halted[route.Folder]:
		case paused:
			s.Paused += n
		case closed[route.Destination]:
			s.Closed += n
		default:
			s.Failed += n
		}
	}
	return halted, nil
}
