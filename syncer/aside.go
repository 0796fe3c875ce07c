package syncer

import (
	"context"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// Where a server replaces in two steps, the earlier version is under a name of its own in between. Should the newer one not
// get its place, nor the earlier one get it back, that is the only copy that a partner has: it is on record before it is
// moved, and offered back as soon as it can be.

// saveAside records that the earlier version is about to be moved aside, where it will be.
func (d *delivery) saveAside(ctx context.Context) error {
	if d.session.Capabilities().PosixRename {
		return nil
	}
	d.aside = true
	return d.store.SaveAside(ctx, state.Aside{
		Destination: d.intent.Destination, Name: remote.BackupName(d.intent.Temp), Final: d.intent.Final, Intent: d.intent.ID,
	})
}

// clearAside removes an earlier version that has been replaced. A server that forbids that keeps it for now: the file is
// published.
func (d *delivery) clearAside(ctx context.Context) error {
	name := remote.BackupName(d.intent.Temp)
	err := d.session.Remove(ctx, name)
	if err != nil && remote.KindOf(err) == remote.Transient {
		return err
	}
	return d.store.ClearAside(ctx, d.intent.Destination, name, err != nil)
}

// putBack offers earlier versions back whose replacement has come to nothing. Its error is the store's; what the server
// does not let be put back is tried again in another session.
func (l *link) putBack(ctx context.Context, session Session, busy map[string]bool) error {
	asides, err := l.store.Asides(ctx, l.name)
	if err != nil {
		return ignoreEnd(ctx, err)
	}
	for i := range asides {
		if l.isUnderWay(asides[i].Intent, busy) {
			continue
		}
		if err := l.putOneBack(ctx, session, &asides[i]); err != nil {
			return ignoreEnd(ctx, err)
		}
	}
	return nil
}

func (l *link) putOneBack(ctx context.Context, session Session, a *state.Aside) error {
	defer l.ops.names.wait(a.Final)()
	earlier, err := isThere(ctx, session, a.Name)
	switch {
	case err != nil:
		return nil //nolint:nilerr // see putBack
	case !earlier || a.Replaced:
		return l.store.ClearAside(ctx, a.Destination, a.Name, earlier)
	}
	if taken, err := isThere(ctx, session, a.Final); err != nil || taken {
		return nil //nolint:nilerr // it is told where it is when the replacement fails, and somebody else's file is not touched
	}
	if err := session.Publish(ctx, a.Name, a.Final, false); err != nil {
		return nil //nolint:nilerr // see putBack
	}
	l.observe(Event{At: l.now(), Type: EventPutBack, ID: a.Intent, Destination: a.Destination, RemotePath: a.Final, Reason: a.Name})
	return l.store.ClearAside(ctx, a.Destination, a.Name, false)
}
