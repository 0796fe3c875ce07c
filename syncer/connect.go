package syncer

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/dropferry/dropferry/remote"
)

// connect dials and makes sure that the server can be used. familiar tells that this server and account were seen
// before.
func (l *link) connect(ctx context.Context) (session Session, familiar bool, err error) {
	l.used = l.accountNow() // before the dial reads the secrets: one that changes meanwhile was not tried
	if err := l.blocked(ctx); err != nil {
		return nil, false, err
	}
	trusted := l.trustedNow() // likewise
	session, err = l.dial(ctx)
	if l.trusted = ""; remote.KindOf(err) == remote.HostKey {
		l.trusted = trusted
	}
	if noteErr := l.noteLogin(ctx, err); err == nil && noteErr != nil {
		session.Close()
		return nil, false, noteErr
	}
	if err != nil {
		return nil, false, err
	}
	l.unreserve()
	session.Noting(l.reserve(ctx))
	if err = session.CheckRoot(ctx); err == nil {
		familiar, err = learn(ctx, l.store, l.name, session, l.now())
	}
	if err == nil {
		err = l.store.SetFolding(ctx, l.name, session.Capabilities().Folding())
	}
	if err == nil {
		err = l.finishRespelling(ctx, session)
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
	familiar = found
	if found {
		var c remote.Capabilities
		if err := json.Unmarshal(text, &c); err == nil {
			session.Use(c)
			if c.Current(now) {
				return true, nil
			}
			familiar = !c.ProbedAt.IsZero() || c.ProbeCuts == 0 // else no probe of it has come to its end
		} // what an older version has written is probed again
	}
	c, err := session.Probe(ctx, now)
	if err != nil {
		return false, errors.Join(err, keepLearned(context.WithoutCancel(ctx), store, destination, session))
	}
	return familiar, saveCapabilities(ctx, store, destination, identity, c)
}

// wait lets the destination alone for as long as the failure deserves. connected tells whether there was a session. It
// returns true when the link is to end.
func (l *link) wait(ctx context.Context, err error, connected bool) (stop bool, fault error) {
	l.patience.failed(err, connected)
	kind := remote.KindOf(err)
	err = l.patience.explain(err)
	e := Event{At: l.now(), Type: EventLost, Destination: l.name, Err: err, Reason: err.Error()}
	state := LinkWaiting
	if kind.NeedsPerson() {
		e.Type, state = EventBlocked, LinkBlocked
	}
	wait := connectWait(err, l.retry(), &l.patience, l.once, l.random)
	if l.givesUp(kind) {
		l.setState(LinkFailed, err, time.Time{})
		l.observe(e)
		later := connectWait(err, l.retry(), &l.patience, false, l.random) // for those who do not come at somebody's word
		return true, l.remember(ctx, err, l.clock().Add(later))
	}
	blocked, isBlocked := errors.AsType[*blockedError](err)
	if isBlocked {
		wait = remaining(blocked.block.NextProbe, l.clock(), authRetry)
	}
	if kind == remote.Auth && l.neverProbe && !remote.IsLocal(err) {
		wait = never
	}
	if fault := l.remember(ctx, err, l.clock().Add(wait)); fault != nil {
		return false, fault
	}
	if wait != never {
		e.Next = e.At.Add(wait)
	}
	l.forgetFreed()
	l.setState(state, err, e.Next)
	l.observe(e)
	return l.rest(ctx, wait)
}

// givesUp tells whether a run that ends tries no more. Waiting for a server that has shut us out is for the next run: so
// is what comes after the one probe of an open breaker.
func (l *link) givesUp(kind remote.Kind) bool {
	p := &l.patience
	return l.once && (kind.NeedsPerson() || kind == remote.Root || kind == remote.DiskFull || p.tries >= onceTries || p.dropped || p.open())
}

// never is a wait that only a person or a change ends.
const never time.Duration = -1

// rest waits, unless a person or another account ends it before.
func (l *link) rest(ctx context.Context, wait time.Duration) (stop bool, fault error) {
	var over <-chan time.Time
	if wait != never {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		over = timer.C
	}
	looking, cancel := context.WithCancel(ctx)
	defer l.looking.Wait()
	defer cancel()
	defer l.pulse.rest()()
	select {
	case <-ctx.Done():
		return true, nil
	case <-over:
		return false, nil
	case <-l.freed:
	case <-l.accountChanged(looking):
	}
	return false, l.forgive(ctx)
}

// goOnWaiting waits for what is left of a wait from before the start.
func (l *link) goOnWaiting(ctx context.Context) (stop bool, fault error) {
	w, left, err := l.recall(ctx)
	if err != nil || left == 0 {
		return false, err
	}
	e := Event{At: l.now(), Type: EventLost, Destination: l.name, Err: errors.New(w.Reason), Reason: w.Reason}
	e.Next = e.At.Add(left)
	l.forgetFreed()
	l.setState(LinkWaiting, e.Err, e.Next)
	l.observe(e)
	return l.rest(ctx, left)
}
