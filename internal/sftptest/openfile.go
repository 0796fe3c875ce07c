package sftptest

import (
	"bytes"
	"errors"
	"io"
	"os"
	"sync"
)

// openFile is a file that a client has open. Its reads and writes may come from several workers at once.
type openFile struct {
	view    *view
	f       *os.File
	name    string
	written bool // opened for writing

	once     sync.Once
	closeErr error
}

// ReadAt reads as the fault table lets it.
func (o *openFile) ReadAt(p []byte, off int64) (n int, err error) {
	failed := o.view.do(OpRead, o.name, "", func(m meeting) error {
		if r := m.find(shortRead); r != nil {
			p = p[:min(int64(len(p)), max(r.bytes, 1))]
		}
		if r := m.find(endOfFile); r != nil {
			p = p[:max(0, min(int64(len(p)), r.bytes-off))]
		}
		if len(p) == 0 {
			err = io.EOF
			return nil
		}
		n, err = o.f.ReadAt(p, off)
		if errors.Is(err, io.EOF) {
			return nil // the end of a file is no reason to leave out late faults
		}
		return err
	})
	if failed != nil {
		return n, failed
	}
	return n, err
}

// WriteAt writes as the fault table lets it, and reports all of p as written unless there is an error.
func (o *openFile) WriteAt(p []byte, off int64) (int, error) {
	err := o.view.do(OpWrite, o.name, "", func(m meeting) error {
		if m.find(loseWrite) != nil {
			return nil
		}
		if m.find(corruptWrite) != nil && len(p) > 0 {
			p = bytes.Clone(p)
			p[0] ^= 0xff
		}
		room := o.view.faults.spend(m, len(p))
		if _, err := o.f.WriteAt(p[:room], off); err != nil {
			return err
		}
		if room < len(p) {
			return Failure
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close closes the file. What the session leaves open at its end is closed without faults.
func (o *openFile) Close() error {
	if o.view.ctx.Err() != nil {
		return o.release()
	}
	err := o.view.do(OpClose, o.name, "", func(meeting) error { return o.release() })
	if closed := o.release(); err == nil {
		err = closed
	}
	return err
}

// release closes the file, once.
func (o *openFile) release() error {
	o.once.Do(func() {
		o.closeErr = o.f.Close()
		o.view.open.Add(-1)
		if o.written {
			o.view.faults.wroteAndClosed(o.name)
		}
	})
	return o.closeErr
}

// spend returns how many of n bytes still fit on the small disks of the call, and takes them.
func (f *Faults) spend(m meeting, n int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range m.rules {
		if r.effect == diskFull {
			n = int(max(0, min(int64(n), r.bytes-r.used)))
			r.used += int64(n)
		}
	}
	return n
}

// diskLeft returns what is left on the smallest disk of the table.
func (f *Faults) diskLeft() (left int64, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.table {
		if r.effect == diskFull && (!ok || r.bytes-r.used < left) {
			left, ok = r.bytes-r.used, true
		}
	}
	return left, ok
}
