package remote

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/pkg/sftp"
)

// Evidence is what a verification rests on, the strongest first.
const (
	RemoteHash = "remote-hash" // a hash command run at the server
	ReadBack   = "read-back"   // every byte read again over SFTP
	SizeOnly   = "size"        // the size, and nothing of the content
	Inferred   = "inferred"    // the private temp is gone: it was renamed, and somebody took the file
)

// Demand is how much evidence a verification has to bring.
type Demand string

// How much that can be.
const (
	Auto    Demand = "auto"    // the strongest that costs no second transfer
	Content Demand = "content" // proof of content, by reading back where nothing else is there
	Size    Demand = "size"    // the size suffices
)

// Evidence tells what a file's verification has rested on.
type Evidence struct {
	Kind    string // RemoteHash, ReadBack or SizeOnly
	Command string // of RemoteHash
}

// Verify compares a remote file with what was sent. An error of kind Integrity says that it differs.
func (s *Session) Verify(ctx context.Context, name string, size int64, sum []byte, demand Demand) (Info, Evidence, error) {
	info, err := s.Stat(ctx, name)
	if err != nil {
		return Info{}, Evidence{}, err
	}
	if info.Size != size {
		return info, Evidence{}, &Error{
			Op: "verify", Destination: s.target.Name, Path: name, Kind: Integrity,
			Err: fmt.Errorf("the server has %d bytes of %d", info.Size, size),
		}
	}
	if demand == Size {
		return info, Evidence{Kind: SizeOnly}, nil
	}
	got, command, err := s.Hash(ctx, name, size)
	switch {
	case err == nil && bytes.Equal(got, sum):
		return info, Evidence{Kind: RemoteHash, Command: command}, nil
	case err != nil && !Unsupported.is(err):
		return info, Evidence{}, err
	case err != nil && demand == Auto:
		return info, Evidence{Kind: SizeOnly}, nil
	}
	// Reading back is the last word: a command that disagrees may see another file system than SFTP does.
	back, backErr := s.ReadBack(ctx, name)
	switch {
	case backErr == nil && bytes.Equal(back, sum):
		if err == nil {
			s.hash.use("")
		}
		return info, Evidence{Kind: ReadBack}, nil
	case backErr == nil:
		return info, Evidence{}, s.mismatch(name, back, sum)
	case err == nil && (Permission.is(backErr) || Refused.is(backErr) || Unsupported.is(backErr)):
		return info, Evidence{}, s.mismatch(name, got, sum) // an account that may not read has only the command's word
	}
	return info, Evidence{}, backErr
}

// mismatch is the error of a file whose content at the server is not what was sent.
func (s *Session) mismatch(name string, got, want []byte) error {
	return &Error{
		Op: "verify", Destination: s.target.Name, Path: name, Kind: Integrity,
		Err: fmt.Errorf("the server has other content: SHA-256 %x, sent %x", got, want),
	}
}

const (
	readChunk  = 32 << 10 // what every server answers in one piece
	readWindow = 64       // chunks in flight
)

// errShortFile says that a remote file ends before the size that the server tells.
var errShortFile = errors.New("the file ends before its size")

// ReadBack returns the SHA-256 of a remote file, read over SFTP.
func (s *Session) ReadBack(ctx context.Context, name string) ([]byte, error) {
	h := sha256.New()
	if err := s.Read(ctx, name, h); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}

// Read copies a remote file to w. pkg/sftp's own concurrent reader loses data where a server answers with less than was
// asked for (pkg/sftp#658), so the window of requests in flight is kept here. An error that is no *Error is that of w or
// of ctx.
func (s *Session) Read(ctx context.Context, name string, w io.Writer) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var f *sftp.File
	err := s.do("read", name, func() (err error) {
		f, err = s.sftp.Open(name)
		return err
	})
	if err != nil {
		return err
	}
	var size int64
	err = s.do("read", name, func() error {
		fi, err := f.Stat()
		if err == nil {
			size = fi.Size()
		}
		return err
	})
	if err == nil {
		err = s.readChunks(ctx, name, f, size, w)
	}
	_ = s.do("close", name, f.Close) // a handle for reading: nothing is lost
	return err
}

// readChunks reads size bytes in order with readWindow requests in flight.
func (s *Session) readChunks(ctx context.Context, name string, f io.ReaderAt, size int64, w io.Writer) error {
	type chunk struct {
		data []byte
		err  error
	}
	ctx, cancel := context.WithCancel(ctx)
	window := make(chan chan chunk, readWindow)
	var readers sync.WaitGroup
	defer readers.Wait()
	defer cancel()
	readers.Go(func() {
		defer close(window)
		for off := int64(0); off < size; off += readChunk {
			result := make(chan chunk, 1)
			select {
			case window <- result:
			case <-ctx.Done():
				return
			}
			readers.Go(func() {
				data := make([]byte, min(readChunk, size-off))
				result <- chunk{data, s.readAt(name, f, data, off)}
			})
		}
	})
	for result := range window {
		c := <-result
		if c.err != nil {
			return c.err
		}
		if _, err := w.Write(c.data); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (s *Session) readAt(name string, f io.ReaderAt, data []byte, off int64) error {
	return s.do("read", name, func() error {
		n, err := f.ReadAt(data, off)
		switch {
		case n == len(data):
			return nil
		case err == nil, err == io.EOF: // a wrapped one comes from the connection
			return errShortFile
		}
		return err
	})
}
