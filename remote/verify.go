package remote

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sync"
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
	case err != nil && KindOf(err) != Unsupported:
		return info, Evidence{}, err
	case err != nil && demand == Auto:
		return info, Evidence{Kind: SizeOnly}, nil
	}
	// Reading back is the last word: a command that disagrees may see another file system than SFTP does.
	back, err2 := s.ReadBack(ctx, name)
	if err2 != nil {
		return info, Evidence{}, err2
	}
	if !bytes.Equal(back, sum) {
		return info, Evidence{}, s.mismatch(name, back, sum)
	}
	if err == nil {
		s.hash.use("")
	}
	return info, Evidence{Kind: ReadBack}, nil
}

const (
	readChunk  = 32 << 10 // what every server answers in one piece
	readWindow = 64       // chunks in flight
)

// ReadBack returns the SHA-256 of a remote file, read over SFTP.
func (s *Session) ReadBack(ctx context.Context, name string) ([]byte, error) {
	h := sha256.New()
	if err := s.Read(ctx, name, h); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}

// Read copies a remote file to w. pkg/sftp's own concurrent reader loses data where a server answers with less than was
// asked for (pkg/sftp#658), so the window of requests in flight is kept here.
func (s *Session) Read(ctx context.Context, name string, w io.Writer) error {
	var size int64
	var f io.ReaderAt
	err := s.do("read", name, 0, func() error {
		opened, err := s.sftp.Open(name)
		if err != nil {
			return err
		}
		f = opened
		fi, err := opened.Stat()
		if err == nil {
			size = fi.Size()
		}
		return err
	})
	if closer, ok := f.(io.Closer); ok && f != nil {
		defer closer.Close() //nolint:errcheck // a handle for reading: nothing is lost
	}
	if err != nil {
		return err
	}
	return s.readChunks(ctx, name, f, size, w)
}

// readChunks reads size bytes in order with readWindow requests in flight.
func (s *Session) readChunks(ctx context.Context, name string, f io.ReaderAt, size int64, w io.Writer) error {
	type chunk struct {
		data []byte
		err  error
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
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
				err := s.do("read", name, 0, func() error {
					n, err := f.ReadAt(data, off)
					if n == len(data) {
						return nil
					}
					if errors.Is(err, io.EOF) || err == nil {
						return errShortTransfer
					}
					return err
				})
				result <- chunk{data, err}
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
