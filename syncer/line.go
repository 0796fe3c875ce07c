package syncer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// lineStore is what choosing in an order needs of the state.
type lineStore interface {
	surveyStore
	Line(ctx context.Context, r state.Route, o state.Ordered) (state.Line, error)
}

// waiting is what a link remembers of the folders that have an order.
type waiting struct {
	surveys surveys

	mu      sync.Mutex
	inLine  map[string]string       // by folder: the intent in strict order that was given out last
	given   map[string]time.Time    // by intent: when one that goes last was given out
	putOff  map[surveyKey]time.Time // groups that are let alone until then
	told    map[string]string       // by what waits: what has been told of
	recheck time.Time               // when to look again by itself; zero: something will be heard
	rest    time.Time               // looking takes long, so that it is not done before
}

const (
	// waitLook is how often it is looked whether something has ended that nobody tells of: a file that was settling and
	// has gone, say.
	waitLook = time.Second
	// waitLookRare is the same for what is told of, to be sure.
	waitLookRare = 30 * time.Second
	// Where more than so many are looked at, looking takes no more than one in lookShare of the time.
	manyWait  = 1000
	lookShare = 10
	// maxGiven is how many of what goes last are remembered.
	maxGiven = 4096
)

// next is when the link has to look again, if something waits.
func (w *waiting) next() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.recheck
}

// again asks for another look at a moment.
func (w *waiting) again(at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.recheck.IsZero() || at.Before(w.recheck) {
		w.recheck = at
	}
}

// begin prepares a look. It returns false where it is too soon for one.
func (w *waiting) begin(now time.Time, must bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.recheck = time.Time{}
	if now.Before(w.rest) && !must {
		w.recheck = w.rest
		return false
	}
	for key, until := range w.putOff {
		if !now.Before(until) {
			delete(w.putOff, key)
		}
	}
	return true
}

// took notes how long it took to look at so many.
func (w *waiting) took(d time.Duration, many int, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if many > manyWait {
		w.rest = now.Add(lookShare * d)
	}
}

func (w *waiting) isPutOff(folder string, g *state.Group) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, off := w.putOff[surveyKey{folder, g.Dir, g.Kind}]
	return off
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
	if ordered.Others == state.Placed {
		if due, err = l.store.DuePlaced(ctx, r, now, limit, skip); err != nil {
			return nil, err
		}
	}
	if ordered.Others != state.InLine && ordered.Last == 0 {
		return due, nil
	}
	began := time.Now()
	s, err := sceneOf(ctx, l.store, f, l.name, l.planner(f.Name))
	if err != nil || s == nil {
		return due, err
	}
	l.waits.took(time.Since(began), len(s.unready)+len(s.line.Groups), l.clock())
	if ordered.Others == state.InLine {
		in := l.nextInLine(f, s, now, busy, skip)
		if in == nil {
			return nil, nil
		}
		return []state.Intent{*in}, nil
	}
	last, err := l.dueLast(ctx, f, s, now, limit, skip)
	return append(due, last...), err
}

// sceneOf looks at one route; nil where nothing waits there, or the route is stopped.
func sceneOf(ctx context.Context, store lineStore, f *Folder, destination string, p *Planner) (*scene, error) {
	s := &scene{order: &f.Order, sight: p.seen()}
	if f.Unsettled != nil { // before the store is asked: what settles is planned first, and then taken off this list
		f.Unsettled(func(e watcher.Entry) bool {
			s.unready = append(s.unready, unready{f.Order.seat(e.Path, e.Fingerprint), e.Reason})
			return true
		})
	}
	var err error
	s.line, err = store.Line(ctx, state.Route{Folder: f.Name, Destination: destination}, f.Order.ordered())
	if err != nil || s.line.Stopped || s.line.First == nil && s.line.Committing == nil && len(s.line.Groups) == 0 {
		return nil, err
	}
	return s, nil
}

// nextInLine returns the intent whose turn it is in strict order, nil where it has to wait.
func (l *link) nextInLine(f *Folder, s *scene, now time.Time, busy, skip map[string]bool) *state.Intent {
	for i := range s.line.Groups {
		g := &s.line.Groups[i]
		o := s.beforeGroup(g)
		if o == nil {
			o = s.lastSeen(g.First)
		}
		switch {
		case o != nil:
			l.hasToWait(f, g.First, o)
		case l.letAlone(f, g):
			l.waits.again(l.clock().Add(waitLook))
		}
	}
	in, stop := s.next(func(g *state.Group) bool { return l.letAlone(f, g) })
	if in == nil {
		return nil
	}
	if busy[in.ID] && !l.skip[in.ID] { // it is under way
		return nil
	}
	later := in.NextAttempt.After(now) || skip[in.ID]
	if stop == nil && later && fails(in) {
		stop = obstacleOf(RuleSequential, in)
	}
	if stop != nil {
		l.hasToWait(f, in, stop)
		return nil
	}
	l.waits.mu.Lock()
	defer l.waits.mu.Unlock()
	id := l.waits.inLine[f.Name]
	if later || id != "" && busy[id] && !l.skip[id] { // one at a time
		return nil
	}
	l.waits.give(f, in)
	return in
}

// give notes that an intent is given out.
func (w *waiting) give(f *Folder, in *state.Intent) {
	if w.inLine == nil {
		w.inLine = map[string]string{}
	}
	if len(w.given) >= maxGiven || w.given == nil {
		w.given = map[string]time.Time{}
	}
	if f.Order.Sequential {
		w.inLine[f.Name] = in.ID
	}
	if f.Order.seatOf(in).last() {
		w.given[in.ID] = time.Now()
	}
}

