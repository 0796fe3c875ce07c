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
	CheckFile  = "check-file"  // a hash that the SFTP server computed by itself
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
	// Proof is for a file that the server has put together: a hash there is the last word, and where there is none after all,
	// the error is of kind Unsupported.
	Proof Demand = "proof"
)

// Evidence tells what a file's verification has rested on.
type Evidence struct {
	Kind    string // RemoteHash, CheckFile, ReadBack or SizeOnly
	Command string // of RemoteHash; SizeBeforeClose for SizeOnly where the server tells nothing of a closed file
}

// SizeBeforeClose is the command of a size that the server told of the open handle, after the last write and before the
// close.
const SizeBeforeClose = "fstat before close"

// refusal tells whether a server declines to answer, rather than that there is nothing.
func refusal(err error) bool { return Permission.is(err) || Refused.is(err) || Unsupported.is(err) }

// Verify compares a remote file with what was sent. An error of kind Integrity says that it differs.
//
// The evidence is the strongest that costs no second transfer: a hash command, a check-file request, else the size; for
// Content a hash or every byte read back. A small file is read back in any case, where the server lets it be. Of an empty file the size says all that there is to say, and so it suffices where
// the server refuses to hash and to read one, but it is called what it is.
//
// A server may refuse to look at a file that is closed. Then its size is the one that it told before the close, where the
// upload was made in this session, unless the content is proved. That the file is missing is an error: it
// was acknowledged, and nobody is to take a temp.
func (s *Session) Verify(ctx context.Context, name string, size int64, sum []byte, demand Demand) (Info, Evidence, error) {
	info, evidence, err := s.verify(ctx, name, size, sum, demand)
	if err != nil || evidence.Kind != SizeOnly {
		s.noteStripes(name, err)
	}
	return info, evidence, err
}

func (s *Session) verify(ctx context.Context, name string, size int64, sum []byte, demand Demand) (Info, Evidence, error) {
	if demand != Size {
		if info, proved := s.takeProof(name, size, sum); proved {
			return info, Evidence{Kind: ReadBack}, nil
		}
		if s.isSmall(size) {
			info, done, err := s.verifySmall(ctx, name, size, sum)
			if done || err != nil {
				return info, Evidence{Kind: ReadBack}, err
			}
		}
	}
	hashing := s.hashMeanwhile(ctx, name, size, demand)
	info, evidence, unseen, err := s.look(ctx, name)
	got, means, hashErr := hashing()
	if err != nil {
		return Info{}, Evidence{}, err
	}
	if unseen != nil {
		info.Size = size // which only a proof of the content can show now
	}
	if info.Size != size {
		return info, Evidence{}, &Error{
			Op: "verify", Destination: s.target.Name, Path: name, Kind: Integrity,
			Err: fmt.Errorf("the server has %d bytes of %d", info.Size, size),
		}
	}
	if demand == Size {
		return bySize(info, evidence, unseen)
	}
	switch err = hashErr; {
	case err == nil && bytes.Equal(got, sum):
		return info, EvidenceOf(means), nil
	case err == nil && demand == Proof:
		return info, Evidence{}, s.mismatch(name, got, sum)
	case err != nil && (demand == Proof || !Unsupported.is(err)):
		return info, Evidence{}, err
	case err != nil && demand == Auto:
		return bySize(info, evidence, unseen)
	}
	// Reading back is the last word: a command that disagrees may see another file system than SFTP does.
	back, backErr := s.readBack(ctx, name, size)
	switch {
	case backErr == nil && bytes.Equal(back, sum):
		if err == nil {
			s.disbelieve(means)
		}
		return info, Evidence{Kind: ReadBack}, nil
	case backErr == nil:
		return info, Evidence{}, s.mismatch(name, back, sum)
	case err == nil && refusal(backErr):
		return info, Evidence{}, s.mismatch(name, got, sum) // an account that may not read has only the command's word
	case size == 0 && unseen == nil && refusal(backErr):
		return info, evidence, nil
	}
	return info, Evidence{}, backErr
}

