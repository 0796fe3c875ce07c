package syncer

import (
	"context"

	"github.com/dropferry/dropferry/state"
)

// What an upload that was given up has left under its final name is part of a file that everybody can see. It goes as soon as
// the server can be reached, also where nothing else is to be done there, and goes only as long as it is that: a later upload
// may write at the same name, the earlier version may never have been touched, and others may have put something there.

// leftDue tells whether something of that kind is to be removed at the moment asked. With once it is tried a few times.
func (l *link) leftDue(ctx context.Context) (bool, error) {
	if l.last || !l.leftWanted && (!l.once || l.leftTries >= onceTries) {
		return false, nil
	}
	paused, err := l.store.Paused(ctx, state.Route{Destination: l.name})
	if err != nil || paused {
		return false, ignoreEnd(ctx, err)
	}
	now := l.clock()
	sweeps, err := l.store.DueSweeps(ctx, l.name, now, now.Add(sweepWaits[len(sweepWaits)-1]), sweepBatch)
	if err != nil {
		return false, ignoreEnd(ctx, err)
	}
	for i := range sweeps {
		if sweeps[i].IsFinal() {
			l.leftTries++
			return !l.once || l.leftTries <= onceTries, nil
		}
	}
	l.leftWanted = false
	return false, nil
}

// removeLeft removes what an upload has left under its final name.
func (l *link) removeLeft(ctx context.Context, session Session, s *state.Sweep) error {
	if l.shared { // others may be about to write there; the next one who does so replaces it
		return nil
	}
	// Whoever is going to write there waits for this before he looks.
	defer l.ops.names.wait(session.Capabilities().Folding().Key(s.Temp))()
	at := state.Route{Destination: l.name}
	used, err := l.store.NameInUse(ctx, at, "", s.Temp)
	if err != nil || used {
		return err
	}
	same, err := l.store.Namesakes(ctx, at, "", s.Temp)
	if err != nil || len(same) > 0 { // which the server takes for the name
		return err
	}
	size, found, err := l.store.Unfinished(ctx, l.name, s.Temp)
	if err != nil || !found {
		return err
	}
	final, err := stands(ctx, session, s.Temp)
	if err != nil {
		return err
	}
	if final != nil && final.Mode.IsRegular() && final.Size <= size {
		before, err := l.everBefore(ctx, s.Temp)
		if err != nil {
			return err
		}
		d := &delivery{session: session, intent: state.Intent{Final: s.Temp}}
		standing, err := d.judge(ctx, final, before)
		if err != nil {
			return err
		}
		if standing != Ours {
			if err := removeSwept(ctx, session, *s); err != nil {
				return err
			}
		}
	}
	return l.store.ClearUnfinished(ctx, l.name, s.Temp)
}

// everBefore looks up what was whole under a name before, whosever it was.
func (l *link) everBefore(ctx context.Context, name string) (earlierVersion, error) {
	var v earlierVersion
	last, published, err := l.store.LastPublished(ctx, l.name, name)
	if err != nil {
		return v, err
	}
	if published {
		v.last = &last
	}
	k, found, err := l.store.KnownUnder(ctx, l.name, name)
	if found {
		v.known = &k
	}
	return v, err
}
