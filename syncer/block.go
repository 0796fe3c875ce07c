package syncer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// A refused login blocks its destination: a further attempt with the same secret is a step towards a locked account. The
// block is in the store, so that it binds the next start and every `once` from a timer; it ends when the secret or the
// configuration changes, or a person frees it, and is probed once after a while, unless auth_retry is off.

// blockedError is a login that was not tried.
type blockedError struct {
	block state.Block
}

func (e *blockedError) Error() string {
	return fmt.Sprintf("not tried again, so that the account is not locked: since %s, %s", e.block.Since.UTC().Format(time.RFC3339), e.block.Reason)
}

// blocked returns the error of a destination that must not be used now.
func (l *link) blocked(ctx context.Context) error {
	if l.account == nil {
		return nil
	}
	b, found, err := l.store.BlockOf(ctx, l.name)
	if err != nil || !found {
		return err
	}
	if l.secrets != nil {
		// What is wrong here is newer than the block, and the first that is to be mended. The block stands.
		if err := l.secrets(); err != nil {
			return err
		}
	}
	if b.Secret != l.used {
		return l.store.ClearBlock(ctx, l.name)
	}
	now := l.clock()
	if next := nextProbe(b.NextProbe, now, l.neverProbe); !next.Equal(b.NextProbe) {
		b.NextProbe = next
		if err := l.store.SetBlock(ctx, b); err != nil {
			return err
		}
	}
	if !StillBlocked(b, now) {
		return nil
	}
	return BlockedLogin(b)
}

// BlockedLogin is the error of a login that is not tried, because an earlier one was refused.
func BlockedLogin(b state.Block) error {
	return &remote.Error{
		Op: "connect", Destination: b.Destination, Kind: remote.Auth, Err: &blockedError{b},
		Hint: "check user, key_file and password: a change of them frees it, and so does: dropferry retry destination:" + b.Destination,
	}
}

// StillBlocked tells whether a login that was refused must not be tried yet. One without a next probe never is.
func StillBlocked(b state.Block, now time.Time) bool {
	return b.NextProbe.IsZero() || now.Before(b.NextProbe)
}

// nextProbe returns when a blocked login is tried again, zero for never, from what an earlier start has stored of it: that
// may have had another auth_retry, or a clock that was put back since.
func nextProbe(stored, now time.Time, neverProbe bool) time.Time {
	switch {
	case neverProbe:
		return time.Time{}
	case stored.IsZero():
		return now.Add(authRetryFirst)
	case stored.Sub(now) > authRetry:
		return now.Add(authRetry)
	}
	return stored
}

// noteLogin records a refused login, and clears the block after one that was not.
func (l *link) noteLogin(ctx context.Context, err error) error {
	if l.account == nil {
		return nil
	}
	b, found, readErr := l.store.BlockOf(ctx, l.name)
	var e *remote.Error
	switch {
	case readErr != nil:
		return readErr
	case err == nil && found:
		return l.store.ClearBlock(ctx, l.name)
	case !errors.As(err, &e) || e.Kind != remote.Auth || remote.IsLocal(err): // which the server does not count
		return nil
	}
	wait := authRetry
	if !found {
		b, wait = state.Block{Destination: l.name, Kind: string(e.Kind), Since: l.now()}, authRetryFirst
	}
	b.NextProbe = time.Time{}
	if !l.neverProbe {
		b.NextProbe = l.clock().Add(wait)
	}
	b.Reason, b.Secret = e.Err.Error(), l.used
	return l.store.SetBlock(ctx, b)
}

// trustedNow returns what is trusted now, "" where nobody tells.
func (l *link) trustedNow() string {
	if l.trust == nil {
		return ""
	}
	return l.trust()
}

// accountLook is how often a link that waits looks whether its secret has changed.
const accountLook = 10 * time.Second

// accountChanged fires when the account's secret or settings are others than those that were used, or where the server's key
// was not trusted, when other keys are. It ends with ctx.
func (l *link) accountChanged(ctx context.Context) <-chan struct{} {
	if l.account == nil && l.trusted == "" {
		return nil
	}
	before := l.used
	changed := make(chan struct{})
	l.looking.Go(func() {
		ticker := time.NewTicker(accountLook)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				if l.accountNow() != before || l.trusted != "" && l.trustedNow() != l.trusted {
					close(changed)
					return
				}
			}
		}
	})
	return changed
}
