package syncer

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// link owns one destination: its session, the queue of its intents and the patience with both. Everything about the
// destination is decided on its one goroutine; deliveries run on their own and report back.
type link struct {
	name     string
	dial     func(context.Context) (Session, error)
	account  func() string  // see Destination.Account; may be nil
	trust    func() string  // see Destination.Trust; may be nil
	secrets  func() error   // see Destination.Secrets; may be nil
	looking  sync.WaitGroup // who looks for a change of the account
	store    Store
	common   func() *common                                  // what all links share of the configuration, as it is now
	ended    func(ctx context.Context, intent *state.Intent) // a delivery has come to T3, or needed none
	released func(ctx context.Context, id string)            // an intent stands in nobody's way any more
	planner  func(folder string) *Planner                    // of a folder; nil where it has none
	observe  Observer
	now      func() time.Time // for people
	clock    func() time.Time // for what is to happen when: it is never put back
	disk     *disk            // shared by all links
	random   *rand.Rand

	neverProbe bool // see Destination.NeverProbe
	transfers  int  // see Destination, as the next
	maxAge     time.Duration
	shared     bool // other processes use the store

	alikes   odds // see odds
	growths  odds
	speeds   speeds
	reserved sync.Map // sweeps of files that a session makes use of: string -> true

	wake  chan struct{}
	freed chan struct{} // holds a token when a person has ended the wait

	// once makes the link end when nothing is left that can be done, ignore times of next attempts, and try each
	// file and each connect onceTries times. planned is closed when nothing more will come.
	once    bool
	planned <-chan struct{}
	last    bool   // see finish
	stop    func() // ends run in the usual way and waits for that; nil before it was begun

	pulse pulse

	// Of the link's goroutine.
	gate        gate
	patience    patience
	used        string              // the account at the last dial
	trusted     string              // what was trusted then, where that was not what the server showed; else ""
	remembered  bool                // the store has a wait of the destination
	full        error               // why: the server had no room, and nothing has arrived since
	cuts        int                 // sessions lost since the last delivery; see workload.solo
	skip        map[string]bool     // intents that are nothing for this run: of folders that are not its own, or tried enough
	troubles    map[string]*trouble // of intents that have failed
	enough      int                 // of them to look which have ended: see forgetEnded
	sweepWanted bool                // there may be temps to be swept
	asides      bool                // there may be earlier versions to be put back
	leftWanted  bool                // there may be part of a file under a final name
	leftTries   int                 // with once
	ops         operating           // beside the deliveries
	waits       waiting             // of folders that have an order

	mu     sync.Mutex
	status LinkStatus
	moving map[string]*Transfer
}

// trouble is what is remembered of an intent's failed attempts, besides what the store keeps.
type trouble struct {
	tries int // with once
	lost  int // connections lost in a row with the file under way

	full   int // times in a row that the server had no room for it
	passed int // times since that it was not begun, since it would not have fitted

	refused bool // the upload, without a reason: see remote.Upload.Careful

	indexing *indexing           // of the last attempt, for the next one
	furthest int64               // checkpoint of all attempts
	alike    map[remote.Kind]int // failures of the file's own since
	anew     bool                // it has begun from the beginning since, without its checkpoint
}

// onceTries is how often `once` tries a connect or a file.
const onceTries = 3

// LinkState is what a link does.
type LinkState string

// The states of a link.
const (
	LinkIdle       LinkState = "idle"       // nothing to do; a session may stand
	LinkConnecting LinkState = "connecting" // dialling
	LinkActive     LinkState = "active"     // deliveries under way
	LinkWaiting    LinkState = "waiting"    // until NextAttempt, for Reason
	LinkClosed     LinkState = "closed"     // outside the destination's schedule, which opens at NextAttempt
	LinkBlocked    LinkState = "blocked"    // until a person has acted on Reason
	LinkFailed     LinkState = "failed"     // once: given up
)

// LinkStatus is a link at one moment.
type LinkStatus struct {
	Destination string
	State       LinkState
	Reason      string
	Err         error // why it waits, is blocked or has failed; while it connects, why it could not before
	NextAttempt time.Time
	Connected   bool
	Transfers   []Transfer
}

