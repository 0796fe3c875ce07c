package syncer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// conclude acts on a failed delivery. It returns an error where the destination can take nothing for now.
func (l *link) conclude(ctx context.Context, session Session, o outcome) error {
	if l.once {
		l.tries[o.intent.ID]++
	}
	switch {
	case errors.Is(o.err, errSuperseded):
		l.removeTemp(ctx, session, o.intent)
		l.told(EventDropped, o, time.Time{})
		return nil
	case errors.Is(o.err, context.Canceled): // shutting down: the intent stays as it stands
		return nil
	case errors.Is(o.err, errNoFolder):
		l.tries[o.intent.ID] = onceTries
	}
	now := l.now()
	v := judgeFailure(o.err, session.Err() == nil, o.intent.Attempts+1, o.intent.ReadyAt, now, l.retryOf(o.intent), l.random)
	failure := state.Failure{Err: o.err.Error(), Phase: o.intent.Phase, Next: now.Add(v.wait), Own: true}
	switch v.action {
	case again:
		failure.Own, failure.Next = false, now
		l.told(EventFailed, o, time.Time{})
		return l.store.Fail(ctx, o.intent.ID, failure)
	case pause:
		failure.Own, failure.Next = false, now
		l.removeTemp(ctx, session, o.intent)
		if err := l.store.Fail(ctx, o.intent.ID, failure); err != nil {
			return err
		}
		l.told(EventFailed, o, time.Time{})
		return o.err
	case replan:
		l.told(EventDropped, o, time.Time{})
		if _, err := l.store.Drop(ctx, o.intent.ID); err != nil {
			return err
		}
		l.folders[o.intent.Folder].Hint(o.intent.Path)
		return l.sweep(ctx, session)
	case later:
		l.told(EventFailed, o, failure.Next)
		return l.store.Fail(ctx, o.intent.ID, failure)
	}
	failure.Phase, failure.Next = v.phase, time.Time{}
	l.removeTemp(ctx, session, o.intent)
	t := EventParked
	if v.action == hold {
		t = EventHeld
	}
	l.told(t, o, time.Time{})
	return l.store.Fail(ctx, o.intent.ID, failure)
}

func (l *link) retryOf(i state.Intent) Retry {
	if f, ok := l.folders[i.Folder]; ok {
		return f.Retry
	}
	return l.retry
}

// removeTemp removes what a delivery has left, as far as the session lets. What stays is overwritten by the next attempt
// or swept.
func (l *link) removeTemp(ctx context.Context, session Session, i state.Intent) {
	if session.Err() == nil {
		_ = session.Remove(ctx, i.Temp) // see above
	}
}

func (l *link) told(t EventType, o outcome, next time.Time) {
	e := eventOf(t, &o.intent)
	e.At, e.Err, e.Reason, e.Next = l.now(), o.err, o.err.Error(), next
	l.observe(e)
}

// learn makes the session know what the server can do: from the store, where the same server was probed before.
func learn(ctx context.Context, store Store, destination string, session Session, now time.Time) error {
	identity := session.Identity()
	text, found, err := store.Capabilities(ctx, destination, identity)
	if err != nil {
		return err
	}
	if found {
		var c remote.Capabilities
		if err := json.Unmarshal(text, &c); err == nil {
			session.Use(c)
			return nil
		} // what an older version has written is probed again
	}
	c, err := session.Probe(ctx, now)
	if err != nil {
		return err
	}
	if text, err = json.Marshal(c); err != nil {
		return fmt.Errorf("capabilities of %s: %w", destination, err)
	}
	return store.SaveCapabilities(ctx, destination, identity, text)
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
