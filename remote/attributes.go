package remote

import (
	"context"
	"io/fs"
	"math"
	"time"
)

// SetModTime sets a file's modification time, where the server lets that. Nor is a time set that the protocol cannot
// express, which has 32 bits for the seconds.
func (s *Session) SetModTime(ctx context.Context, name string, at time.Time) error {
	if !s.caps.Load().SetTimes || !isTime(at) {
		return nil
	}
	return s.setAttribute(ctx, "set time", name, func() error { return s.sftp.Chtimes(name, at, at) },
		func(c *Capabilities) { c.SetTimes = false })
}

// isTime tells whether the protocol can express a time.
func isTime(at time.Time) bool { return !at.IsZero() && at.Unix() >= 0 && at.Unix() <= math.MaxUint32 }

// SetMode sets a file's permissions, where the server lets that.
func (s *Session) SetMode(ctx context.Context, name string, mode fs.FileMode) error {
	if s.caps.Load().RefusesMode {
		return nil
	}
	return s.setAttribute(ctx, "set mode", name, func() error { return s.sftp.Chmod(name, mode) },
		func(c *Capabilities) { c.RefusesMode = true })
}

// setAttribute makes a request that a server may refuse: that is remembered, so that it is not asked again, and no failure
// of the delivery.
func (s *Session) setAttribute(ctx context.Context, op, name string, request func() error, refused func(*Capabilities)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := s.do(op, name, request)
	if refusal(err) {
		s.note(refused)
		return nil
	}
	return err
}
