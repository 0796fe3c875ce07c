package remote

import (
	"context"
	"errors"
	"time"
)

// CheckWrites tells whether files can be made in the target's root, by making one and removing it again. An error of kind
// Root says that the server refuses.
func (s *Session) CheckWrites(ctx context.Context) error {
	name := s.probeName(time.Now())
	if err := s.takeFiles(ctx, 1, "put", name); err != nil {
		return err
	}
	defer s.handles.give(1)
	done, err := s.reserve(name)
	if err != nil {
		return err
	}
	handle, err := s.openHandle("put", name, openWrite|openCreate|openTruncate)
	if err != nil {
		if s.Err() == nil {
			done()
		}
		return s.refusedRoot(s.diskFull(ctx, err))
	}
	closeErr := s.closeHandle(name, handle)
	if err := s.Remove(ctx, name); err == nil {
		done()
	}
	return closeErr
}

// refusedRoot makes a refusal to write in the root one of the destination, not of a file.
func (s *Session) refusedRoot(err error) error {
	var e *Error
	if !errors.As(err, &e) || e.Kind != Refused {
		return s.rootError(err)
	}
	denied := *e
	denied.Kind = Permission
	return s.rootError(&denied)
}