// Transfer is one file on its way.
type Transfer struct {
	ID, Folder  string
	Path        string
	Size, Sent  int64
	StartedAt   time.Time
	Destination string
}

// poke tells the link that there may be something to do.
func (l *link) poke() {
	select {
	case l.wake <- struct{}{}:
	default: // it is told already
	}
}

func (l *link) setState(s LinkState, err error, next time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status.State, l.status.Err, l.status.NextAttempt, l.status.Reason = s, err, next, ""
	if err != nil {
		l.status.Reason = err.Error()
	}
}

// setConnecting says that it is dialled. Why it could not be used before holds until it can: to dial is no sign that it is well.
func (l *link) setConnecting() {
	l.mu.Lock()
	before := l.status
	l.mu.Unlock()
	if before.State != LinkWaiting && before.State != LinkBlocked || isNoRoom(before.Err) {
		before.Err = nil
	}
	l.setState(LinkConnecting, before.Err, time.Time{})
}

func (l *link) setConnected(on bool) {
	l.mu.Lock()
	l.status.Connected = on
	l.mu.Unlock()
}

func (l *link) snapshot() LinkStatus {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.status
	s.Destination = l.name
	for _, t := range l.moving {
		s.Transfers = append(s.Transfers, *t)
	}
	return s
}

func (l *link) startMoving(i *state.Intent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.moving[i.ID] = &Transfer{
		ID: i.ID, Folder: i.Folder, Destination: l.name, Path: string(i.Path), Size: i.Fingerprint.Size, StartedAt: l.now(),
	}
}

func (l *link) stopMoving(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.moving, id)
}

func (l *link) isMoving(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.moving[id] != nil
}

// watchMoving keeps the transfers' progress on the way to the observer.
func (l *link) watchMoving(e Event) {
	if e.Type == EventProgress {
		l.mu.Lock()
		if t := l.moving[e.ID]; t != nil {
			t.Sent = e.Sent
		}
		l.mu.Unlock()
	}
	l.observe(e)
}

// run works until ctx ends, or until nothing is left to do with once.
func (l *link) run(ctx context.Context) error {
	defer l.pulse.end()
	step := l.prepare
	for stop := false; !stop && ctx.Err() == nil; {
		l.pulse.work()
		var err error
		stop, err = step(ctx)
		switch {
		case err == nil:
			step = l.attempt
		case isNoRoom(err) && !l.once:
			stop = l.awaitRoom(ctx, err)
		default: // the store failed: nothing can go on
			return ignoreEnd(ctx, err)
		}
	}
	return nil
}

// prepare takes up what an earlier run has left.
func (l *link) prepare(ctx context.Context) (stop bool, err error) {
	if _, err := l.store.BringForward(ctx, l.name, l.clock().Add(l.retry().Max)); err != nil {
		return false, err
	}
	if err := l.recallSpeeds(ctx); err != nil {
		return false, err
	}
	l.leftWanted = true
	return l.goOnWaiting(ctx)
}

// attempt waits for work and does it over one session. It returns an error where the store has failed.
func (l *link) attempt(ctx context.Context) (stop bool, err error) {
	if done, err := l.awaitWork(ctx); err != nil || done {
		return done, err
	}
	if l.awaitOpening(ctx) {
		return true, nil
	}
	if err := l.store.Room(LeastRoom); err != nil {
		return false, err
	}
	l.setConnecting()
	session, familiar, err := l.connect(ctx)
	connected := err == nil
	if connected {
		err = l.use(ctx, session, familiar)
	}
	switch {
	case ctx.Err() != nil:
		return true, nil
	case err == nil:
		return false, nil
	case isNoRoom(err):
		return false, err
	}
	return l.wait(ctx, err, connected)
}

// use works over a session. It returns why the destination is left alone for a while, nil where it need not be.
func (l *link) use(ctx context.Context, session Session, familiar bool) error {
	l.setConnected(true)
	l.observe(Event{At: l.now(), Type: EventConnected, Destination: l.name})
	w := l.work(ctx, session, familiar)
	l.disconnect(ctx, session)
	l.setConnected(false)
	if w.lost != nil {
		l.cuts++
	}
	if w.pause == nil && w.progress.lasts() {
		w.pause = l.forgive(ctx)
	}
	if w.pause != nil {
		return w.pause
	}
	return w.lost
}
