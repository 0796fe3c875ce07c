package remote

import (
	"context"
	"errors"
	"strings"

	"github.com/dropferry/dropferry/file"
)

// Publish gives a temp its final name. With replace, the caller has just seen that our own earlier version stands there;
// without, nothing is expected there, and whatever stands there is left alone: the error is then of kind Exists.
//
// SFTP has no compare-and-swap. Where plain RENAME refuses a taken name, as OpenSSH's does, publishing without replace
// cannot hurt anybody's file; elsewhere a file that appears between the caller's look and the rename is replaced.
func (s *Session) Publish(ctx context.Context, temp, final string, replace bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	caps := s.caps.Load()
	if replace && caps.PosixRename {
		return s.do("rename", final, 0, func() error { return s.sftp.PosixRename(temp, final) })
	}
	err := s.do("rename", final, 0, func() error { return s.sftp.Rename(temp, final) })
	switch KindOf(err) {
	case Refused, Exists, Permission, Unsupported:
	default:
		return err
	}
	if err == nil {
		return nil
	}
	// Status 4 does not say why: look what stands there.
	if _, statErr := s.Stat(ctx, final); statErr != nil {
		return err
	}
	if !replace {
		return &Error{Op: "rename", Destination: s.target.Name, Path: final, Kind: Exists, Err: errors.New("a file stands there already")}
	}
	return s.replaceByBackup(ctx, temp, final)
}

// replaceByBackup replaces our earlier version at a server that cannot do it in one step: the old file goes to a name of
// the intent's own, the new one takes its place, the old one is removed. The name is free for a moment, which no
// reader can take for part of a file. When the new file cannot take the place, the old one is put back.
func (s *Session) replaceByBackup(ctx context.Context, temp, final string) error {
	backup := BackupName(temp)
	if err := s.Remove(ctx, backup); err != nil { // of an attempt that was cut off
		return err
	}
	if err := s.do("rename", final, 0, func() error { return s.sftp.Rename(final, backup) }); err != nil {
		return err
	}
	if err := s.do("rename", final, 0, func() error { return s.sftp.Rename(temp, final) }); err != nil {
		back := s.do("rename", backup, 0, func() error { return s.sftp.Rename(backup, final) })
		return errors.Join(err, back)
	}
	return s.Remove(ctx, backup)
}

// BackupName returns where the file that temp replaces is kept meanwhile, at a server that cannot replace in one step.
func BackupName(temp string) string {
	return strings.TrimSuffix(temp, file.TempSuffix) + ".old" + file.TempSuffix
}
