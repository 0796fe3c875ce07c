package logs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
)

// File is a log file. When it would grow over its size it becomes NAME.1, what was that becomes NAME.2, and so on; the
// oldest is removed. A file that cannot be put aside, because another program holds it, say, grows on.
type File struct {
	name  string
	limit int64
	keep  int

	file     *os.File // nil where it could not be opened anew
	closed   bool
	size     int64
	least    int64 // of size, before it is tried again to put a file aside that could not be
	torn     bool  // the last line is not whole
	fallback io.Writer
	failing  bool // and that was told
	grows    bool // likewise
}

// OpenFile opens a log file of at most limit bytes, of which keep older ones stay. Only its owner can read it. Where it cannot
// be written later, records go to fallback.
func OpenFile(name string, limit int64, keep int, fallback io.Writer) (*File, error) {
	if err := makeDirectory(filepath.Dir(name)); err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	f := &File{name: name, limit: limit, keep: keep, fallback: fallback}
	if err := f.open(); err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	return f, nil
}

// makeDirectory makes a directory and those above it, for their owner only.
func makeDirectory(dir string) error {
	err := os.Mkdir(dir, 0o700)
	if errors.Is(err, fs.ErrNotExist) && filepath.Dir(dir) != dir {
		if err := makeDirectory(filepath.Dir(dir)); err != nil {
			return err
		}
		err = os.Mkdir(dir, 0o700)
	}
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil
	case err != nil:
		return err
	}
	return ownAsDirectory(dir)
}

func (f *File) open() error {
	_, missing := os.Stat(f.name)
	file, err := os.OpenFile(f.name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file", f.name)
	}
	if err == nil && errors.Is(missing, fs.ErrNotExist) {
		err = ownAsDirectory(f.name)
	}
	if err != nil {
		return errors.Join(err, file.Close())
	}
	f.file, f.size = file, info.Size()
	return nil
}

// Emit implements Sink.
func (f *File) Emit(_ slog.Record, line []byte) error {
	line = append(line, '\n')
	err := f.write(line)
	if err == nil {
		f.failing = false
		return nil
	}
	if !f.failing {
		f.failing = true
		_, _ = fmt.Fprintf(f.fallback, "dropferry: the log cannot be written: %v\n", err)
	}
	_, fallbackErr := f.fallback.Write(line)
	return errors.Join(err, fallbackErr)
}

func (f *File) write(line []byte) error {
	if f.closed {
		return fs.ErrClosed
	}
	if f.file == nil {
		if err := f.open(); err != nil {
			return err
		}
	}
	if f.size > 0 && f.size+int64(len(line)) > max(f.limit, f.least) {
		if err := f.rotate(); err != nil {
			return err
		}
	}
	if f.torn { // what comes next is a line of its own
		line = append([]byte{'\n'}, line...)
	}
	n, err := f.file.Write(line)
	f.size += int64(n)
	if n > 0 {
		f.torn = n < len(line)
	}
	return err
}

// rotate makes room for a new file. It is closed first: Windows does not rename what is open.
func (f *File) rotate() error {
	err := f.file.Close()
	f.file = nil
	if err != nil {
		return err
	}
	aside := f.putAside()
	if err := f.open(); err != nil {
		return errors.Join(aside, err)
	}
	f.least = 0
	if f.size > 0 { // it is the same one
		f.least = f.size + f.limit/10
	}
	if aside != nil && !f.grows {
		_, _ = fmt.Fprintf(f.fallback, "dropferry: the log is not rotated, and grows: %v\n", aside)
	}
	f.grows = aside != nil
	return nil
}

// putAside makes NAME the newest of the older files. It gets a name of its own first, so that what is older stays where it is
// if NAME cannot be renamed.
func (f *File) putAside() error {
	if f.keep == 0 {
		return os.Remove(f.name)
	}
	if _, err := os.Lstat(f.older(0)); err == nil { // this was broken off
		if err := f.shift(); err != nil {
			return err
		}
	}
	if err := os.Rename(f.name, f.older(0)); err != nil {
		return err
	}
	return f.shift()
}

func (f *File) shift() error {
	for n := f.keep; n > 0; n-- {
		older, newer := f.older(n), f.older(n-1)
		if err := os.Rename(newer, older); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// older names the file that is n rotations old. 0 is the one that is just being put aside.
func (f *File) older(n int) string { return fmt.Sprintf("%s.%d", f.name, n) }

// Close implements Sink.
func (f *File) Close() error {
	f.closed = true
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}
