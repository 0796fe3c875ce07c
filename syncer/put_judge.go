package syncer

import (
	"context"
	"errors"
	"time"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// noMore is the wait before an attempt that shall not be made.
const noMore time.Duration = -1

// afterConnect decides about a destination that could not be used.
func (p *putting) afterConnect(ctx context.Context, err error) (time.Duration, error) {
	if ctx.Err() != nil {
		return noMore, ctx.Err()
	}
	if blocked, ok := errors.AsType[*blockedError](err); ok {
		return noMore, &remote.Error{Op: "connect", Destination: p.link.name, Kind: remote.Auth, Err: blocked, Hint: freedBy(blocked.block)}
	}
	e, ok := errors.AsType[*remote.Error](err)
	if !ok || e.Kind.NeedsPerson() || e.Kind == remote.Root || e.Kind == remote.DiskFull {
		return noMore, err
	}
	return p.again(err, EventLost), err
}

// freedBy says what ends a block.
func freedBy(b state.Block) string {
	hint := "check user, key_file and password: a change of them frees it; --retry-login tries once more"
	if !b.NextProbe.IsZero() {
		hint += ", as any put does after " + b.NextProbe.UTC().Format(time.RFC3339)
	}
	return hint
}

// after decides about a failed attempt over a session.
func (p *putting) after(ctx context.Context, session Session, err error) time.Duration {
	if ctx.Err() != nil {
		return noMore
	}
	alive := session.Err() == nil
	_, atServer := errors.AsType[*remote.Error](err)
	if alive && !atServer && !errors.As(err, new(*errNotPublished)) {
		return noMore // the local side, or what stands at the final name
	}
	if p.own++; !alive {
		p.own = 0
	}
	mismatch := remote.KindOf(err) == remote.Integrity
	if mismatch {
		p.mismatches++
	}
	f := failed{times: p.own, alike: p.trouble.again(err), mismatches: p.mismatches, resumed: p.resumed, anew: p.trouble.anew}
	v := judgeFailure(err, alive, f, p.Retry, p.random)
	switch {
	case v.action == again:
	case v.action == later && (p.Stream == nil || !mismatch): // a stream cannot begin anew
	case (v.action == sendAgain || v.action == anew) && p.Stream == nil:
	default:
		return noMore
	}
	if err := p.record(ctx, err, v.action); err != nil {
		return noMore
	}
	return p.again(err, EventFailed)
}

// record keeps a failed attempt in the store.
func (p *putting) record(ctx context.Context, why error, a action) error {
	if p.intent.ID == "" {
		return nil
	}
	f := state.Failure{Err: why.Error(), At: p.link.clock(), Phase: p.intent.Phase, Mismatch: remote.KindOf(why) == remote.Integrity}
	switch {
	case f.Mismatch, a == sendAgain: // what was sent before must not come in the way of what is sent now
		f.Temp = nextTemp(p.intent.Temp, p.intent.ID)
	case a == anew:
		p.trouble.anew, f.Temp = true, nextTemp(p.intent.Temp, p.intent.ID)
		if err := p.Store.DropCheckpoint(ctx, p.intent.ID); err != nil {
			return err
		}
	case a == again:
		if err := p.renew(ctx, &f); err != nil {
			return err
		}
	}
	f.Unpublished = a == sendAgain
	if err := p.Store.Fail(ctx, p.intent.ID, f); err != nil {
		return err
	}
	fresh, found, err := p.Store.Intent(ctx, p.intent.ID)
	if err == nil && found {
		fresh.Overwrite, p.intent = p.Overwrite, fresh
	}
	return err
}

// renew has the attempt after a lost session take another temp: see tempAfterLoss.
func (p *putting) renew(ctx context.Context, f *state.Failure) (err error) {
	if !p.sent || p.mark.Offset > 0 {
		return nil
	}
	if f.Temp, err = tempAfterLoss(ctx, p.Store, &p.intent); err != nil || f.Temp == "" {
		return err
	}
	return sweepOnceMore(ctx, p.Store, &p.intent, p.link.clock())
}

// isUnpublished tells whether it is certain, after an attempt has failed for err, that nothing was published: an intent that
// may be in the ledger one day is not to be forgotten. It is certain too where the attempt came to a finding of what
// stands there, since nobody will ever know more.
func (p *putting) isUnpublished(ctx context.Context, session Session, err error) bool {
	if p.intent.Phase != state.Committing || errors.As(err, new(*errConflict)) || errors.As(err, new(*errNotPublished)) ||
		errors.Is(err, errAmbiguous) {
		return true
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), interruptGrace)
	defer cancel()
	d := p.delivery(p.Store, session, true)
	d.intent = p.intent
	if temp, err := d.look(ctx, d.intent.Temp); err != nil || temp == tempGone || temp == tempHidden {
		return false
	}
	found, _, err := d.find(ctx)
	return err == nil && (found == absent || found == earlier || found == foreign)
}

// again returns the wait before the next attempt, which grows as long as nothing moves, and tells of it.
func (p *putting) again(why error, t EventType) time.Duration {
	now := p.Now()
	var starved time.Duration
	if p.window != nil {
		starved = p.window.Starved()
	}
	if p.failures++; p.failures == 1 {
		p.since, p.starved = now, starved
	}
	p.since, p.starved = p.since.Add(starved-p.starved), starved // a producer that is silent is nobody's failure
	wait := backoff(p.Retry, p.failures, p.random)
	if now.Add(wait).Sub(p.since) > p.Patience {
		return noMore
	}
	p.Observe(Event{
		At: now, Type: t, ID: p.intent.ID, Destination: p.Destination.Name, Path: p.Path, RemotePath: p.Final,
		Err: why, Reason: why.Error(), Next: now.Add(wait),
	})
	return wait
}
