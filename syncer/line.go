package syncer

import (
	"cmp"
	"context"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// lineStore is what choosing in an order needs of the state.
type lineStore interface {
	surveyStore
	Line(ctx context.Context, r state.Route, o state.Ordered, from *state.Group, look func(*state.Group) bool) (state.Line, error)
	Ahead(ctx context.Context, r state.Route, o state.Ordered, kind int, dir file.Path) (*state.Intent, error)
}

// inOrder returns what is due of the folders that have an order, folder by folder.
func (l *link) inOrder(ctx context.Context, now time.Time, limit int, busy, skip map[string]bool) ([][]state.Intent, error) {
	c := l.common()
	if len(c.ordered) == 0 || l.last || !l.waits.begin(l.clock(), l.once) {
		return nil, nil
	}
	var lines [][]state.Intent
	for _, f := range c.ordered {
		if _, ok := f.route(l.name); !ok {
			continue
		}
		due, err := l.inOrderOf(ctx, f, now, limit, busy, skip)
		if err != nil {
			return nil, err
		}
		if len(due) > 0 {
			lines = append(lines, due)
		}
	}
	return lines, nil
}

// inOrderOf returns what is due of one folder.
func (l *link) inOrderOf(ctx context.Context, f *Folder, now time.Time, limit int, busy, skip map[string]bool) (due []state.Intent, err error) {
	r, ordered := state.Route{Folder: f.Name, Destination: l.name}, f.Order.ordered()
	if ordered.Others == state.InLine {
		return l.nextInLine(ctx, f, now, busy, skip)
	}
	if ordered.Others == state.Placed {
		if due, err = l.store.DuePlaced(ctx, r, now, limit, skip); err != nil {
			return nil, err
		}
	}
	if ordered.Last == 0 {
		return due, nil
	}
	last, err := l.dueLast(ctx, f, now, limit, skip)
	return append(due, last...), err
}

// scene looks at one route, and at the groups that look asks for: see sceneOf.
func (l *link) scene(ctx context.Context, f *Folder, from *state.Group, look func(*scene, *state.Group) bool) (*scene, error) {
	began := time.Now()
	s, err := sceneOf(ctx, l.store, f, l.name, l.planner(f.Name), from, look)
	if s != nil {
		l.waits.took(time.Since(began), len(s.unready)+len(s.groups), l.clock())
	}
	return s, err
}

// sceneOf looks at one route; nil where nothing waits there, or the route is stopped. The groups of what goes last are looked
// at one by one, as by state.Store.Line, as long as look returns true.
func sceneOf(ctx context.Context, store lineStore, f *Folder, destination string, p *Planner, from *state.Group, look func(*scene, *state.Group) bool) (*scene, error) {
	s := &scene{order: &f.Order, sight: p.seen()}
	if f.Unsettled != nil { // before the store is asked: what settles is planned first, and then taken off this list
		f.Unsettled(func(e watcher.Entry) bool {
			s.unready = append(s.unready, unready{f.Order.seat(e.Path, e.Fingerprint), e.Reason})
			return true
		})
	}
	var err error
	s.line, err = store.Line(ctx, state.Route{Folder: f.Name, Destination: destination}, f.Order.ordered(), from, func(g *state.Group) bool {
		s.groups = append(s.groups, *g)
		return look(s, g)
	})
	if err != nil || s.line.Stopped || s.line.First == nil && s.line.Committing == nil && len(s.groups) == 0 {
		return nil, err
	}
	return s, nil
}

// waitsFor returns what a group waits for, as far as it is known without a survey.
func (s *scene) waitsFor(g *state.Group) *Obstacle {
	if o := s.beforeGroup(g); o != nil {
		return o
	}
	return s.lastSeen(g.First)
}

// nextInLine returns the intent whose turn it is in strict order, none where it has to wait.
func (l *link) nextInLine(ctx context.Context, f *Folder, now time.Time, busy, skip map[string]bool) ([]state.Intent, error) {
	s, err := l.scene(ctx, f, nil, func(s *scene, g *state.Group) bool {
		o := s.waitsFor(g)
		switch {
		case o != nil:
			l.hasToWait(f, g.First, o)
		case l.letAlone(f, g):
			l.waits.again(l.clock().Add(waitLook))
		default: // it is the first that can go: what comes behind it does not matter
			return false
		}
		return true
	})
	if err != nil || s == nil {
		return nil, err
	}
	in, stop := s.next(func(g *state.Group) bool { return l.letAlone(f, g) })
	if in == nil || busy[in.ID] && !l.skip[in.ID] { // it is under way
		return nil, nil
	}
	later := in.NextAttempt.After(now) || skip[in.ID]
	if stop == nil && later && fails(in) {
		stop = obstacleOf(RuleSequential, in)
	}
	if stop != nil {
		l.hasToWait(f, in, stop)
		return nil, nil
	}
	l.waits.mu.Lock()
	defer l.waits.mu.Unlock()
	id := l.waits.inLine[f.Name]
	if later || id != "" && busy[id] && !l.skip[id] { // one at a time
		return nil, nil
	}
	l.waits.give(f, in)
	return []state.Intent{*in}, nil
}

// letAlone tells whether a group is not to be tried now. With once that is so until nothing more can come.
func (l *link) letAlone(f *Folder, g *state.Group) bool {
	if l.once && !l.noMoreComes() {
		return true
	}
	return l.waits.isPutOff(f.Name, g)
}

// dueLast returns what is due of the files that go last, and wait for nothing any more that is known. It looks at no more
// groups than it needs, and goes on behind them the next time.
func (l *link) dueLast(ctx context.Context, f *Folder, now time.Time, limit int, skip map[string]bool) ([]state.Intent, error) {
	l.waits.mu.Lock()
	behind := l.waits.behind[f.Name]
	l.waits.mu.Unlock()
	free, last, err := l.freeGroups(ctx, f, behind, nil, limit)
	if err == nil && last == nil && behind != nil && len(free) < limit { // from the beginning to there
		var more []state.Group
		more, last, err = l.freeGroups(ctx, f, nil, behind, limit-len(free))
		free = append(free, more...)
	}
	if err != nil {
		return nil, err
	}
	l.waits.mu.Lock()
	if l.waits.behind == nil {
		l.waits.behind = map[string]*state.Group{}
	}
	l.waits.behind[f.Name] = last
	l.waits.mu.Unlock()
	var due []state.Intent
	for i := range free {
		if len(due) >= limit {
			break
		}
		found, err := l.dueOfGroup(ctx, f, &free[i], now, limit-len(due), skip)
		if err != nil {
			return nil, err
		}
		due = append(due, found...)
	}
	return due, nil
}

// freeGroups returns groups behind one, and not behind another, that wait for nothing that is known, at most limit of them.
// last is the one behind which there may be more, nil where there are none.
func (l *link) freeGroups(ctx context.Context, f *Folder, behind, upto *state.Group, limit int) (free []state.Group, last *state.Group, err error) {
	_, err = l.scene(ctx, f, behind, func(s *scene, g *state.Group) bool {
		if upto != nil && cmp.Or(cmp.Compare(g.Kind, upto.Kind), cmp.Compare(g.Dir, upto.Dir)) > 0 {
			return false
		}
		o := s.beforeGroup(g)
		switch {
		case l.letAlone(f, g):
			l.waits.again(l.clock().Add(waitLook))
		case o != nil:
			l.hasToWait(f, g.First, o)
		default:
			l.waits.free(waitKey(f, g.First, RuleLast))
			free = append(free, *g)
		}
		if len(free) == limit {
			last = g
		}
		return last == nil
	})
	return free, last, err
}

// dueOfGroup returns what is due of a group that waits for nothing that is known.
func (l *link) dueOfGroup(ctx context.Context, f *Folder, g *state.Group, now time.Time, limit int, skip map[string]bool) ([]state.Intent, error) {
	found, err := l.store.DueLast(ctx, state.Route{Folder: f.Name, Destination: l.name}, *g, now, limit, skip)
	if err != nil {
		return nil, err
	}
	due, s := found[:0], &scene{sight: l.planner(f.Name).seen()}
	for i := range found {
		if o := s.lastSeen(&found[i]); o != nil {
			l.hasToWait(f, &found[i], o)
			continue
		}
		l.waits.mu.Lock()
		l.waits.give(f, &found[i])
		l.waits.mu.Unlock()
		due = append(due, found[i])
	}
	return due, nil
}
