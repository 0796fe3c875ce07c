package state

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrHeld says that another process has what was to be held.
var ErrHeld = errors.New("another process holds it")

// Hold makes the process the only one that works on what name stands for, until release, or until the process ends,
// however it ends. It does not wait: ErrHeld says that another one has it.
//
// One file of the directory, which stays, serves for all names: each is one byte of it, which need not be there, so that
// names leave nothing behind.
func Hold(dir, name string) (release func() error, err error) {
	f, err := os.OpenFile(filepath.Join(dir, "holds"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	held, err := tryHold(f, placeOf(name))
	if err == nil && !held {
		err = ErrHeld
	}
	if err == nil {
		err = ownAsDirectory(f)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("state: hold %q: %w", name, err), f.Close())
	}
	return f.Close, nil
}

// placeOf returns the offset of a name's byte. That two names at work share one is as likely as two equal ids.
func placeOf(name string) int64 {
	sum := sha256.Sum256([]byte(name))
	return int64(binary.BigEndian.Uint64(sum[:8]) >> 2) // well below the largest offset of any system
}
