package syncer

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// link owns one destination: its session, the queue of its intents and the patience with both. Everything about the
// destination is decided on its one goroutine; deliveries run on their own and report back.
type link struct {
	name    string
	dial    func(context.Context) (Session, error)
	store   Store
	folders map[string]*Folder
	ended   func(ctx context.Context, intent state.Intent) // a delivery has come to T3
	observe Observer
	now     func() time.Time
	random  *rand.Rand
	slots   chan struct{} // shared by all links: files under way at once is its capacity
	retry   Retry
	grace   time.Duration

	wake chan struct{}

	// once makes the link end when nothing is left that can be done, ignore times of next attempts, and try each
	// file and each connect onceTries times. planned is closed when nothing more will come.
	once    bool
	planned <-chan struct{}
	tries   map[string]int

	mu     sync.Mutex
	status LinkStatus
	moving map[string]*Transfer
}

// onceTries is how often `once` tries a connect or a file.
const onceTries = 3

// LinkState is what a link does.
type LinkState string

const (
	LinkIdle       LinkState = "idle"       // nothing to do; a session may stand
	LinkConnecting LinkState = "connecting" // dialling
	LinkActive     LinkState = "active"     // deliveries under way
	LinkWaiting    LinkState = "waiting"    // until NextAttempt, for Reason
	LinkBlocked    LinkState = "blocked"    // until a person has acted on Reason
	LinkFailed     LinkState = "failed"     // once: given up
)

// LinkStatus is a link at one moment.
type LinkStatus struct {
	Destination string
	State       LinkState
	Reason      string
	Err         error // why it waits, is blocked or has failed
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

// run works until ctx ends, or until nothing is left to do with once.
func (l *link) run(ctx context.Context) error {
	failures := 0
	for {
		if done, err := l.awaitWork(ctx); err != nil || done {
			return err
		}
		l.setState(LinkConnecting, nil, time.Time{})
		session, err := l.connect(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			failures++
			if stop := l.connectFailed(ctx, err, failures); stop {
				return nil
			}
			continue
		}
		pause, progressed := l.work(ctx, session)
		session.Close()
		l.setConnected(false)
		if progressed {
			failures = 0
		}
		if ctx.Err() != nil {
			return nil
		}
		if pause != nil {
			failures++
			if stop := l.connectFailed(ctx, pause, failures); stop {
				return nil
			}
		}
	}
}

func (l *link) setConnected(on bool) {
	l.mu.Lock()
	l.status.Connected = on
	l.mu.Unlock()
}

// connect dials and makes sure that the server can be used.
func (l *link) connect(ctx context.Context) (Session, error) {
	session, err := l.dial(ctx)
	if err != nil {
		return nil, err
	}
	if err := l.prepare(ctx, session); err != nil {
		session.Close()
		return nil, err
	}
	l.setConnected(true)
	l.observe(Event{At: l.now(), Type: EventConnected, Destination: l.name})
	return session, nil
}

// connectFailed waits as the failure deserves. It returns true when the link is to end.
func (l *link) connectFailed(ctx context.Context, err error, failures int) (stop bool) {
	kind := remote.KindOf(err)
	e := Event{At: l.now(), Type: EventLost, Destination: l.name, Err: err, Reason: err.Error()}
	if kind.NeedsPerson() {
		e.Type = EventBlocked
	}
	if l.once {
		if kind.NeedsPerson() || kind == remote.Root || kind == remote.DiskFull || failures >= onceTries {
			l.setState(LinkFailed, err, time.Time{})
			l.observe(e)
			return true
		}
	}
	wait := connectWait(kind, l.retry, failures, l.once, l.random)
	e.Next = l.now().Add(wait)
	state := LinkWaiting
	if kind.NeedsPerson() {
		state = LinkBlocked
	}
	l.setState(state, err, e.Next)
	l.observe(e)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return true
	case <-timer.C:
		return false
	}
}

// prepare checks the root, learns what the server can do and removes what earlier attempts have left.
func (l *link) prepare(ctx context.Context, session Session) error {
	if err := session.CheckRoot(ctx); err != nil {
		return err
	}
	if err := learn(ctx, l.store, l.name, session, l.now()); err != nil {
		return err
	}
	return l.sweep(ctx, session)
}

// sweep removes temps of ours that no intent refers to any more.
func (l *link) sweep(ctx context.Context, session Session) error {
	sweeps, err := l.store.Sweeps(ctx, l.name, 1000)
	if err != nil || len(sweeps) == 0 {
		return err
	}
	var done []string
	for _, s := range sweeps {
		for _, name := range []string{s.Temp, remote.BackupName(s.Temp)} {
			if err = session.Remove(ctx, name); err != nil {
				break
			}
		}
		if err != nil && session.Err() != nil {
			break
		}
		// A server that refuses to remove a temp will refuse again: it is not asked for ever.
		done = append(done, s.ID)
	}
	if sweptErr := l.store.Swept(ctx, done); sweptErr != nil {
		return fmt.Errorf("sweep %s: %w", l.name, sweptErr)
	}
	return session.Err()
}