// letAlone tells whether a group is not to be tried now. With once that is so until nothing more can come.
func (l *link) letAlone(f *Folder, g *state.Group) bool {
	if l.once && !l.noMoreComes() {
		return true
	}
	return l.waits.isPutOff(f.Name, g)
}

// dueLast returns what is due of the files that go last, and wait for nothing any more that is known.
func (l *link) dueLast(ctx context.Context, f *Folder, s *scene, now time.Time, limit int, skip map[string]bool) ([]state.Intent, error) {
	var due []state.Intent
	for i := range s.line.Groups {
		g := &s.line.Groups[i]
		if l.letAlone(f, g) {
			l.waits.again(l.clock().Add(waitLook))
			continue
		}
		if o := s.beforeGroup(g); o != nil {
			l.hasToWait(f, g.First, o)
			continue
		}
		if len(due) >= limit {
			break
		}
		found, err := l.store.DueLast(ctx, state.Route{Folder: f.Name, Destination: l.name}, *g, now, limit-len(due), skip)
		if err != nil {
			return nil, err
		}
		for j := range found {
			if o := s.lastSeen(&found[j]); o != nil {
				l.hasToWait(f, &found[j], o)
				continue
			}
			l.waits.mu.Lock()
			l.waits.give(f, &found[j])
			l.waits.mu.Unlock()
			due = append(due, found[j])
		}
	}
	return due, nil
}

// hasToWait has the link look again, although nobody may tell it to, and tells of what waits where that may need a
// person. It tells once. With once, it tells of whatever waits at the end of the run.
func (l *link) hasToWait(f *Folder, in *state.Intent, o *Obstacle) {
	after := waitLookRare
	if o.passing() {
		after = waitLook
	}
	l.waits.again(l.clock().Add(after))
	if ends := l.once && l.noMoreComes(); !o.Troubled() && (!o.passing() || !ends) {
		return
	}
	key, what := f.Name, string(o.What)+" "+o.ID+string(o.Path)
	e := eventOf(EventWaits, in)
	e.At, e.Reason = l.now(), o.Waits()
	switch {
	case o.Rule == RuleLast:
		key += "\x00" + string(in.Path.Dir()) + "\x00" + fmt.Sprint(f.Order.seatOf(in).kind)
	case o.ID == in.ID:
		e.Reason = "strict order: what is behind " + o.Sentence() + " waits for it"
	}
	l.waits.mu.Lock()
	if l.waits.told == nil || len(l.waits.told) >= maxSurveys {
		l.waits.told = map[string]string{}
	}
	again := l.waits.told[key] == what
	l.waits.told[key] = what
	l.waits.mu.Unlock()
	if !again {
		l.observe(e)
	}
}

// errNotYet says that it is not a file's turn any more, now that it is about to begin.
type errNotYet struct{ obstacle *Obstacle }

func (e *errNotYet) Error() string { return "it waits for " + e.obstacle.Sentence() }

// mayGo looks once more whether it is the turn of a file, of a folder that has an order.
func (l *link) mayGo(ctx context.Context, f *Folder, in *state.Intent) error {
	seat := f.Order.seatOf(in)
	if !f.Order.Sequential && !seat.last() {
		return nil
	}
	planner := l.planner(f.Name)
	s, err := sceneOf(ctx, l.store, f, l.name, planner)
	if err != nil {
		return err
	}
	if s == nil { // stopped, or no longer there
		return errNotBegun
	}
	if f.Order.Sequential {
		next, stop := s.next(func(g *state.Group) bool { return l.letAlone(f, g) })
		switch {
		case stop != nil:
			return &errNotYet{stop}
		case next == nil || next.ID != in.ID:
			return errNotBegun
		}
	}
	if !seat.last() {
		return nil
	}
	for i := range s.line.Groups {
		g := &s.line.Groups[i]
		if g.Kind != seat.kind || g.Dir != in.Path.Dir() {
			continue
		}
		if o := s.beforeGroup(g); o != nil {
			return &errNotYet{o}
		}
	}
	l.waits.mu.Lock()
	since, known := l.waits.given[in.ID]
	l.waits.mu.Unlock()
	if !known {
		since = time.Now()
	}
	look := &survey{store: l.store, folder: f, destination: l.name, last: seat, planner: planner}
	o, err := l.waits.surveys.of(ctx, surveyKey{f.Name, in.Path.Dir(), seat.kind}, since, func() (*Obstacle, error) { return look.run(ctx) })
	switch {
	case ctx.Err() != nil:
		return errNotBegun
	case err == nil && o != nil:
		return &errNotYet{o}
	}
	return err
}

func isNotYet(err error) bool {
	_, is := errors.AsType[*errNotYet](err)
	return is
}

// notYet sees to a file whose turn it turned out not to be. What waits because it goes last is let alone for a while, with
// the others that wait for the same: with once for the rest of the run.
func (l *link) notYet(in *state.Intent, err error) {
	e, _ := errors.AsType[*errNotYet](err)
	f, o := l.folderOf(in), e.obstacle
	if o.Rule != RuleLast {
		return
	}
	until := l.clock().Add(waitLook)
	if l.once {
		until = until.AddDate(100, 0, 0)
	}
	key := surveyKey{f.Name, in.Path.Dir(), f.Order.seatOf(in).kind}
	l.waits.mu.Lock()
	if l.waits.putOff == nil {
		l.waits.putOff = map[surveyKey]time.Time{}
	}
	l.waits.putOff[key] = until
	l.waits.mu.Unlock()
	l.hasToWait(f, in, o)
}
