package agent

import (
	"context"
	"errors"
	"time"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/syncer"
)

// Obey has a command obeyed: by the agent that runs on the configuration's state directory, else on the store, which is
// held meanwhile: state.ErrLocked says that somebody else holds it who takes no commands, as `once` does. What cannot be
// done is a *control.Refusal.
func Obey(ctx context.Context, c *config.Config, command control.Command) (control.Outcome, error) {
	return only(ctx, command, func(give func(Obedient) error) error { return ObeyAll(ctx, c, command, give) })
}

// only has one command obeyed by whom have finds.
func only(ctx context.Context, command control.Command, have func(give func(Obedient) error) error) (o control.Outcome, err error) {
	err = have(func(obey Obedient) (err error) {
		o, err = obey(ctx, command)
		return err
	})
	return o, err
}

// Obedient obeys one command.
type Obedient func(context.Context, control.Command) (control.Outcome, error)

// ObeyAll has several commands obeyed as Obey does each: those that give passes on, of which first is one. The store is opened
// once for all of them, since that takes as long as it is large.
func ObeyAll(ctx context.Context, c *config.Config, first control.Command, give func(Obedient) error) error {
	client, err := control.Dial(ctx, c.Agent.StateDir)
	switch {
	case err == nil:
		return give(client.Command)
	case !errors.Is(err, control.ErrNoAgent):
		return err
	}
	return commandStore(ctx, c, first, give)
}

// commandStore obeys commands without an agent. Words that make no sense create no store.
func commandStore(ctx context.Context, c *config.Config, first control.Command, give func(Obedient) error) error {
	if _, err := understand(c, first); err != nil {
		if left, leftErr := isLeft(ctx, c, first); leftErr != nil || !left {
			return errors.Join(err, leftErr)
		}
	}
	store, err := state.Open(ctx, c.Agent.StateDir)
	if err != nil {
		return err
	}
	return errors.Join(give((&commander{c, store, nothingRuns{}, time.Now}).obey), store.Close())
}

// Command implements control.API.
func (a *Agent) Command(ctx context.Context, command control.Command) (control.Outcome, error) {
	if command.Verb == control.VerbReload {
		return a.commandReload(ctx)
	}
	a.naming.RLock()
	defer a.naming.RUnlock()
	o, err := (&commander{a.current().config, a.store, a.syncer, time.Now}).obey(ctx, command)
	if err != nil {
		a.log.Warn("command refused", "command", command.Verb, "target", command.Target, "error", err)
	} else {
		a.log.Info("command obeyed", "command", command.Verb, "target", command.Target, "count", o.Count)
	}
	return o, err
}

// alive is what runs, and has to heed what a command has changed in the store.
type alive interface {
	Wake(destination string)
	Free(destination string) bool
	Cancelled(ctx context.Context, intents []state.Intent)
	Rescan(folder string)
	Repairing(intents []state.Intent)
}

var _ alive = (*syncer.Syncer)(nil)

// nothingRuns is alive without an agent.
type nothingRuns struct{}

func (nothingRuns) Wake(string)                               {}
func (nothingRuns) Free(string) bool                          { return false }
func (nothingRuns) Cancelled(context.Context, []state.Intent) {}
func (nothingRuns) Rescan(string)                             {}
func (nothingRuns) Repairing([]state.Intent)                  {}

// commander obeys commands on an open store.
type commander struct {
	config *config.Config
	store  *state.Store
	alive  alive
	now    func() time.Time
}

// understand returns what a command is about, if it makes sense.
func understand(c *config.Config, command control.Command) (target, error) {
	t, err := parseTarget(c, command.Target)
	if err != nil {
		return t, err
	}
	switch command.Verb {
	case control.VerbResend:
		if t.id == "" {
			return t, usage("resend takes the id of a delivery, as `dropferry history --json` shows it; --since T makes all since then again")
		}
	case control.VerbRepair:
		if t.Folder == "" || t.Destination == "" {
			return t, usage("repair takes FOLDER/DESTINATION")
		}
	case control.VerbPause, control.VerbResume, control.VerbRetry, control.VerbCancel:
	default:
		return t, usage("there is no command %q", command.Verb)
	}
	if (command.Overwrite || command.KeepBoth) && command.Verb != control.VerbRetry {
		return t, usage("%s replaces nothing: that is for retry", command.Verb)
	}
	if err := mayAccept(t, command); err != nil {
		return t, err
	}
	if command.Overwrite && command.KeepBoth {
		return t, usage("a file is either replaced or kept beside: not both of --overwrite and --keep-both")
	}
	return t, nil
}

