package remote

import (
	"context"
	"io/fs"
)

// SetMode sets a file's permissions, where the server lets that. A refusal is remembered, and no error.
func (s *Session) SetMode(ctx context.Context, name string, mode fs.FileMode) error {
	if s.caps.Load().RefusesMode {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	err := s.do("set mode", name, func() error { return s.sftp.Chmod(name, mode) })
	if Permission.is(err) || Unsupported.is(err) || Refused.is(err) {
		s.note(func(c *Capabilities) { c.RefusesMode = true })
		return nil
	}
	return err
}
