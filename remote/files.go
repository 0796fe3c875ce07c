package remote

import (
	"context"
	"errors"
	"io/fs"
	"time"
)

// Info is what a server says of a file.
type Info struct {
	Size    int64
	ModTime time.Time // whole seconds: version 3 of the protocol knows no finer
	Mode    fs.FileMode
}

// Stat returns what stands at a remote path, links not followed; an error of kind Missing where nothing does.
func (s *Session) Stat(ctx context.Context, name string) (Info, error) {
	if err := ctx.Err(); err != nil {
		return Info{}, err
	}
	var info Info
	err := s.fly(&s.lane, name, false, 0, statRequest(packetLstat, name, &info))
	return info, err
}

// Remove removes one file, and nothing that is a directory. That it is gone already is no error.
func (s *Session) Remove(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	// pkg/sftp's Remove goes on with RMDIR: it would take somebody's empty directory for a file of ours.
	err := s.fly(&s.lane, name, false, 0, &request{op: "remove", kind: packetRemove, body: appendString(nil, name)})
	s.told.Delete(name)
	if Missing.is(err) {
		return nil
	}
	return err
}

// CheckRoot tells whether the target's root is there and is a directory.
func (s *Session) CheckRoot(ctx context.Context) error {
	root := s.root()
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.rootError(s.do("stat", root, func() error {
		fi, err := s.sftp.Stat(root)
		if err == nil && !fi.IsDir() {
			return &Error{Op: "stat", Destination: s.target.Name, Path: root, Kind: Root, Err: errors.New("is not a directory")}
		}
		return err
	}))
}

func (s *Session) root() string {
	if root := s.target.Path(""); root != "" {
		return root
	}
	return "."
}

// rootError makes a failure at the root one of the destination, not of a file.
func (s *Session) rootError(err error) error {
	var e *Error
	if !errors.As(err, &e) || (e.Kind != Missing && e.Kind != Permission && e.Kind != Root) {
		return err
	}
	hint := "ask the server's owner for write permission there, or change root in the configuration"
	if e.Kind == Missing {
		hint = "create it at the server, or change root in the configuration"
	}
	return &Error{Op: e.Op, Destination: e.Destination, Path: e.Path, Kind: Root, Err: e.Err, Hint: hint}
}

// isMissing tells whether the server says that nothing stands at name.
func (s *Session) isMissing(ctx context.Context, name string) bool {
	_, err := s.Stat(ctx, name)
	return Missing.is(err)
}

// rootErrorOr returns the error of the root where there is one, else err: a missing root shows itself first as a missing
// directory somewhere below.
func (s *Session) rootErrorOr(ctx context.Context, err error) error {
	if rootErr := s.CheckRoot(ctx); rootErr != nil {
		return rootErr
	}
	return err
}
