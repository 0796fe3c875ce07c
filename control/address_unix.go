//go:build unix

package control

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

const socketName = "control.sock"

// maxSocketName is the length of a name that a socket can have everywhere: sun_path of unix(4) holds 104 bytes on
// macOS and 108 on Linux, the closing zero among them.
const maxSocketName = 103

// listenIn listens at a socket in the state directory dir. Where its name would be too long, the socket lies in a
// directory of its own for temporary files, and the address file says where. To look at the resolved name lets agent
// and client agree, whichever names they were given.
func listenIn(dir string) (endpoint, error) {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return endpoint{}, err
	}
	name := filepath.Join(dir, socketName)
	if len(name) <= maxSocketName {
		return listenAt(dir, name)
	}
	if err := clearFallback(dir); err != nil {
		return endpoint{}, err
	}
	place, err := os.MkdirTemp("", "dropferry-") // for this account only
	if err != nil {
		return endpoint{}, err
	}
	e, err := listenAt(dir, filepath.Join(place, socketName))
	if err != nil {
		return endpoint{}, errors.Join(err, os.Remove(place))
	}
	removeSocket := e.remove
	e.remove = func() error {
		return errors.Join(removeAddress(dir, e.where), removeSocket(), os.Remove(place))
	}
	if err := errors.Join(ownAs(dir, place), writeAddress(dir, e.where)); err != nil {
		return endpoint{}, errors.Join(err, e.listener.Close(), e.remove())
	}
	return e, nil
}

// clearFallback removes what a dead agent has left of a socket outside the state directory.
func clearFallback(dir string) error {
	a, err := find(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := clearSocket(a.where); err != nil {
		return err
	}
	_ = os.Remove(filepath.Dir(a.where)) // fails where there is something else in it, which is not ours to remove
	return nil
}

// listenAt listens at name for the owner of dir.
func listenAt(dir, name string) (endpoint, error) {
	if err := clearSocket(name); err != nil {
		return endpoint{}, err
	}
	l, err := listenPrivately(dir, name)
	if err != nil {
		return endpoint{}, err
	}
	mine, err := os.Lstat(name)
	if err != nil {
		return endpoint{}, errors.Join(err, l.Close())
	}
	remove := func() error {
		now, err := os.Lstat(name)
		if err == nil && os.SameFile(mine, now) {
			err = os.Remove(name)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	return endpoint{address{network: "unix", where: name}, l, remove}, nil
}

// clearSocket removes the socket of a dead agent at name, and nothing else.
func clearSocket(name string) error {
	info, err := os.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s is in the way: it is not a socket", name)
	}
	if err := (address{network: "unix", where: name}).free(); err != nil {
		return err
	}
	return os.Remove(name)
}

// listenPrivately makes the socket by hand, because its mode has to be set between bind and listen: before listen
// nobody can connect, and what connects afterwards has passed the mode. A umask would hold for the whole process.
func listenPrivately(dir, name string) (net.Listener, error) {
	if len(name) > maxSocketName {
		return nil, fmt.Errorf("bind %s: the name of a socket has at most %d bytes", name, maxSocketName)
	}
	fd, err := newSocket()
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), name)
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: name}); err != nil {
		return nil, errors.Join(&os.PathError{Op: "bind", Path: name, Err: err}, f.Close())
	}
	l, err := func() (net.Listener, error) {
		if err := errors.Join(os.Chmod(name, 0o600), ownAs(dir, name)); err != nil {
			return nil, err
		}
		if err := unix.Listen(fd, unix.SOMAXCONN); err != nil {
			return nil, &os.PathError{Op: "listen", Path: name, Err: err}
		}
		return net.FileListener(f) // a duplicate
	}()
	err = errors.Join(err, f.Close())
	if err != nil {
		return nil, errors.Join(err, os.Remove(name))
	}
	return l, nil
}

// newSocket returns a socket that processes started by this one do not inherit.
func newSocket() (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	unix.CloseOnExec(fd)
	return fd, nil
}

// find returns where the agent of the state directory dir listens, if there is one. An fs.ErrNotExist says that there
// is none.
func find(dir string) (address, error) {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return address{}, err
	}
	name := filepath.Join(dir, socketName)
	if len(name) > maxSocketName {
		name, err = readFallback(filepath.Join(dir, addressFile))
	}
	return address{network: "unix", where: name}, err
}

// readFallback returns the name of the socket that the address file pointer names.
func readFallback(pointer string) (string, error) {
	b, err := os.ReadFile(pointer)
	if err != nil {
		return "", err
	}
	name := string(b)
	if !filepath.IsAbs(name) || filepath.Base(name) != socketName {
		return "", fmt.Errorf("read %s: it names no socket: %w", pointer, fs.ErrNotExist)
	}
	same, err := sameOwner(pointer, filepath.Dir(name))
	if err == nil && !same {
		// A directory for temporary files is cleared now and then, and then anyone can take the name.
		err = fmt.Errorf("%s does not belong to the owner of %s: %w", filepath.Dir(name), pointer, fs.ErrNotExist)
	}
	return name, err
}

func sameOwner(a, b string) (bool, error) {
	var of [2]unix.Stat_t
	for i, name := range []string{a, b} {
		if err := unix.Lstat(name, &of[i]); err != nil {
			return false, &os.PathError{Op: "lstat", Path: name, Err: err}
		}
	}
	return of[0].Uid == of[1].Uid, nil
}

// createPrivate creates a file that must not exist, for the owner of its directory only.
func createPrivate(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if err := ownAs(filepath.Dir(name), name); err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(name))
	}
	return f, nil
}

// ownAs gives what root has made to the owner of dir: an agent that root runs for once must not lock out the account
// that the state belongs to.
func ownAs(dir, name string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil {
		return &os.PathError{Op: "stat", Path: dir, Err: err}
	}
	return os.Lchown(name, int(st.Uid), int(st.Gid))
}

func isRefused(err error) bool { return errors.Is(err, unix.ECONNREFUSED) }
