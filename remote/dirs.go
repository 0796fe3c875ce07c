package remote

import (
	"context"
	"errors"
	"os"
	"path"
	"sync"
)

// dirs are the remote directories that are known to exist, and those that are being made: many files that need one
// directory make it once.
type dirs struct {
	sync.Map // remote directory -> struct{}

	mu     sync.Mutex
	making map[string]*making
}

// making is a directory on its way.
type making struct {
	done chan struct{}
	err  error // set before done is closed
}

// begin tells whether the caller is to make a directory; if not, m ends with it.
func (d *dirs) begin(dir string) (m *making, mine bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if m := d.making[dir]; m != nil {
		return m, false
	}
	if d.making == nil {
		d.making = map[string]*making{}
	}
	m = &making{done: make(chan struct{})}
	d.making[dir] = m
	return m, true
}

func (d *dirs) end(dir string, m *making, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.making, dir)
	m.err = err
	close(m.done)
}

// MkdirAll makes a remote directory and those above it that are missing, but not the root: that a root is missing
// is a mistake to tell, not one to hide. Directories made or seen once are remembered for the session.
func (s *Session) MkdirAll(ctx context.Context, dir string) error {
	for {
		if _, known := s.dirs.Load(dir); known || dir == "." || dir == "/" || dir == "" || dir == path.Clean(s.root()) {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		m, mine := s.dirs.begin(dir)
		if mine {
			err := s.makeDir(ctx, dir)
			s.dirs.end(dir, m, err)
			return err
		}
		select {
		case <-m.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		if m.err != nil && !errors.Is(m.err, context.Canceled) && !errors.Is(m.err, context.DeadlineExceeded) {
			return m.err
		}
	}
}

// MakeDir is MkdirAll for a directory that others may have removed since the session has made or seen it.
func (s *Session) MakeDir(ctx context.Context, dir string) error {
	if _, known := s.dirs.Load(dir); known {
		if _, err := s.follow(dir); Missing.is(err) || Refused.is(err) {
			s.forgetDirs() // those above it may be gone, too
		}
	}
	return s.MkdirAll(ctx, dir)
}

func (s *Session) makeDir(ctx context.Context, dir string) error {
	err := s.mkdir(dir)
	if Missing.is(err) || Refused.is(err) && s.lacksDir(ctx, dirOf(dir)) {
		if err := s.MkdirAll(ctx, dirOf(dir)); err != nil {
			return err
		}
		if err = s.mkdir(dir); Missing.is(err) {
			return s.rootErrorOr(ctx, err)
		}
	}
	if err != nil { // status 4 says only that it failed: most often that it exists
		fi, statErr := s.follow(dir)
		switch {
		case statErr != nil:
			return err
		case !fi.IsDir():
			return &Error{Op: "mkdir", Destination: s.target.Name, Path: dir, Kind: Exists, Err: errors.New("a file stands where a directory is needed")}
		}
	}
	s.dirs.Store(dir, struct{}{})
	return nil
}

// inDir does what needs a directory, and does it again when that was missing and has been made: to ask for it first would cost a
// round trip for each file.
func (s *Session) inDir(ctx context.Context, dir string, do func() error) error {
	_, known := s.dirs.Load(dir)
	err := do()
	if lacking := Missing.is(err) || Refused.is(err) && s.lacksDir(ctx, dir); !lacking {
		return err
	}
	if known {
		s.forgetDirs()
	}
	if err := s.MkdirAll(ctx, dir); err != nil {
		return err
	}
	return do()
}

// lacksDir tells whether the server says that there is no directory dir: nothing, or a file, stands there or above it.
func (s *Session) lacksDir(ctx context.Context, dir string) bool {
	if dir == "." || dir == "/" || dir == "" || ctx.Err() != nil {
		return false
	}
	fi, err := s.follow(dir)
	// Some servers say of a name below a file only that it failed.
	return err == nil && !fi.IsDir() || Missing.is(err) || Refused.is(err) && s.lacksDir(ctx, dirOf(dir))
}

// follow looks at what a name leads to.
func (s *Session) follow(name string) (fi os.FileInfo, err error) {
	err = s.do("stat", name, func() (err error) { fi, err = s.sftp.Stat(name); return err })
	return fi, err
}

func (s *Session) mkdir(dir string) error {
	return s.do("mkdir", dir, func() error { return s.sftp.Mkdir(dir) })
}

// forgetDirs forgets which directories exist, after one of them has turned out to be gone.
func (s *Session) forgetDirs() { s.dirs.Clear() }
