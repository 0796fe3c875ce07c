package remote

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dropferry/dropferry/file"
)

// Publish gives a temp its final name. With replace, the caller has just seen that our own earlier version stands there;
// without, nothing is expected there, and whatever stands there is left alone: the error is then of kind Exists.
//
// Where Capabilities know of no posix-rename, a version that is replaced goes to BackupName(temp), for the caller to remove.
// A posix-rename that turns out to be missing is an error of kind Unsupported, and known from then on: who calls again has
// the other way.
//
// SFTP has no compare-and-swap. Where plain RENAME refuses a taken name, as OpenSSH's does, publishing without replace
// cannot hurt anybody's file; elsewhere a file that appears between the caller's look and the rename is replaced.
func (s *Session) Publish(ctx context.Context, temp, final string, replace bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if replace && s.caps.Load().PosixRename {
		err := s.do("rename", final, func() error { return s.sftp.PosixRename(temp, final) })
		if Unsupported.is(err) {
			s.note(func(c *Capabilities) { c.PosixRename = false })
		}
		return err
	}
	rename := func() error { return s.rename(temp, final) }
	var err error
	if dir := dirOf(final); dir == dirOf(temp) {
		err = rename()
	} else { // which may have to be made yet
		err = s.inDir(ctx, dir, rename)
	}
	switch {
	case err == nil:
		return nil
	case !Refused.is(err) && !Exists.is(err) && !Permission.is(err) && !Unsupported.is(err):
		return err
	}
	// The status does not say why, or not reliably: look what stands there.
	if !s.isTaken(ctx, temp, final) {
		return refusedRename(err, temp, final)
	}
	if !replace {
		return &Error{Op: "rename", Destination: s.target.Name, Path: final, Kind: Exists, Err: errors.New("a file stands there already")}
	}
	return s.replaceByBackup(ctx, temp, final)
}

// isTaken tells whether a file stands at the final name. A server may refuse to look at closed files: then one is there if it
// says of another name that nothing is.
func (s *Session) isTaken(ctx context.Context, temp, final string) bool {
	_, err := s.Stat(ctx, final)
	return err == nil || refusal(err) && s.isMissing(ctx, BackupName(temp)+".part")
}

// refusedRename says what can be done about a server that refuses to rename to a free name.
func refusedRename(err error, temp, final string) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	if e.Hint == hintTooLong {
		return err
	}
	told := *e
	told.Hint = `if this server never renames files, set publish = "direct", which is not atomic`
	if dirOf(temp) != dirOf(final) {
		told.Hint = "temp_dir may lie on another file system than the file's final name: leave it out, or choose another"
	}
	return &told
}

// rename makes a plain RENAME. An error names where the file was to go.
func (s *Session) rename(from, to string) error {
	return s.do("rename", to, func() error { return s.sftp.Rename(from, to) })
}

// replaceByBackup replaces our earlier version at a server that cannot do it in one step: the old file goes to a name of
// the intent's own, and the new one takes its place. The name is free for a moment, which no reader can take for part of a
// file. When the new file cannot take the place, the old one is put back.
func (s *Session) replaceByBackup(ctx context.Context, temp, final string) error {
	backup := BackupName(temp)
	if err := s.Remove(ctx, backup); err != nil { // of an attempt that was cut off
		return err
	}
	if err := s.rename(final, backup); err != nil {
		return err
	}
	if err := s.rename(temp, final); err != nil {
		var e *Error
		if back := s.rename(backup, final); back != nil && errors.As(err, &e) {
			stranded := *e
			stranded.Err = fmt.Errorf("%w; the earlier version could not be put back and is at %s", e.Err, printable(backup))
			return &stranded
		}
		return err
	}
	return nil
}

// BackupName returns where the file that temp replaces is kept meanwhile, at a server that cannot replace in one step.
func BackupName(temp string) string {
	return strings.TrimSuffix(temp, file.TempSuffix) + ".old" + file.TempSuffix
}
