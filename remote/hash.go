package remote

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// hashCommands are tried in turn. Each reads names that end in NUL from its standard input: no file name is ever part of
// a command line, so none can run a command, whatever shell the account has. openssl comes first because it uses the
// processor's SHA instructions where coreutils' sha256sum often does not.
var hashCommands = []string{
	"xargs -0 openssl dgst -sha256 -r",
	"xargs -0 sha256sum",
	"xargs -0 shasum -a 256",
}

const (
	maxHashBatch = 512     // files in one command
	maxHashReply = 4 << 20 // bytes of output that are kept
)

// errNoHash says that the server cannot hash.
var errNoHash = errors.New("the server offers no hash command to this account")

// hasher runs hash commands, one at a time; files that come while one runs share the next. It has no
// goroutine of its own: the caller whose turn it is runs the command for all that wait.
type hasher struct {
	mu      sync.Mutex
	command string
	waiting []*hashRequest
	running bool
}

type hashRequest struct {
	name string
	size int64
	sum  []byte
	err  error
	turn chan struct{} // this request's caller is to run the next command
	done chan struct{}
}

func (h *hasher) use(command string) {
	h.mu.Lock()
	h.command = command
	h.mu.Unlock()
}

// Hash returns the SHA-256 of a remote file, computed at the server, and the command that did it. size bounds the
// time. An error of kind Unsupported says that the server does not hash.
func (s *Session) Hash(ctx context.Context, name string, size int64) (sum []byte, command string, err error) {
	if err := ctx.Err(); err != nil {
		return nil, "", err
	}
	h := &s.hash
	h.mu.Lock()
	command = h.command
	if command == "" {
		h.mu.Unlock()
		return nil, "", &Error{Op: "hash", Destination: s.target.Name, Path: name, Kind: Unsupported, Err: errNoHash}
	}
	r := &hashRequest{name: name, size: size, turn: make(chan struct{}, 1), done: make(chan struct{})}
	h.waiting = append(h.waiting, r)
	if !h.running {
		h.running = true
		r.turn <- struct{}{}
	}
	h.mu.Unlock()
	select {
	case <-r.turn:
		s.hashWaiting(command)
	case <-r.done:
	}
	return r.sum, command, s.wrap("hash", name, r.err)
}

// hashWaiting hashes all files that wait, the caller's among them, and passes the turn on to one that has come meanwhile.
func (s *Session) hashWaiting(command string) {
	h := &s.hash
	h.mu.Lock()
	n := min(len(h.waiting), maxHashBatch)
	batch := h.waiting[:n:n]
	h.waiting = h.waiting[n:]
	h.mu.Unlock()
	s.hashBatch(command, batch)
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.waiting) == 0 {
		h.running = false
		h.waiting = nil
		return
	}
	h.waiting[0].turn <- struct{}{}
}

// hashBatch hashes the files of a batch with one command; where the output does not name each once, one by one.
func (s *Session) hashBatch(command string, batch []*hashRequest) {
	var names []string
	var size int64
	for _, r := range batch {
		names = append(names, r.name)
		size += r.size
	}
	sums, err := s.runHash(command, names, size)
	if err == nil && len(sums) != len(batch) && len(batch) > 1 {
		for _, r := range batch {
			s.hashBatch(command, []*hashRequest{r})
		}
		return
	}
	for i, r := range batch {
		switch {
		case err != nil:
			r.err = err
		case len(sums) != len(batch):
			r.err = &Error{Op: "hash", Destination: s.target.Name, Path: r.name, Kind: Unsupported, Err: errors.New("the hash command gave no digest")}
		default:
			r.sum = sums[i]
		}
		close(r.done)
	}
}

// runHash returns the digests in the command's output, in the order of names.
func (s *Session) runHash(command string, names []string, size int64) ([][]byte, error) {
	var input bytes.Buffer
	for _, name := range names {
		if !strings.HasPrefix(name, "/") {
			input.WriteString("./") // a name that begins with "-" is no option
		}
		input.WriteString(name)
		input.WriteByte(0)
	}
	out, err := s.exec(command, &input, slowLimit(size))
	if err != nil {
		return nil, err
	}
	return parseSums(out), nil
}

// exec runs a command at the server and returns its standard output. A failed command is no error: its output tells.
func (s *Session) exec(command string, input io.Reader, limit time.Duration) ([]byte, error) {
	var out bytes.Buffer
	err := s.do("run", command, limit, func() error {
		channel, err := s.client.NewSession()
		if err != nil {
			var refused *ssh.OpenChannelError
			if errors.As(err, &refused) {
				return &Error{Op: "run", Destination: s.target.Name, Path: command, Kind: Unsupported, Err: err}
			}
			return err
		}
		defer channel.Close() //nolint:errcheck // it is closed by the server already, or the connection is lost
		channel.Stdin = input
		channel.Stdout = &capped{buffer: &out, left: maxHashReply}
		err = channel.Run(command)
		var exit *ssh.ExitError
		var missing *ssh.ExitMissingError
		switch {
		case err == nil || errors.As(err, &exit) || errors.As(err, &missing):
			return s.Err()
		case s.Err() == nil:
			return &Error{Op: "run", Destination: s.target.Name, Path: command, Kind: Unsupported, Err: err}
		}
		return err
	})
	return out.Bytes(), err
}

// capped keeps the beginning of what a command prints.
type capped struct {
	buffer *bytes.Buffer
	left   int
}

func (c *capped) Write(b []byte) (int, error) {
	keep := min(len(b), c.left)
	c.buffer.Write(b[:keep])
	c.left -= keep
	return len(b), nil
}

// parseSums returns the digest at the beginning of each line that has one, in order: "<64 hex> *name", or with a
// backslash before it where sha256sum has escaped the name.
func parseSums(out []byte) [][]byte {
	var sums [][]byte
	for line := range bytes.Lines(out) {
		line = bytes.TrimPrefix(line, []byte(`\`))
		const digits = 2 * sha256.Size
		if len(line) <= digits || line[digits] != ' ' {
			continue
		}
		if sum, err := hex.DecodeString(string(line[:digits])); err == nil {
			sums = append(sums, sum)
		}
	}
	return sums
}

// proveHash returns the first command that hashes a file of known content rightly: it is there, it may be run, and it
// sees the same files as SFTP does, which an account in a chroot may not. "" where none does.
func (s *Session) proveHash(ctx context.Context, name string, want [sha256.Size]byte) string {
	for _, command := range hashCommands {
		if ctx.Err() != nil || s.Err() != nil {
			return ""
		}
		sums, err := s.runHash(command, []string{name}, 0)
		var e *Error
		if errors.As(err, &e) && e.Kind == Unsupported {
			return "" // no command at all
		}
		if len(sums) == 1 && bytes.Equal(sums[0], want[:]) {
			return command
		}
	}
	return ""
}

// mismatch is the error of a file whose content at the server is not what was sent.
func (s *Session) mismatch(name string, got, want []byte) error {
	return &Error{
		Op: "verify", Destination: s.target.Name, Path: name, Kind: Integrity,
		Err: fmt.Errorf("the server has other content: SHA-256 %x, sent %x", got, want),
	}
}
