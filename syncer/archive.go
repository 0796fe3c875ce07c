package syncer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/dropferry/dropferry/file"
)

// archiveMode is that of the directories of an archive which are not there yet: the group of the directory that they are made in, where that
// hands its group down (setgid), and otherwise the agent's, can read what is put away. A umask or a default ACL may say otherwise.
const archiveMode = 0o750

// archive moves the file from its private name to its archive path, or beside it where that name is taken.
func (t *takeaway) archive(ctx context.Context) (string, error) {
	to := t.intent.Archive
	if err := os.MkdirAll(filepath.Dir(to), archiveMode); err != nil {
		return "", err
	}
	err := t.move(ctx, to)
	if errors.Is(err, fs.ErrExist) {
		ext := filepath.Ext(to)
		to = strings.TrimSuffix(to, ext) + "." + t.intent.Version + ext
		err = t.move(ctx, to)
	}
	if err != nil {
		return "", err
	}
	return to, errors.Join(syncDir(filepath.Dir(to)), syncDir(filepath.Dir(t.private)))
}

// move renames, or copies where the archive is on another file system. It fails with fs.ErrExist where the name is taken
// by anything but this very file, as an attempt may have left it that a crash has cut off before the removal.
func (t *takeaway) move(ctx context.Context, to string) error {
	if isSameFile(t.private, to) { // for want of a better rename it has two names for a moment
		return os.Remove(t.private)
	}
	err := renameNoReplace(t.private, to)
	if isCrossDevice(err) {
		err = t.copy(ctx, to)
	}
	return err
}

// isCopied tells whether a copy of the file stands at to already. Equal bytes are not enough: yesterday's may have been
// the same.
func (t *takeaway) isCopied(to string) bool {
	here, errHere := os.Lstat(t.private)
	there, errThere := os.Lstat(to)
	return errHere == nil && errThere == nil && there.Mode().IsRegular() && here.Size() == there.Size() &&
		near(here.ModTime(), there.ModTime(), mtimeSlack) && sameBytes(t.private, to)
}

// copy moves the file to another file system: the copy is complete, synced and compared under a private name before it
// takes its own, and only then the original goes.
func (t *takeaway) copy(ctx context.Context, to string) error {
	if t.isCopied(to) {
		return os.Remove(t.private)
	}
	if _, err := os.Lstat(to); err == nil { // renames do not say so across file systems
		return &fs.PathError{Op: "archive", Path: to, Err: fs.ErrExist}
	}
	dir, base := filepath.Split(to)
	partial := filepath.Join(dir, file.PrivateName(base, t.intent.Version, file.TempSuffix))
	err := ignoreMissing(os.Remove(partial)) // of a copy that a crash has cut off
	if err == nil {
		err = copyFile(ctx, t.private, partial)
	}
	if err == nil && !sameBytes(t.private, partial) {
		err = fmt.Errorf("copy %s to %s: the copy is not the same", t.private, to)
	}
	if err == nil {
		crashpoint("copied")
		err = renameNoReplace(partial, to)
	}
	if err != nil {
		return errors.Join(err, ignoreMissing(os.Remove(partial)))
	}
	if err := syncDir(dir); err != nil {
		return err
	}
	return os.Remove(t.private)
}

// copyFile copies content, permissions and modification time, and syncs.
func copyFile(ctx context.Context, from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // opened for reading
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, info.Mode().Perm()|0o200)
	if err != nil {
		return err
	}
	n, err := io.Copy(out, &untilEnd{ctx, in})
	if err == nil && n != info.Size() {
		err = fmt.Errorf("copy %s: %d bytes of %d", from, n, info.Size())
	}
	if err == nil {
		err = out.Chmod(info.Mode().Perm())
	}
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	return os.Chtimes(to, info.ModTime(), info.ModTime())
}

// untilEnd reads until its context ends.
type untilEnd struct {
	ctx context.Context //nolint:containedctx // an io.Reader has no other way to hear of its end
	r   io.Reader
}

func (u *untilEnd) Read(b []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(b)
}

// sameBytes tells whether two files are surely equal.
func sameBytes(a, b string) bool {
	fa, err := os.Open(a)
	if err != nil {
		return false
	}
	defer fa.Close() //nolint:errcheck // opened for reading
	fb, err := os.Open(b)
	if err != nil {
		return false
	}
	defer fb.Close() //nolint:errcheck // opened for reading
	bufA, bufB := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		na, errA := io.ReadFull(fa, bufA)
		nb, errB := io.ReadFull(fb, bufB)
		if na != nb || string(bufA[:na]) != string(bufB[:nb]) {
			return false
		}
		if errA != nil || errB != nil {
			return endOfFile(errA) && endOfFile(errB)
		}
	}
}

func endOfFile(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
