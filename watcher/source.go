package watcher

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/dropferry/dropferry/file"
)

var (
	// ErrBusy is of a file that somebody has open for writing.
	ErrBusy = errors.New("being written")
	// ErrChanged is of a file that is not the version that was wanted.
	ErrChanged = errors.New("changed")
)

// Source is a file opened for sending. Its methods may be called from several goroutines, save that Read and Seek share
// one position.
type Source struct {
	f    *os.File
	root string
	path file.Path
	want file.Fingerprint

	follow bool // it was reached through a link
}

var _ interface {
	io.ReadSeekCloser
	io.ReaderAt
} = (*Source)(nil)

// Open opens the version want of the file p in the folder at root. A link below the root is followed only inside it, and
// only to the very file that want is of. On Windows others can read, rename and delete the file until it is closed, but
// not write to it; elsewhere they can: see Unchanged.
//
// It fails with ErrBusy where a writer has the file open, as far as that can be told; with ErrChanged where the file is
// another version, or no regular file; with fs.ErrNotExist where it is missing.
func Open(root string, p file.Path, want file.Fingerprint) (*Source, error) {
	way, err := descend(root)
	if err != nil {
		return nil, err
	}
	defer way.close()
	f, err := openIn(way, p)
	if err != nil && mayFollow(err, want) {
		way.follow = true
		f, err = openIn(way, p)
	}
	if err != nil {
		return nil, openError(root, p, err)
	}
	s := &Source{f: f, root: root, path: p, want: want, follow: way.follow}
	if err := s.check(); err != nil {
		return nil, errors.Join(openError(root, p, err), f.Close())
	}
	return s, nil
}

// mayFollow tells whether a link may stand where a file or a directory was wanted. Without the file's number another file
// might pass for the wanted one.
func mayFollow(err error, want file.Fingerprint) bool {
	return want.Inode != 0 && (isNotFile(err) || errors.Is(err, errNotDir))
}

func openIn(way *descent, p file.Path) (*os.File, error) {
	d, name, err := way.parent(p)
	if err != nil {
		return nil, err
	}
	return d.open(name)
}

// openError puts err in words of this package.
func openError(root string, p file.Path, err error) error {
	switch {
	case isBusy(err):
		err = ErrBusy
	case isNotFile(err), errors.Is(err, errNotDir), errors.Is(err, errLink):
		err = fmt.Errorf("%w: %w", ErrChanged, errNotFile)
	case errors.Is(err, ErrBusy), errors.Is(err, ErrChanged):
	default:
		return err // names operation and path
	}
	return fmt.Errorf("open %s: %w", p.In(root), err)
}

// check makes sure that the handle is of the wanted version and that nobody writes to it.
func (s *Source) check() error {
	if probeWriters(s.f) == writersPresent {
		return ErrBusy
	}
	print, err := file.OfHandle(s.f)
	if err == nil && !print.Same(s.want) {
		err = ErrChanged
	}
	return err
}

// Unchanged tells, after reading, whether what was read is the wanted version: the handle and the path both still have its
// fingerprint, and no writer has the file open. Else it fails with ErrChanged or ErrBusy.
func (s *Source) Unchanged() error {
	err := s.check()
	if err == nil {
		err = s.samePath()
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", s.path.In(s.root), err)
	}
	return nil
}

func (s *Source) samePath() error {
	way, err := descend(s.root)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrChanged, err)
	}
	defer way.close()
	way.follow = s.follow
	d, name, err := way.parent(s.path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrChanged, err)
	}
	switch st, err := d.lstat(name); {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrChanged, err)
	case !st.Same(s.want) || st.kind() != File:
		return ErrChanged
	}
	return nil
}

// Size is the size of the wanted version in bytes.
func (s *Source) Size() int64 { return s.want.Size }

// Read is that of io.Reader.
func (s *Source) Read(b []byte) (int, error) { return s.f.Read(b) }

// ReadAt is that of io.ReaderAt.
func (s *Source) ReadAt(b []byte, off int64) (int, error) { return s.f.ReadAt(b, off) }

// Seek is that of io.Seeker.
func (s *Source) Seek(offset int64, whence int) (int64, error) { return s.f.Seek(offset, whence) }

// Close closes the file.
func (s *Source) Close() error { return s.f.Close() }
