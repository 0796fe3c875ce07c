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
// configuration changes, or a person frees it, and is probed once after a while.

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
	switch {
	case err != nil || !found:
		return err
	case b.Secret != l.account():
		return l.store.ClearBlock(ctx, l.name)
	case !l.now().Before(b.NextProbe):
		return nil
	}
	return &remote.Error{
		Op: "connect", Destination: l.name, Kind: remote.Auth, Err: &blockedError{b},
		Hint: "check user, key_file and password: a change of them frees it, and so does: dropferry retry destination:" + l.name,
	}
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
	case !errors.As(err, &e) || e.Kind != remote.Auth:
		return nil
	}
	now := l.now()
	if !found {
		b = state.Block{Destination: l.name, Kind: string(e.Kind), Since: now, NextProbe: now.Add(authRetryFirst)}
	} else {
		b.NextProbe = now.Add(authRetry)
	}
	b.Reason, b.Secret = e.Err.Error(), l.account()
	return l.store.SetBlock(ctx, b)
}

// accountLook is how often a blocked link looks whether its secret has changed.
const accountLook = 10 * time.Second

// accountChanged fires when the account's secret or settings are others than now. It ends with ctx.
func (l *link) accountChanged(ctx context.Context, err error) <-chan struct{} {
	if l.account == nil || remote.KindOf(err) != remote.Auth {
		return nil
	}
	before := l.account()
	changed := make(chan struct{})
	l.looking.Go(func() {
		ticker := time.NewTicker(accountLook)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				if l.account() != before {
					close(changed)
					return
				}
			}
		}
	})
	return changed
}
