package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/syncer"
	"github.com/dropferry/dropferry/watcher"
)

// plan tells what `once` would do now. It scans with watchers of its own and looks at each destination over a session of
// its own, so nothing of a running agent is disturbed; it writes nothing, here or there.
func plan(ctx context.Context, c *config.Config, store planStore, only []string) (control.Plan, error) {
	pauses, err := store.Pauses(ctx)
	if err != nil {
		return control.Plan{}, err
	}
	halts, err := store.Halts(ctx)
	if err != nil {
		return control.Plan{}, err
	}
	closed := closedNow(c, time.Now())
	views := lookers{config: c, store: store, sessions: map[string]*remote.Session{}, unreached: map[string]error{}}
	defer views.close()
	result := control.Plan{Operations: []control.Operation{}}
	for i := range c.Folders {
		f := &c.Folders[i]
		if !wanted(only, f.Name) {
			continue
		}
		w, err := watcher.New(rulesOf(f), nil)
		if err != nil {
			return result, fmt.Errorf("folder %s: %w", f.Name, err)
		}
		w.Remember(&mountsRead{store, f})
		folder, err := folderOf(c, f, func(file.Path) {})
		if err != nil {
			return result, err
		}
		sink := &syncer.Previewer{
			Store: store, Folder: folder, Now: time.Now,
			View: func(destination string) syncer.Viewer {
				if _, paused := pauseOf(pauses, state.Route{Folder: f.Name, Destination: destination}); paused || closed[destination] != "" {
					return nil
				}
				return views.look(ctx, destination)
			},
			Tell: func(o syncer.Operation) {
				heedSchedule(&o, closed)
				heedPause(&o, pauses)
				heedHalt(&o, halts)
				if o.Op == syncer.Wait {
					result.Waiting = append(result.Waiting, viewWaiting(o))
					return
				}
				result.Operations = append(result.Operations, viewOperation(o))
			},
		}
		unread, err := scanFolder(ctx, w, sink)
		if err != nil {
			return result, fmt.Errorf("folder %s: %w", f.Name, err)
		}
		if err := planResent(ctx, store, f.Name, sink.Tell); err != nil {
			return result, err
		}
		for _, fault := range unread {
			result.Waiting = append(result.Waiting, control.Waiting{Folder: f.Name, Reason: Unreadable, Detail: fault.Error()})
		}
	}
	if len(views.unreached) > 0 {
		result.Unreached = map[string]string{}
		for name, err := range views.unreached {
			result.Unreached[name] = err.Error()
		}
	}
	return result, nil
}

// planStore is what planning needs of the store.
type planStore interface {
	syncer.Store
	Pauses(ctx context.Context) ([]state.Pause, error)
	Halts(ctx context.Context) ([]state.Halt, error)
	Intents(ctx context.Context, folder, destination string, limit int, phases ...state.Phase) ([]state.Intent, error)
}

// heedPause tells that an operation waits for a person to resume its route, or this version of the file. A newer one is sent.
func heedPause(o *syncer.Operation, pauses []state.Pause) {
	p, paused := pauseOf(pauses, state.Route{Folder: o.Folder, Destination: o.Destination})
	if one, alone := pauseOfOne(pauses, o.ID); !paused && alone && one.Phase == state.Planned {
		p, paused = one, true
	}
	if paused && sends(o.Op) {
		o.Op, o.Reason, o.Detail = syncer.Hold, syncer.ReasonPaused, pausedSince(p)
	}
}

// planResent tells of what is to be sent again: it need not be in the folder, where the scan would show it.
func planResent(ctx context.Context, store planStore, folder string, tell func(syncer.Operation)) error {
	intents, err := store.Intents(ctx, folder, "", 0, state.Planned, state.Committing, state.Held, state.Parked)
	if err != nil {
		return err
	}
	for _, i := range intents {
		if i.Source == "" {
			continue
		}
		o := syncer.Operation{
			Op: syncer.Upload, Folder: i.Folder, Destination: i.Destination, Path: i.Path, RemotePath: i.Final,
			Size: i.Fingerprint.Size, Reason: syncer.ReasonResend, ID: i.ID,
		}
		if i.Phase == state.Held || i.Phase == state.Parked {
			o.Op, o.Reason, o.Detail = syncer.Hold, syncer.Reason(i.Phase), i.LastError
		}
		tell(o)
	}
	return nil
}

// Unreadable is the reason why a folder, or a place in it, waits: what is in it is not known.
const Unreadable = "unreadable"

// lookers are sessions that only look, dialled when they are first needed.
type lookers struct {
	config    *config.Config
	store     syncer.Store
	sessions  map[string]*remote.Session
	unreached map[string]error
}

// look returns nil where the destination cannot be reached: the plan then rests on what this side knows.
func (l *lookers) look(ctx context.Context, name string) syncer.Viewer {
	if s, ok := l.sessions[name]; ok {
		return s
	}
	d, ok := l.config.Destination(name)
	if !ok || l.unreached[name] != nil {
		return nil
	}
	s, err := remote.Dial(ctx, targetOf(l.config, d))
	if err != nil {
		l.unreached[name] = err
		return nil
	}
	l.recall(ctx, name, s)
	l.sessions[name] = s
	return s
}

// recall gives a session what an earlier one has found out about the server. To find it out anew would write there; what
// a hash command says can be believed where it is the hash of the file here, and says nothing where it is not: the preview tells.
func (l *lookers) recall(ctx context.Context, name string, s *remote.Session) {
	var c remote.Capabilities
	text, found, err := l.store.Capabilities(ctx, name, s.Identity())
	if err == nil && found && json.Unmarshal(text, &c) == nil {
		s.Use(c)
		return
	}
	s.AssumeHash()
}

func (l *lookers) close() {
	for _, s := range l.sessions {
		s.Close()
	}
}
