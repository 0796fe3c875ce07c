package syncer

import (
	"strconv"
	"sync"
	"time"

	"github.com/dropferry/dropferry/state"
)

// waiting is what a link remembers of the folders that have an order.
type waiting struct {
	surveys surveys

	mu      sync.Mutex
	inLine  map[string]string       // by folder: the intent in strict order that was given out last
	given   map[string]time.Time    // by intent: when one that goes last was given out
	putOff  map[surveyKey]time.Time // groups that are let alone until then
	told    map[string]string       // by what waits: what has been told of
	behind  map[string]*state.Group // by folder: where to go on looking
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
	e := eventOf(EventWaits, in)
	e.At, e.Reason = l.now(), o.Waits()
	if o.Rule == RuleSequential && o.ID == in.ID {
		e.Reason = "strict order: what is behind " + o.Sentence() + " waits for it"
	}
	if l.waits.isNews(waitKey(f, in, o.Rule), string(o.What)+" "+o.ID+string(o.Path)) {
		l.observe(e)
	}
}

// waitKey names what waits: a folder, by strict order, or a group.
func waitKey(f *Folder, in *state.Intent, r Rule) string {
	if r == RuleSequential {
		return f.Name
	}
	return f.Name + "\x00" + string(in.Path.Dir()) + "\x00" + strconv.Itoa(f.Order.seatOf(in).kind)
}

// maxTold is how many of those that wait are told of at once.
const maxTold = 1000

// isNews notes that something waits for something, and tells whether that is to be told.
func (w *waiting) isNews(key, what string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	before, known := w.told[key]
	if before == what || !known && len(w.told) >= maxTold {
		return false
	}
	if w.told == nil {
		w.told = map[string]string{}
	}
	w.told[key] = what
	return true
}

// free notes that something waits no more.
func (w *waiting) free(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.told, key)
}
