package syncer

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// awaitWork waits until an intent is due. done says that the link is to end.
func (l *link) awaitWork(ctx context.Context) (done bool, err error) {
	for {
		finished := l.noMoreComes() // asked first, so that what was planned last is not missed
		asked := l.clock()
		due, err := l.due(ctx, asked, 1, l.skip)
		var operations bool
		if err == nil && len(due) == 0 {
			operations, err = l.operationsDue(ctx, asked)
		}
		if err == nil && len(due) == 0 && !operations {
			operations, err = l.leftDue(ctx)
		}
		switch {
		case ctx.Err() != nil:
			return true, nil
		case err != nil:
			return true, err
		case len(due) > 0 || operations:
			return false, nil
		case l.once && finished:
			return true, nil
		}
		l.isIdle(ctx, asked)
		next, stop, err := l.nextDue(ctx, asked, asked)
		if err != nil {
			return true, err
		}
		work := l.pulse.rest()
		select {
		case <-ctx.Done():
		case <-l.wake:
			l.leftWanted = true
		case <-next:
		case <-l.comesNoMore(finished):
		}
		work()
		stop()
	}
}

// noMoreComes tells whether the planner is done.
func (l *link) noMoreComes() bool {
	select {
	case <-l.planned:
		return true
	default:
		return false
	}
}

// comesNoMore is the channel to wait on for the planner's end; nil once the caller knows of it.
func (l *link) comesNoMore(known bool) <-chan struct{} {
	if known {
		return nil
	}
	return l.planned
}

// nextDue returns a channel that fires when the next intent or operation is due that was not yet at the moment asked: that is when
// due, or operations, was asked, so that nothing falls between the two questions.
func (l *link) nextDue(ctx context.Context, asked, operations time.Time) (<-chan time.Time, func(), error) {
	if l.once {
		return nil, func() {}, nil
	}
	at, ok, err := l.nextWork(ctx, asked, operations)
	if again := l.waits.next(); !again.IsZero() && (!ok || again.Before(at)) {
		at, ok = again, true
	}
	if err != nil || !ok {
		if ctx.Err() != nil {
			err = nil
		}
		return nil, func() {}, err
	}
	timer := time.NewTimer(max(at.Sub(l.clock()), time.Millisecond))
	return timer.C, func() { timer.Stop() }, nil
}

// due returns intents that can be worked on now, but for those in busy, and adds to that what is nothing for this link.
func (l *link) due(ctx context.Context, now time.Time, limit int, busy map[string]bool) ([]state.Intent, error) {
	now = l.ripeAt(now)
	paused, err := l.store.PausedAt(ctx, l.name)
	if err != nil {
		return nil, err
	}
	for _, rank := range l.ranks() {
		skip := with(l.beyond(rank, busy), paused)
		lines, err := l.inOrder(ctx, now, limit, busy, skip)
		if err != nil {
			return nil, err
		}
		due, err := l.dueOfOurs(ctx, limit, busy, skip, func(skip map[string]bool) ([]state.Intent, error) {
			return l.store.Due(ctx, l.name, now, limit, skip)
		})
		if len(lines) > 0 {
			due = mergeLines(append(lines, due), limit)
		}
		if err != nil || len(due) > 0 {
			return due, err
		}
	}
	return nil, nil
}

// with returns ids with more of them, which may be ids itself.
func with(ids map[string]bool, more []string) map[string]bool {
	if len(more) == 0 {
		return ids
	}
	all := maps.Clone(ids)
	for _, id := range more {
		all[id] = true
	}
	return all
}

// mergeLines puts intents that are each in their order into one line: what may be published already goes first, and then
// what was found ready first.
func mergeLines(lines [][]state.Intent, limit int) []state.Intent {
	var due []state.Intent
	for len(due) < limit {
		next := -1
		for i := range lines {
			if len(lines[i]) > 0 && (next < 0 || goesBefore(&lines[i][0], &lines[next][0])) {
				next = i
			}
		}
		if next < 0 {
			break
		}
		due, lines[next] = append(due, lines[next][0]), lines[next][1:]
	}
	return due
}

