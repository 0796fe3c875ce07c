package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"
)

// ErrNoAgent says that no agent answers for a state directory.
var ErrNoAgent = errors.New("no agent is running")

// ErrRunning says that an agent answers already for a state directory.
var ErrRunning = errors.New("another agent is running")

// connectWithin bounds connecting. Both ends are on one machine: the kernel connects, however busy the agent is.
const connectWithin = time.Second

// addressFile is the file in the state directory that says where the agent listens, where that is not a socket at a
// fixed name.
const addressFile = "control.addr"

// address is a place where an agent listens, or has listened.
type address struct {
	network string // of package net
	where   string
	token   string // what both ends know and nobody else; "" where the file system keeps others out
}

// endpoint is an address that this process listens at.
type endpoint struct {
	address
	listener net.Listener
	remove   func() error // takes away the files that lead to the address, unless they are another agent's by now
}

// connect opens a connection. An ErrNoAgent says that nothing listens.
func (a address) connect(ctx context.Context) (net.Conn, error) {
	d := net.Dialer{Timeout: connectWithin}
	conn, err := d.DialContext(ctx, a.network, a.where)
	var timeout net.Error
	switch {
	case err == nil:
		return conn, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case isRefused(err), errors.Is(err, fs.ErrNotExist), errors.As(err, &timeout) && timeout.Timeout():
		return nil, fmt.Errorf("dial %s: %w", a.where, ErrNoAgent)
	}
	return nil, err
}

// free returns nil if nobody answers at a, and an ErrRunning if an agent does.
func (a address) free() error {
	err := newClient(a).greet(context.Background())
	switch {
	case err == nil:
		return fmt.Errorf("%w: it answers at %s", ErrRunning, a.where)
	case errors.Is(err, ErrNoAgent):
		return nil
	}
	return err
}

// writeAddress replaces the address file in dir by one that only this account reads. The file appears whole.
func writeAddress(dir, text string) error {
	name := filepath.Join(dir, addressFile)
	fresh := name + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := writePrivate(fresh, text); err != nil {
		return err
	}
	if err := os.Rename(fresh, name); err != nil {
		return errors.Join(err, os.Remove(fresh))
	}
	return nil
}

// writePrivate writes a file that must not exist, as createPrivate makes it. It leaves none behind that is not whole.
func writePrivate(name, text string) error {
	f, err := createPrivate(name)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}

// removeAddress removes the address file in dir if it still says text.
func removeAddress(dir, text string) error {
	name := filepath.Join(dir, addressFile)
	b, err := os.ReadFile(name)
	if err == nil && string(b) == text {
		err = os.Remove(name)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
