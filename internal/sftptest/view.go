package sftptest

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pkg/sftp"
)

// view is the server's directory as one SFTP session sees it: pkg/sftp's request handlers over an os.Root, with the
// fault table asked on each call. Paths are absolute, with "/" for the directory itself.
type view struct {
	root   *os.Root
	dir    string // of root, for what os.Root cannot do
	faults *Faults
	ctx    context.Context // ends with the session
	cut    func()          // cuts the client's connection
	open   *atomic.Int64   // files that the connection has open
	key    func(name string) string
}

// local returns the name of an SFTP path inside the root.
func (v *view) local(name string) string {
	if name = strings.TrimPrefix(path.Clean("/"+name), "/"); name == "" {
		return "."
	}
	return v.spelled(filepath.FromSlash(name))
}

// spelled returns a name as it is spelled in the directory, where the server takes several spellings for one name.
func (v *view) spelled(name string) string {
	if v.key == nil {
		return name
	}
	found := "."
	for element := range strings.SplitSeq(name, string(filepath.Separator)) {
		found = filepath.Join(found, v.spelledIn(found, element))
	}
	return found
}

func (v *view) spelledIn(dir, name string) string {
	if _, err := v.root.Lstat(filepath.Join(dir, name)); err == nil {
		return name
	}
	d, err := v.root.Open(dir)
	if err != nil {
		return name
	}
	defer d.Close()                //nolint:errcheck // opened for reading
	names, _ := d.Readdirnames(-1) // what cannot be read has the name that is asked for
	for _, other := range names {
		if v.key(other) == v.key(name) {
			return other
		}
	}
	return name
}

// do carries an operation out under the fault table. target is "" but for renames and links.
func (v *view) do(op, name, target string, act func(meeting) error) error {
	m := v.faults.meet(op, name, target)
	if err := m.apply(v.ctx, v.cut, false); err != nil {
		return status(err)
	}
	if err := act(m); err != nil {
		return status(err)
	}
	return status(m.apply(v.ctx, v.cut, true))
}

// status turns an error into the one that pkg/sftp answers with the code that OpenSSH would use.
func status(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return NoSuchFile
	case errors.Is(err, fs.ErrPermission):
		return PermissionDenied
	}
	return err // nil, a status of its own, or FAILURE with the error's text
}

// Fileread opens a file for reading. The method set is that of pkg/sftp's Handlers.
func (v *view) Fileread(r *sftp.Request) (io.ReaderAt, error) { return v.OpenFile(r) }

// Filewrite opens a file for writing.
func (v *view) Filewrite(r *sftp.Request) (io.WriterAt, error) { return v.OpenFile(r) }

// OpenFile opens a file with the flags of the request. APPEND is ignored: the request server writes at offsets.
func (v *view) OpenFile(r *sftp.Request) (sftp.WriterAtReaderAt, error) {
	flags, wants := 0, r.Pflags()
	switch {
	case wants.Read && wants.Write:
		flags = os.O_RDWR
	case wants.Write || wants.Append:
		flags = os.O_WRONLY
	}
	for _, f := range []struct {
		set  bool
		flag int
	}{{wants.Creat, os.O_CREATE}, {wants.Trunc, os.O_TRUNC}, {wants.Excl, os.O_EXCL}} {
		if f.set {
			flags |= f.flag
		}
	}
	var opened *openFile
	err := v.do(OpOpen, r.Filepath, "", func(m meeting) error {
		if m.find(ignoreExclusive) != nil && wants.Excl {
			flags = flags&^os.O_EXCL | os.O_TRUNC
		}
		if m.find(refuseResume) != nil && flags&(os.O_WRONLY|os.O_RDWR) != 0 && !wants.Trunc {
			return Unsupported
		}
		if limit, ok := v.faults.standing(maxOpen, r.Filepath); ok && v.open.Load() >= limit.bytes {
			return PermissionDenied
		}
		f, err := v.root.OpenFile(v.local(r.Filepath), flags, 0o644)
		if err != nil {
			return err
		}
		v.open.Add(1)
		opened = &openFile{view: v, f: f, name: r.Filepath, written: flags&(os.O_WRONLY|os.O_RDWR) != 0}
		return nil
	})
	if err != nil {
		if opened != nil { // a late fault: the client has no handle to close
			_ = opened.release()
		}
		return nil, err
	}
	if opened.written {
		v.faults.reopened(r.Filepath)
	}
	return opened, nil
}

