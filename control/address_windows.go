package control

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
)

// listenIn listens at a free port of the loopback interface. The address file in dir names it, with the token: whoever
// can read the file may ask.
func listenIn(dir string) (endpoint, error) {
	if err := clearAddress(dir); err != nil {
		return endpoint{}, err
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return endpoint{}, err
	}
	a := address{network: "tcp4", where: l.Addr().String(), token: rand.Text()}
	text := a.where + "\n" + a.token + "\n"
	if err := writeAddress(dir, text); err != nil {
		return endpoint{}, errors.Join(err, l.Close())
	}
	return endpoint{a, l, func() error { return removeAddress(dir, text) }}, nil
}

// clearAddress makes sure that no agent answers for dir. What a dead one has left is replaced later.
func clearAddress(dir string) error {
	a, err := find(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return a.free()
}

// find returns where the agent of the state directory dir listens, if there is one. An fs.ErrNotExist says that there
// is none.
func find(dir string) (address, error) {
	name := filepath.Join(dir, addressFile)
	b, err := os.ReadFile(name)
	if err != nil {
		return address{}, err
	}
	where, token, _ := strings.Cut(string(b), "\n")
	token = strings.TrimSuffix(token, "\n")
	if a, err := netip.ParseAddrPort(where); err != nil || !a.Addr().IsLoopback() || token == "" {
		return address{}, fmt.Errorf("read %s: it names no agent: %w", name, fs.ErrNotExist)
	}
	return address{network: "tcp4", where: where, token: token}, nil
}

// createPrivate creates a file that must not exist, for this account, the system and administrators, who are what root
// is elsewhere. It inherits nothing: directories under %ProgramData% let all users read.
func createPrivate(name string) (*os.File, error) {
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return nil, os.NewSyscallError("GetTokenUser", err)
	}
	sd, err := windows.SecurityDescriptorFromString("D:P(A;;FA;;;" + user.User.Sid.String() + ")(A;;FA;;;SY)(A;;FA;;;BA)")
	if err != nil {
		return nil, os.NewSyscallError("ConvertStringSecurityDescriptorToSecurityDescriptor", err)
	}
	p, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return nil, &os.PathError{Op: "create", Path: name, Err: err}
	}
	sa := windows.SecurityAttributes{SecurityDescriptor: sd}
	sa.Length = uint32(unsafe.Sizeof(sa))
	h, err := windows.CreateFile(p, windows.GENERIC_WRITE, 0, &sa, windows.CREATE_NEW, windows.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		return nil, &os.PathError{Op: "create", Path: name, Err: err}
	}
	return os.NewFile(uintptr(h), name), nil
}

func isRefused(err error) bool { return errors.Is(err, windows.WSAECONNREFUSED) }
