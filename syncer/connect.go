package syncer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/dropferry/dropferry/remote"
)

// connect dials and makes sure that the server can be used. familiar tells that this server and account were seen
// before.
func (l *link) connect(ctx context.Context) (session Session, familiar bool, err error) {
	if err := l.blocked(ctx); err != nil {
		return nil, false, err
	}
	session, err = l.dial(ctx)
	if noteErr := l.noteLogin(ctx, err); err == nil && noteErr != nil {
		session.Close()
		return nil, false, noteErr
	}
	if err != nil {
		return nil, false, err
	}
	if err = session.CheckRoot(ctx); err == nil {
		familiar, err = learn(ctx, l.store, l.name, session, l.now())
	}
	if err != nil {
		session.Close()
		return nil, false, err
	}
	return session, familiar, nil
}

// learn makes the session know what the server can do: from the store, where the same server was probed before.
func learn(ctx context.Context, store Store, destination string, session Session, now time.Time) (familiar bool, err error) {
	identity := session.Identity()
	text, found, err := store.Capabilities(ctx, destination, identity)
	if err != nil {
		return false, err
	}
	if found {
		var c remote.Capabilities
		if err := json.Unmarshal(text, &c); err == nil {
			session.Use(c)
			return true, nil
		} // what an older version has written is probed again
	}
	c, err := session.Probe(ctx, now)
	if err != nil {
		return false, err
	}
	if text, err = json.Marshal(c); err != nil {
		return false, fmt.Errorf("capabilities of %s: %w", destination, err)
	}
	return found, store.SaveCapabilities(ctx, destination, identity, text)
}

// patience counts failures in a row to use a destination. Those that ask for a person are counted apart: a bad line
// before them does not make them any older.
type patience struct {
	failures int
	person   bool
}

func (p *patience) reset() { p.failures = 0 }

// failed counts err and returns how many of its sort there were in a row.
func (p *patience) failed(err error) int {
	if person := remote.KindOf(err).NeedsPerson(); person != p.person {
		p.failures, p.person = 0, person
	}
	p.failures++
	return p.failures
}

// wait lets the destination alone for as long as the n-th failure in a row deserves. It returns true when the link is to
// end.
func (l *link) wait(ctx context.Context, err error, n int) (stop bool) {
	kind := remote.KindOf(err)
	now := l.now()
	e := Event{At: now, Type: EventLost, Destination: l.name, Err: err, Reason: err.Error()}
	state := LinkWaiting
	if kind.NeedsPerson() {
		e.Type, state = EventBlocked, LinkBlocked
	}
	if l.once && (kind.NeedsPerson() || kind == remote.Root || kind == remote.DiskFull || n >= onceTries) {
		l.setState(LinkFailed, err, time.Time{})
		l.observe(e)
		return true
	}
	wait := connectWait(kind, l.retry, n, l.once, l.random)
	if blocked, ok := errors.AsType[*blockedError](err); ok {
		wait = max(blocked.block.NextProbe.Sub(now), 0)
	}
	e.Next = now.Add(wait)
	l.forgetFreed()
	l.setState(state, err, e.Next)
	l.observe(e)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	looking, cancel := context.WithCancel(ctx)
	defer l.looking.Wait()
	defer cancel()
	select {
	case <-ctx.Done():
		return true
	case <-timer.C:
	case <-l.freed:
	case <-l.accountChanged(looking, err):
	}
	return false
}

const (
	authRetryFirst = 30 * time.Minute // then authRetry: accounts lock
	authRetry      = time.Hour
	keyRetry       = time.Minute // a host key is looked at without authenticating, so nothing locks
	fullRetry      = time.Minute // room at the server is asked for slowly
)

// connectWait returns how long to wait after the n-th failure in a row to use a destination.
func connectWait(kind remote.Kind, r Retry, n int, once bool, random *rand.Rand) time.Duration {
	switch {
	case once:
		return min(time.Duration(n)*time.Second, r.Max)
	case kind == remote.Auth && n == 1:
		return authRetryFirst
	case kind == remote.Auth:
		return authRetry
	case kind == remote.HostKey, kind == remote.Algorithms:
		return keyRetry
	case kind == remote.DiskFull, kind == remote.Root:
		return min(fullRetry, max(r.Max, r.Initial))
	}
	return backoff(r, n, random)
}
