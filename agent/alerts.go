package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/notify"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/syncer"
)

// What troubles are about, as their keys begin.
const (
	aboutDelivery    = "delivery:"    // one file on one route; the id follows
	aboutDestination = "destination:" // its name
	aboutRoom        = "room"         // of the store
)

const roomAgain = "there is room again: deliveries go on"

// alerts is who is told of what happens, by the configuration of the moment.
type alerts struct {
	log     *slog.Logger
	store   *state.Store
	version string

	telling sync.RWMutex // held while who is told changes, so that nothing gets lost
	to      *notify.Notifier
	started []config.Notify // who is told
	agent   string          // the name in messages
	file    string          // the configuration, where commands have to name it
	stop    func(patience time.Duration)
}

// lastWords is how long what waits is tried once more when the agent ends.
const lastWords = 10 * time.Second

// begin has the receivers of a configuration told, until end. What waits for earlier ones waits for those of the same name.
func (t *alerts) begin(ctx context.Context, c *config.Config) error {
	receivers, err := receiversOf(c, t.version)
	if err != nil {
		return err
	}
	t.telling.Lock()
	defer t.telling.Unlock()
	t.halt(0)
	n, err := notify.New(ctx, notify.Options{Agent: c.Agent.Name, Receivers: receivers, Memory: t.store, Log: t.log})
	if err != nil {
		return err
	}
	t.to, t.started, t.agent, t.file, t.stop = n, c.Notify, c.Agent.Name, namedFile(c), runNotifier(ctx, n)
	return nil
}

// runNotifier sends in the background. stop has what waits tried once more, within its patience, and ends it.
func runNotifier(ctx context.Context, n *notify.Notifier) (stop func(patience time.Duration)) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // there is something to tell while files finish, too
	done := make(chan struct{})
	go func() { defer close(done); n.Run(ctx) }()
	return func(patience time.Duration) {
		if patience > 0 {
			n.Close()
			select {
			case <-done:
			case <-time.After(patience):
			}
		}
		cancel()
		<-done
	}
}

// end tells what is left to tell.
func (t *alerts) end() {
	t.telling.Lock()
	defer t.telling.Unlock()
	t.halt(lastWords)
}

func (t *alerts) halt(patience time.Duration) {
	if t.stop != nil {
		t.stop(patience)
	}
	t.to, t.started, t.stop = nil, nil, nil
}

// beginAlerts has people told of what happens from now on. An agent that cannot tell delivers all the same.
func (a *Agent) beginAlerts(ctx context.Context) {
	if err := a.alerts.begin(ctx, a.current().config); err != nil {
		a.log.Error("nobody is told of what goes wrong", "error", err)
	}
}

// isAsBefore tells whether the same are told, in the same way.
func (t *alerts) isAsBefore(c *config.Config) bool {
	t.telling.RLock()
	defer t.telling.RUnlock()
	return t.agent == c.Agent.Name && sameReceivers(t.started, c.Notify)
}

// sameReceivers compares but for the lines of the file.
func sameReceivers(x, y []config.Notify) bool {
	return slices.EqualFunc(x, y, func(x, y config.Notify) bool {
		x.Line, y.Line = 0, 0
		return reflect.DeepEqual(x, y)
	})
}

func (t *alerts) raise(a notify.Alert) {
	t.telling.RLock()
	defer t.telling.RUnlock()
	if t.to != nil {
		a.At, a.Since = a.At.UTC(), a.Since.UTC()
		a.Text, a.Hint = Typed(a.Text, t.file), Typed(a.Hint, t.file)
		t.to.Raise(a)
	}
}

func (t *alerts) clear(key string, end notify.Alert) {
	t.telling.RLock()
	defer t.telling.RUnlock()
	if t.to != nil {
		end.At = end.At.UTC()
		t.to.Clear(key, end)
	}
}

// open returns the keys of the troubles that are not over.
func (t *alerts) open() []string {
	t.telling.RLock()
	defer t.telling.RUnlock()
	if t.to == nil {
		return nil
	}
	return t.to.Open()
}

// isNobody tells whether there is nobody to tell, so that nobody has to look.
func (t *alerts) isNobody() bool {
	t.telling.RLock()
	defer t.telling.RUnlock()
	return len(t.started) == 0
}

// wants tells whether anybody is told of an event.
func (t *alerts) wants(e notify.Event) bool {
	t.telling.RLock()
	defer t.telling.RUnlock()
	return slices.ContainsFunc(t.started, func(o config.Notify) bool { return slices.Contains(o.On, string(e)) })
}

// hear makes alerts of what the syncer tells. It does not wait.
func (t *alerts) hear(e syncer.Event) {
	a := notify.Alert{
		At: e.At, Folder: e.Folder, Destination: e.Destination, Path: string(e.Path), PathB64: raw(e.Path), RemotePath: e.RemotePath, ID: e.ID,
		Text: e.Reason,
	}
	if e.Err != nil {
		a.Text, a.Hint = e.Err.Error(), remote.HintOf(e.Err)
	}
	switch e.Type {
	case syncer.EventDelivered:
		t.clear(aboutDelivery+e.ID, notify.Alert{At: e.At, Text: "the file is delivered"})
		if e.Receipt == nil || !t.wants(notify.Delivered) {
			return
		}
		receipt, err := json.Marshal(ViewDelivery(*e.Receipt))
		if err != nil {
			t.log.Debug("a receipt cannot be written as JSON", "id", e.ID, "error", err)
		}
		a.Event, a.Receipt, a.Text = notify.Delivered, receipt, fmt.Sprintf("%d bytes, verified by %s", e.Receipt.Size, e.Receipt.Proof.Evidence)
	case syncer.EventAdopted, syncer.EventUnchanged:
		t.clear(aboutDelivery+e.ID, notify.Alert{At: e.At, Text: "the destination has the same file already"})
		return
	case syncer.EventDropped, syncer.EventCancelled:
		t.clear(aboutDelivery+e.ID, notify.Alert{At: e.At, Text: "it is not to be sent any more: " + string(e.Type)})
		return
	case syncer.EventHeld:
		a.Event, a.Key, a.Hint = notify.Held, aboutDelivery+e.ID, strings.TrimPrefix(heldHint(e.ID), "; ")
	case syncer.EventParked:
		a.Event, a.Key = notify.Parked, aboutDelivery+e.ID
		a.Hint = joined(a.Hint, parkedHint(e.ID))
	case syncer.EventBlocked:
		a.Event, a.Key = notify.Blocked, aboutDestination+e.Destination
		if key, ok := errors.AsType[*remote.HostKeyError](e.Err); ok && len(key.Want) > 0 {
			a.Event = notify.HostKeyChanged
		}
	case syncer.EventConnected:
		t.clear(aboutDestination+e.Destination, notify.Alert{At: e.At, Text: "the destination is connected"})
		return
	case syncer.EventHalted:
		a.Event, a.Key, a.Hint = notify.Halted, aboutFolder+e.Folder, haltHint(e.Folder)
	case syncer.EventResumed:
		t.clear(aboutFolder+e.Folder, notify.Alert{At: e.At, Text: "the folder goes on: " + e.Reason})
		return
	case syncer.EventNoRoom:
		a.Event, a.Key = notify.Blocked, aboutRoom
	case syncer.EventRoom:
		t.clear(aboutRoom, notify.Alert{At: e.At, Text: roomAgain})
		return
	default:
		return
	}
	t.raise(a)
}