// Filecmd changes the tree.
func (v *view) Filecmd(r *sftp.Request) error {
	name := r.Filepath
	switch r.Method {
	case "Setstat":
		return v.do(OpSetstat, name, "", func(m meeting) error { return v.setstat(r, m) })
	case "Rename":
		return v.do(OpRename, name, r.Target, func(m meeting) error { return v.rename(name, r.Target, m) })
	case "Mkdir":
		return v.do(OpMkdir, name, "", func(meeting) error { return v.root.Mkdir(v.local(name), 0o755) })
	case "Remove":
		return v.do(OpRemove, name, "", func(meeting) error { return v.remove(name, false) })
	case "Rmdir":
		return v.do(OpRmdir, name, "", func(meeting) error { return v.remove(name, true) })
	case "Link":
		return v.do(OpHardlink, name, r.Target, func(meeting) error {
			return v.root.Link(v.local(name), v.local(r.Target))
		})
	case "Symlink": // Filepath is what the link holds, as it is
		return v.do(OpSymlink, name, r.Target, func(meeting) error { return v.root.Symlink(name, v.local(r.Target)) })
	}
	return Unsupported
}

// setstat changes the attributes that the request names.
func (v *view) setstat(r *sftp.Request, m meeting) error {
	name := v.local(r.Filepath)
	if m.find(discard) != nil {
		if err := v.root.Remove(name); err != nil {
			return err
		}
		return PermissionDenied
	}
	sets, attr := r.AttrFlags(), r.Attributes()
	if sets.Size {
		f, err := v.root.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		if err := errors.Join(f.Truncate(int64(attr.Size)), f.Close()); err != nil {
			return err
		}
	}
	if sets.Permissions {
		if err := v.root.Chmod(name, attr.FileMode().Perm()); err != nil {
			return err
		}
	}
	if sets.UidGid {
		if err := v.root.Chown(name, int(attr.UID), int(attr.GID)); err != nil {
			return err
		}
	}
	if sets.Acmodtime {
		return v.root.Chtimes(name, time.Unix(int64(attr.Atime), 0), time.Unix(int64(attr.Mtime), 0))
	}
	return nil
}

// remove removes a file or an empty directory; os.Root's Remove takes both for one.
func (v *view) remove(name string, wantsDir bool) error {
	info, err := v.root.Lstat(v.local(name))
	if err != nil {
		return err
	}
	if info.IsDir() != wantsDir {
		return Failure
	}
	return v.root.Remove(v.local(name))
}

// RealPath returns the absolute path of name. Links are not resolved.
func (v *view) RealPath(name string) (string, error) {
	name = path.Clean("/" + name)
	return name, v.do(OpRealPath, name, "", func(meeting) error { return nil })
}

// Readlink returns what a symbolic link holds.
func (v *view) Readlink(name string) (held string, err error) {
	err = v.do(OpReadlink, name, "", func(meeting) error {
		held, err = v.root.Readlink(v.local(name))
		return err
	})
	return held, err
}

// StatVFS tells the free space of the directory's file system, or of the small disk that a fault makes of it.
func (v *view) StatVFS(r *sftp.Request) (stat *sftp.StatVFS, err error) {
	err = v.do(OpStatVFS, r.Filepath, "", func(meeting) error {
		if stat, err = statVFS(v.dir); err != nil {
			return err
		}
		if left, ok := v.faults.diskLeft(); ok && stat.Frsize > 0 {
			stat.Bfree = uint64(left) / stat.Frsize
			stat.Bavail = stat.Bfree
		}
		return nil
	})
	return stat, err
}
