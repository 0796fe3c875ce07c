package agent

import (
	"context"

	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/syncer"
)

// retry frees what is held, parked or waiting, and the destinations that it goes to. What stands at a final name stays as
// it is, but where the command says otherwise.
func (m *commander) retry(ctx context.Context, t *target, command control.Command, o *control.Outcome) error {
	destinations := t.destinations(m.config)
	if t.id != "" {
		in, err := m.intent(ctx, t.id)
		if err == nil {
			err = mayRetry(&in, command)
		}
		if err != nil {
			return err
		}
		t.Route, destinations = in.Route, []string{in.Destination}
	}
	if command.KeepBoth {
		if err := m.keepBoth(ctx, t, o); err != nil {
			return err
		}
	}
	done, err := m.store.Retry(ctx, t.selection(), command.Overwrite)
	if err != nil {
		return err
	}
	o.Released, o.Hastened = done.Released+len(o.Renamed), done.Hastened
	if t.id == "" {
		n, err := m.store.HastenOperations(ctx, t.Folder, t.Destination)
		if err != nil {
			return err
		}
		o.Hastened += n
	}
	o.Count = o.Released + o.Hastened
	for _, d := range destinations {
		_, blocked, err := m.store.BlockOf(ctx, d)
		if err == nil && blocked {
			err = m.store.ClearBlock(ctx, d)
		}
		if err != nil {
			return err
		}
		waited, err := m.endWait(ctx, d)
		if err != nil {
			return err
		}
		m.alive.Wake(d)
		if m.alive.Free(d) || blocked || waited {
			o.Destinations = append(o.Destinations, d)
		}
	}
	return nil
}

// endWait has a destination dialled at once that was to be let alone for longer. A wait that is over counts for nothing
// but the next failure, and is forgotten too.
func (m *commander) endWait(ctx context.Context, destination string) (bool, error) {
	w, found, err := m.store.WaitOf(ctx, destination)
	if err != nil || !found {
		return false, err
	}
	_, err = m.store.ClearWait(ctx, destination)
	return w.Next.After(m.now()), err
}

// mayRetry refuses what a retry would not change, or not as it is meant.
func mayRetry(in *state.Intent, command control.Command) error {
	switch {
	case in.Phase == state.Delivered:
		return refused("%s is delivered already: `dropferry resend %s` makes the delivery again", in.ID, in.ID)
	case in.Phase == state.Cancelled:
		return refused("%s is cancelled: the file is sent when it changes", in.ID)
	case in.Phase != state.Held && command.Overwrite:
		return refused("%s is %s: --overwrite is for a file that is held", in.ID, in.Phase)
	case in.Phase != state.Held && command.KeepBoth:
		return refused("%s is %s: --keep-both is for a file that is held", in.ID, in.Phase)
	}
	return nil
}

// keepBoth releases what is held under names of their own.
func (m *commander) keepBoth(ctx context.Context, t *target, o *control.Outcome) error {
	held, err := m.store.Intents(ctx, t.Folder, t.Destination, 0, state.Held)
	if err != nil {
		return err
	}
	for i := range held {
		in := &held[i]
		if t.id != "" && in.ID != t.id {
			continue
		}
		final, temp := syncer.KeepBoth(in, m.now(), m.publishing(in.Destination))
		ok, other, err := m.store.ReleaseAs(ctx, in.ID, final, temp)
		switch {
		case err != nil:
			return err
		case other != "":
			return refused("%s cannot be published as %q: %s is about to", in.ID, final, other)
		case ok:
			o.Renamed = append(o.Renamed, control.Renamed{ID: in.ID, RemotePath: final})
		}
	}
	return nil
}