func goesBefore(a, b *state.Intent) bool {
	if a.Phase != b.Phase && (a.Phase == state.Committing || b.Phase == state.Committing) {
		return a.Phase == state.Committing
	}
	return cmp.Or(a.ReadyAt.Compare(b.ReadyAt), cmp.Compare(a.ID, b.ID)) < 0
}

// rank says what comes first, the lowest: with once what was not tried yet, and while connections are lost what was under
// way the fewest times. A suspect always comes after everything else that is due.
func (l *link) rank(t *trouble) int {
	if l.cuts == 0 && t.lost < lossesBeforeWaiting {
		return t.tries
	}
	return t.tries + t.lost
}

// ranks returns all ranks, in order.
func (l *link) ranks() []int {
	ranks := []int{0}
	for _, t := range l.troubles {
		ranks = append(ranks, l.rank(t))
	}
	slices.Sort(ranks)
	return slices.Compact(ranks)
}

// beyond returns busy with those of higher ranks: busy itself where there are none.
func (l *link) beyond(rank int, busy map[string]bool) map[string]bool {
	all := busy
	for id, t := range l.troubles {
		if l.rank(t) <= rank || all[id] {
			continue
		}
		if len(all) == len(busy) {
			all = maps.Clone(busy)
		}
		all[id] = true
	}
	return all
}

// dueOfOurs returns intents that are not in skip, which holds busy and maybe more. ask asks the store for at most limit.
func (l *link) dueOfOurs(
	ctx context.Context, limit int, busy, skip map[string]bool, ask func(skip map[string]bool) ([]state.Intent, error),
) ([]state.Intent, error) {
	for {
		due, err := ask(skip)
		if err != nil {
			return nil, err
		}
		ours := make([]state.Intent, 0, len(due))
		for i := range due {
			ok, err := l.isOurs(ctx, &due[i])
			if err != nil {
				return nil, err
			}
			if ok {
				ours = append(ours, due[i])
				continue
			}
			for _, passed := range []map[string]bool{skip, busy, l.skip} {
				passed[due[i].ID] = true
			}
		}
		if len(ours) > 0 || len(due) < limit {
			return ours, nil
		}
	}
}

// isOurs tells whether this link is to work on an intent. One of a folder that is none of this run's is left alone. One
// whose route has left the configuration is dropped, but where it may be published already: that is brought to its end.
func (l *link) isOurs(ctx context.Context, i *state.Intent) (bool, error) {
	if l.last && i.Phase != state.Committing {
		return false, nil
	}
	at := l.common()
	folder, ok := at.folders[i.Folder]
	why := errNoRoute
	if ok {
		if _, ok = folder.route(i.Destination); ok {
			return true, nil
		}
	} else {
		if at.gone == nil || !at.gone(i.Folder) {
			return false, nil
		}
		why = errNoFolder
	}
	if i.Phase == state.Committing {
		return true, nil
	}
	return false, l.drop(ctx, i, why)
}

var (
	errNoFolder = errors.New("the configuration has no such folder any more")
	errNoRoute  = errors.New("the configuration does not send this folder there any more")
)

// drop takes an intent back that nobody has seen anything of, and tells why. Its temp is swept.
func (l *link) drop(ctx context.Context, i *state.Intent, why error) error {
	if err := leaveDirs(ctx, l.store, l.folderOf(i), i.Destination, i.Path); err != nil {
		return err
	}
	dropped, err := l.store.Drop(ctx, i.ID)
	l.sweepWanted, l.leftWanted = true, true
	if err != nil || !dropped { // it was superseded or dropped meanwhile, and that was told
		return err
	}
	delete(l.troubles, i.ID)
	l.told(EventDropped, i, why, time.Time{})
	l.released(ctx, i.ID)
	return nil
}

// folderOf returns the rules for an intent. What was under way when its folder left the configuration is brought to its
// end, and its source left alone.
func (l *link) folderOf(i *state.Intent) *Folder {
	if f, ok := l.common().folders[i.Folder]; ok {
		return f
	}
	return &Folder{
		Name: i.Folder, After: Keep, Verify: remote.Auto, HoldAmbiguous: true, Retry: l.retry(), Hint: func(file.Path) {},
	}
}