// hashMeanwhile begins to hash a file at the server, where that is wanted, and returns what waits for the result. It takes
// a round trip of its own, as looking does.
func (s *Session) hashMeanwhile(ctx context.Context, name string, size int64, demand Demand) func() (sum []byte, means string, err error) {
	if demand == Size {
		return func() ([]byte, string, error) { return nil, "", nil }
	}
	type result struct {
		sum   []byte
		means string
		err   error
	}
	done := make(chan result, 1)
	go func() { // ends before Verify does
		var r result
		r.sum, r.means, r.err = s.Hash(ctx, name, size)
		done <- r
	}()
	return func() ([]byte, string, error) {
		r := <-done
		return r.sum, r.means, r.err
	}
}

// look returns what the server says of a file, and the evidence that this is. unseen is why it says nothing, where it
// refuses to.
func (s *Session) look(ctx context.Context, name string) (info Info, evidence Evidence, unseen, err error) {
	evidence = Evidence{Kind: SizeOnly}
	info, err = s.Stat(ctx, name)
	if !refusal(err) {
		return info, evidence, nil, err
	}
	s.note(func(c *Capabilities) { c.Stat = false }) // the next upload asks before it closes
	if told, ok := s.told.Load(name); ok {
		evidence.Command = SizeBeforeClose
		return told.(Info), evidence, nil, nil
	}
	return Info{}, evidence, err, nil
}

// bySize is a verification that nothing but the size speaks for; nothing does where the server has not told it.
func bySize(info Info, evidence Evidence, unseen error) (Info, Evidence, error) {
	if unseen != nil {
		return Info{}, Evidence{}, unseen
	}
	return info, evidence, nil
}

// EvidenceOf returns the evidence that a means is by which Hash has proved a content.
func EvidenceOf(means string) Evidence {
	if isCheckFile(means) {
		return Evidence{Kind: CheckFile}
	}
	return Evidence{Kind: RemoteHash, Command: means}
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

var (
	// errShortFile says that a remote file ends before the size that the server tells, or that was sent.
	errShortFile = errors.New("the file ends before its size")
	// errOtherBytes says that a remote file does not hold what was sent.
	errOtherBytes = errors.New("the file has other bytes than were sent")
	// errLongFile says that it goes on after that.
	errLongFile = errors.New("the file goes on after its size")
)

// ReadBack returns the SHA-256 of a remote file, read over SFTP.
func (s *Session) ReadBack(ctx context.Context, name string) ([]byte, error) {
	return s.readBack(ctx, name, sizeTold)
}

func (s *Session) readBack(ctx context.Context, name string, expected int64) ([]byte, error) {
	h := sha256.New()
	if err := s.read(ctx, name, h, expected); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}

// sizeTold is for a file of which nobody but the server knows the size.
const sizeTold = -1

// Read copies a remote file to w. pkg/sftp's own concurrent reader loses data where a server answers with less than was
// asked for (pkg/sftp#658), so the window of requests in flight is kept here. An error that is no *Error is that of w or
// of ctx.
func (s *Session) Read(ctx context.Context, name string, w io.Writer) error {
	return s.read(ctx, name, w, sizeTold)
}

// read is Read. Where the server refuses to tell the size, it is taken to be the expected one.
func (s *Session) read(ctx context.Context, name string, w io.Writer, expected int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var f *sftp.File
	if err := s.takeFiles(ctx, 1, "read", name); err != nil {
		return err
	}
	defer s.handles.give(1)
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
	untold := expected != sizeTold && refusal(err)
	if untold {
		size, err = expected, nil
	}
	if err == nil {
		err = s.readChunks(ctx, name, f, size, w)
	}
	if err == nil && untold {
		err = s.endsAt(name, f, size)
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
		for off := int64(0); off < size; {
			at, n := off, min(pacedPiece(s.limit(), readChunk), size-off)
			late := s.awaitRead(ctx, name, int(n))
			result := make(chan chunk, 1)
			select {
			case window <- result:
			case <-ctx.Done():
				return
			}
			if late != nil {
				result <- chunk{err: late}
				return
			}
			readers.Go(func() {
				data := make([]byte, n)
				result <- chunk{data, s.readAt(name, f, data, at)}
			})
			off += n
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

// endsAt checks that a file has no more than so many bytes.
func (s *Session) endsAt(name string, f io.ReaderAt, size int64) error {
	var more [1]byte
	return s.do("read", name, func() error {
		n, err := f.ReadAt(more[:], size)
		switch {
		case n > 0:
			return errLongFile
		case err == io.EOF: // a wrapped one comes from the connection
			return nil
		}
		return err
	})
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
