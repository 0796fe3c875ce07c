package sftptest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"

	"github.com/pkg/sftp"
)

// PosixRename renames and replaces an existing target, as posix-rename@openssh.com does.
func (v *view) PosixRename(r *sftp.Request) error {
	return v.do(OpPosixRename, r.Filepath, r.Target, func(m meeting) error {
		if err := v.root.Rename(v.local(r.Filepath), v.local(r.Target)); err != nil {
			return err
		}
		return v.renamed(r.Filepath, r.Target, m)
	})
}

// rename renames and refuses an existing target, in OpenSSH's way: a regular file is linked to its new name, which
// leaves no moment for somebody else's file to be replaced; see process_rename in its sftp-server.c.
func (v *view) rename(from, to string, m meeting) error {
	if err := v.move(v.local(from), v.local(to), m.find(overwrite) != nil); err != nil {
		return err
	}
	return v.renamed(from, to, m)
}

func (v *view) move(from, to string, replace bool) error {
	if replace {
		return v.root.Rename(from, to)
	}
	info, err := v.root.Lstat(from)
	if err != nil {
		return err
	}
	if info.Mode().IsRegular() && runtime.GOOS != "windows" { // where what somebody reads by one name keeps the other, too
		err := v.root.Link(from, to)
		if err == nil {
			return v.root.Remove(from)
		}
		if errors.Is(err, fs.ErrExist) {
			return Failure
		}
		// The file system may have no links.
	}
	switch _, err := v.root.Lstat(to); {
	case err == nil:
		return Failure
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return v.root.Rename(from, to)
}

// renamed lets happen what a server does to a file that has got its final name.
func (v *view) renamed(from, to string, m meeting) error {
	v.faults.moved(from, to)
	r := m.find(vanish)
	if r == nil {
		return nil
	}
	if r.text == "" {
		return v.root.Remove(v.local(to))
	}
	return os.Rename(filepath.Join(v.dir, v.local(to)), free(r.text, path.Base(to)))
}

// free returns a path in dir for base, numbered if base is taken.
func free(dir, base string) string {
	name := filepath.Join(dir, base)
	for n := 2; ; n++ {
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			return name
		}
		name = filepath.Join(dir, fmt.Sprintf("%s.%d", base, n))
	}
}

// The table remembers which files were written and closed, for RefuseStatAfterClose.

func (f *Faults) wroteAndClosed(name string) {
	if _, ok := f.standing(refuseStat, name); !ok {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed == nil {
		f.closed = map[string]bool{}
	}
	f.closed[name] = true
}

func (f *Faults) reopened(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.closed, name)
}

func (f *Faults) moved(from, to string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed[from] {
		f.closed[to] = true
		delete(f.closed, from)
	}
}

func (f *Faults) unstatable(name string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.closed[name]
}
