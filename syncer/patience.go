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

// patience counts failures in a row to use a destination. Those that ask for a person are counted apart: a bad line
// before them does not make them any older.
type patience struct {
	failures int
	connects int  // of them, the last in a row that came to no session
	dropped  bool // the last was a connection that the server closed before the login
	person   bool
	tries    int // in this run
}

// reset forgets the failures: the server has acknowledged something that lasts, or a person wants it to be tried.
func (p *patience) reset() { *p = patience{} }

// failed counts err. connected tells whether there was a session.
func (p *patience) failed(err error, connected bool) {
	if person := remote.KindOf(err).NeedsPerson(); person != p.person {
		*p = patience{person: person, tries: p.tries}
	}
	p.failures++
	p.tries++
	p.dropped = remote.DroppedBeforeLogin(err)
	if p.connects++; connected || p.person {
		p.connects = 0
	}
}

// explain says why a destination is let alone for longer than the failure alone would ask for.
func (p *patience) explain(err error) error {
	switch {
	case p.open():
		return fmt.Errorf("%w; %d attempts to connect in a row have failed, so it is let alone but for one now and then", err, p.connects)
	case p.dropped:
		return fmt.Errorf("%w; the server has closed the connection before the login, as some do when they are asked too often, "+
			"so it is let alone for %v at least", err, droppedRest)
	}
	return err
}

// open tells whether the breaker is: nothing is sent there but one probe after each wait.
func (p *patience) open() bool { return p.connects >= breakerOpens }

const (
	breakerOpens = 5           // connects in a row that have failed
	breakerRest  = time.Minute // the least that an open breaker waits for its next probe
	droppedRest  = 20 * time.Second

	authRetryFirst = 30 * time.Minute // then authRetry: accounts lock
	authRetry      = time.Hour
	keyRetry       = time.Minute // a host key is looked at without authenticating, so nothing locks; see blockRetry
	fullRetry      = time.Minute // room at the server is asked for slowly
)

// connectWait returns how long a destination is let alone after a failure to use it that p has counted.
func connectWait(err error, r Retry, p *patience, once bool, random *rand.Rand) time.Duration {
	kind := remote.KindOf(err)
	switch {
	case once:
		return min(time.Duration(p.tries)*time.Second, r.Max)
	case kind == remote.Auth && remote.IsLocal(err):
		return keyRetry // the server sees nothing of it
	case kind == remote.Auth, kind.NeedsPerson() && remote.BehindLogin(err): // a jump host sees each attempt as a login
		return blockRetry(p.failures)
	case kind == remote.HostKey, kind == remote.Algorithms:
		return keyRetry
	case kind == remote.DiskFull, kind == remote.Root:
		return min(fullRetry, max(r.Max, r.Initial))
	}
	wait := backoff(r, p.failures, random)
	if p.open() {
		wait = max(wait, breakerRest)
	}
	if p.dropped {
		wait = max(wait, droppedRest)
	}
	return wait
}

// blockRetry returns after which time one is tried again that asks for a person, the n-th time in a row that it did.
func blockRetry(n int) time.Duration {
	if n == 1 {
		return authRetryFirst
	}
	return authRetry
}

// longestWait is the most that connectWait returns for a failure that is remembered as a wait.
func longestWait(r Retry) time.Duration { return max(r.Max, breakerRest, fullRetry) }

// remember stores a wait, so that a restart does not come sooner. What asks for a person is stored as a block, or harmless
// to try again.
func (l *link) remember(ctx context.Context, err error, next time.Time) error {
	if l.patience.person {
		return nil
	}
	l.remembered = true
	return ignoreEnd(ctx, l.store.SetWait(ctx, state.Wait{
		Destination: l.name, Failures: l.patience.failures, Connects: l.patience.connects, Dropped: l.patience.dropped,
		Reason: err.Error(), Account: l.used, FailedAt: l.clock(), Next: next,
	}))
}

// forgive forgets all failures, in the store too.
func (l *link) forgive(ctx context.Context) error {
	l.patience.reset()
	if !l.remembered {
		return nil
	}
	_, err := l.store.ClearWait(ctx, l.name)
	l.remembered = err != nil
	return ignoreEnd(ctx, err)
}

// recall takes up the patience of an earlier run, and returns what is left of its wait. A destination with another account
// or other secrets is a new one.
func (l *link) recall(ctx context.Context) (w state.Wait, left time.Duration, err error) {
	w, found, err := l.store.WaitOf(ctx, l.name)
	if err != nil || !found {
		return w, 0, ignoreEnd(ctx, err)
	}
	l.remembered = true
	if l.used = l.accountNow(); w.Account != l.used {
		return w, 0, l.forgive(ctx)
	}
	l.patience = patience{failures: w.Failures, connects: w.Connects, dropped: w.Dropped}
	now := l.clock()
	end, longest := w.Next, longestWait(l.retry())
	if l.once {
		// A run that somebody has asked for does not wait for a next attempt. But who was shut out stays so for a while.
		if !w.Dropped {
			return w, 0, nil
		}
		end, longest = w.FailedAt.Add(droppedRest), droppedRest
	}
	left = remaining(end, now, longest)
	if end.Sub(now) > left && !l.once && left > 0 { // or each restart would begin it anew
		w.FailedAt, w.Next = now, now.Add(left)
		err = ignoreEnd(ctx, l.store.SetWait(ctx, w))
	}
	return w, left, err
}

func (l *link) accountNow() string {
	if l.account == nil {
		return ""
	}
	return l.account()
}

// progress measures for how long a session has made progress that the server has acknowledged.
type progress struct {
	mu    sync.Mutex
	first map[string]int64 // what was sent of each file when that was first told
	last  time.Time
	total time.Duration
}

const (
	// steadyProgress is how much of it shows that a destination can be used again.
	steadyProgress = time.Minute
	// unacknowledged bounds what is sent of a file ahead of the server's acknowledgements: see remote's window.
	unacknowledged = 4 << 20
	// progressGap is the longest time between two signs of progress that counts as progress.
	progressGap = 2 * time.Minute
)

// note takes into account what was sent of a file so far.
func (p *progress) note(id string, sent int64, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.first == nil {
		p.first = map[string]int64{}
	}
	first, known := p.first[id]
	if !known {
		p.first[id] = sent
	}
	if !known || sent-first <= unacknowledged {
		return
	}
	if gap := at.Sub(p.last); !p.last.IsZero() && gap <= progressGap {
		p.total += gap
	}
	p.last = at
}

// lasts tells whether it has lasted for long enough.
func (p *progress) lasts() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.total >= steadyProgress
}
