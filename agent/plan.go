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
	"github.com/dropferry/dropferry/syncer"
	"github.com/dropferry/dropferry/watcher"
)

// plan tells what `once` would do now. It scans with watchers of its own and looks at each destination over a session of
// its own, so nothing of a running agent is disturbed; it writes nothing, here or there.
func plan(ctx context.Context, c *config.Config, store syncer.Store, only []string) (control.Plan, error) {
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
		folder, err := folderOf(c, f, func(file.Path) {})
		if err != nil {
			return result, err
		}
		sink := &syncer.Previewer{
			Store: store, Folder: folder, Now: time.Now,
			View: func(destination string) syncer.Viewer { return views.look(ctx, destination) },
			Tell: func(o syncer.Operation) {
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

// recall gives a session what an earlier one has found out about the server. To find it out anew would write there.
func (l *lookers) recall(ctx context.Context, name string, s *remote.Session) {
	var c remote.Capabilities
	text, found, err := l.store.Capabilities(ctx, name, s.Identity())
	if err == nil && found && json.Unmarshal(text, &c) == nil {
		s.Use(c)
	}
}

func (l *lookers) close() {
	for _, s := range l.sessions {
		s.Close()
	}
}