func (m *commander) obey(ctx context.Context, command control.Command) (control.Outcome, error) {
	o := control.Outcome{Verb: command.Verb, Target: command.Target}
	t, err := m.understood(ctx, command)
	if err != nil {
		return o, err
	}
	switch command.Verb {
	case control.VerbPause:
		err = m.pause(ctx, &t, &o)
	case control.VerbResume:
		err = m.resume(ctx, &t, command, &o)
	case control.VerbRetry:
		err = m.retry(ctx, &t, command, &o)
	case control.VerbCancel:
		return o, m.cancel(ctx, t, &o)
	case control.VerbResend:
		err = m.resend(ctx, &t, &o)
	case control.VerbRepair:
		err = m.repair(ctx, t, command.Damages, &o)
	}
	if err != nil {
		return o, err
	}
	return o, m.tellPauses(ctx, t, &o)
}

func (m *commander) pause(ctx context.Context, t *target, o *control.Outcome) error {
	if t.id != "" {
		return m.pauseOne(ctx, t, o)
	}
	_, added, err := m.store.Pause(ctx, t.Route, m.now())
	if added {
		o.Count = 1
	}
	return err
}

// pauseOne pauses one file on one route, this version of it. A newer one is sent.
func (m *commander) pauseOne(ctx context.Context, t *target, o *control.Outcome) error {
	id := t.id
	in, err := m.intent(ctx, id)
	if err != nil {
		return err
	}
	t.Route = in.Route
	switch in.Phase {
	case state.Committing:
		return refused("%s is being published at this moment", id)
	case state.Delivered:
		return refused("%s is delivered already", id)
	case state.Cancelled:
		return refused("%s is cancelled", id)
	}
	since, added, err := m.store.PauseIntent(ctx, id, m.now())
	if err == nil && since.IsZero() {
		return refused("%s is being published, or has ended, at this moment", id)
	}
	if added {
		o.Count = 1
	}
	return err
}

// resumeOne ends the pause of one file.
func (m *commander) resumeOne(ctx context.Context, t *target, o *control.Outcome) error {
	in, err := m.intent(ctx, t.id)
	if err != nil {
		return err
	}
	t.Route = in.Route
	ended, err := m.store.ResumeIntent(ctx, t.id)
	if ended {
		o.Count = 1
		m.alive.Wake(in.Destination)
	}
	return err
}

func (m *commander) resume(ctx context.Context, t *target, command control.Command, o *control.Outcome) error {
	if t.id != "" {
		return m.resumeOne(ctx, t, o)
	}
	ended, err := m.store.Resume(ctx, t.Route)
	if ended {
		o.Count = 1
	}
	if err == nil && t.Folder != "" && t.Destination == "" {
		if err = m.acceptUnmounted(ctx, t.Folder, command.AcceptUnmounted, o); err == nil {
			err = m.endHalt(ctx, t.Folder, command.AcceptDeletes, o)
		}
	}
	if o.Count > 0 {
		m.wake(t.destinations(m.config))
	}
	return err
}

// tellPauses tells which pauses bind the target, or some of its routes: nothing is sent there as long as they stand.
func (m *commander) tellPauses(ctx context.Context, t target, o *control.Outcome) error {
	pauses, err := m.store.Pauses(ctx)
	o.Pauses = binding(pauses, t, routesOf(m.config))
	return err
}

func (m *commander) cancel(ctx context.Context, t target, o *control.Outcome) error {
	if t.id != "" {
		in, err := m.intent(ctx, t.id)
		if err != nil {
			return err
		}
		switch in.Phase {
		case state.Committing:
			if isGone(m.config)(in.Destination) {
				break // nobody is publishing it
			}
			return refused("%s is being published at this moment: whether it is at %s already shows when that has ended", t.id, in.Destination)
		case state.Delivered:
			return refused("%s is delivered already", t.id)
		case state.Cancelled:
			return refused("%s is cancelled already", t.id)
		}
	}
	cancelled, err := m.store.Cancel(ctx, t.selection())
	if err != nil {
		return err
	}
	unreachable, err := m.store.CancelCommitting(ctx, t.selection(), isGone(m.config))
	if err != nil {
		return err
	}
	cancelled = append(cancelled, unreachable...)
	if t.id != "" && len(cancelled) == 0 {
		return refused("%s is being published, or has ended, at this moment", t.id)
	}
	o.Count = len(cancelled)
	m.alive.Cancelled(ctx, cancelled)
	if t.id == "" {
		late, err := m.store.Intents(ctx, t.Folder, t.Destination, 0, state.Committing)
		o.Committing = len(late)
		return err
	}
	return nil
}

// intent returns the open intent with the id.
func (m *commander) intent(ctx context.Context, id string) (state.Intent, error) {
	in, found, err := m.store.Intent(ctx, id)
	if err != nil || found {
		return in, err
	}
	if _, delivered, err := m.store.Receipt(ctx, id); err != nil || delivered {
		return in, errors.Join(err, refused("%s is delivered already: `dropferry resend %s` makes the delivery again", id, id))
	}
	return in, refused("there is nothing with the id %s", id)
}

func (m *commander) wake(destinations []string) {
	for _, d := range destinations {
		m.alive.Wake(d)
	}
}
