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

var (
	// errNoHash says that the server does not hash.
	errNoHash = errors.New("the server offers no hash command to this account")
	// errNoDigest says that it does, but not this file.
	errNoDigest = errors.New("the hash command gave no digest of the file")
)

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
	if command == "" || strings.ContainsRune(name, 0) {
		h.mu.Unlock()
		return nil, "", s.wrap("hash", name, errNoHash)
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
	if r.err != nil {
		return nil, "", s.wrap("hash", name, r.err)
	}
	return r.sum, command, nil
}

// hashWaiting hashes the files that wait, the caller's first among them, and passes the turn on to one that is left or
// has come meanwhile.
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

// hashBatch hashes the files of a batch with one command. A name with a newline never shares a command: its second line
// could pass for another file's digest.
func (s *Session) hashBatch(command string, batch []*hashRequest) {
	var together []*hashRequest
	for _, r := range batch {
		if strings.ContainsRune(r.name, '\n') {
			r.settle(s.runHash(command, []*hashRequest{r}, s.hashLimit(r.size)))
		} else {
			together = append(together, r)
		}
	}
	s.hashTogether(command, together)
}

// hashTogether looks for the files that the command has nothing to say of by halves, where there are any.
func (s *Session) hashTogether(command string, batch []*hashRequest) {
	if len(batch) == 0 {
		return
	}
	var size int64
	for _, r := range batch {
		size += r.size
	}
	sums, err := s.runHash(command, batch, s.hashLimit(size))
	if err == nil && len(sums) != len(batch) && len(batch) > 1 {
		half := len(batch) / 2
		s.hashTogether(command, batch[:half])
		s.hashTogether(command, batch[half:])
		return
	}
	for i, r := range batch {
		r.settle(sums[min(i, len(sums)):], err)
	}
}

// settle answers a request with the first of the digests.
func (r *hashRequest) settle(sums [][]byte, err error) {
	switch {
	case err != nil:
		r.err = err
	case len(sums) == 0:
		r.err = errNoDigest
	default:
		r.sum = sums[0]
	}
	close(r.done)
}

// runHash returns the digests in the command's output, in the order of the batch.
func (s *Session) runHash(command string, batch []*hashRequest, limit time.Duration) ([][]byte, error) {
	var input bytes.Buffer
	for _, r := range batch {
		if !strings.HasPrefix(r.name, "/") {
			input.WriteString("./") // a name that begins with "-" is no option
		}
		input.WriteString(r.name)
		input.WriteByte(0)
	}
	out, err := s.exec(command, &input, limit)
	if errors.Is(err, errHung) {
		s.hash.use("") // the next would wait as long
	}
	if err != nil {
		return nil, err
	}
	return parseSums(out), nil
}

// hashLimit bounds a hash command. It is far less than what the protocol's own requests get: commands hang for reasons of
// their own, such as a profile that waits for something, and then there are other ways to verify a file.
func (s *Session) hashLimit(size int64) time.Duration {
	return time.Minute + 2*s.target.StallTimeout + time.Duration(size/(20<<20))*time.Second
}

// errHung is for a command that did not end in time. It is a kind of errNoHash: the server is as good as without it.
var errHung = fmt.Errorf("%w: the command did not end in time", errNoHash)

// exec runs a command at the server and returns its standard output. A failed command is no error: its output tells.
// errNoHash is the error where commands are refused, errHung where one does not end within the limit: it is left to
// itself then, on its own channel, and the session goes on.
func (s *Session) exec(command string, input io.Reader, limit time.Duration) ([]byte, error) {
	type result struct {
		out []byte
		err error
	}
	ended := make(chan result, 1)
	abandoned := make(chan struct{})
	begun := s.spawn(func() {
		out, err := s.command(command, input, abandoned)
		ended <- result{out, err}
	})
	if !begun {
		return nil, errGone
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case r := <-ended:
		return r.out, r.err
	case <-timer.C:
		close(abandoned)
		return nil, errHung
	}
}

// command is exec without a limit; it ends with the session, and asks the server to end the command once it is abandoned.
func (s *Session) command(command string, input io.Reader, abandoned <-chan struct{}) ([]byte, error) {
	out := capped{left: maxHashReply}
	channel, err := s.open()
	if err == nil {
		defer channel.Close() //nolint:errcheck // it is closed by the server already, or the connection is lost
		channel.Stdin, channel.Stdout = input, &out
		if err = channel.Start(command); err == nil {
			over := make(chan struct{})
			s.spawn(func() {
				select {
				case <-over:
				case <-s.dead:
				case <-abandoned:
					_ = channel.Close() // whatever it answers: nobody waits for it
				}
			})
			_ = channel.Wait() // how it ended matters less than what it said
			close(over)
		}
	}
	// x/crypto/ssh tells a lost connection and a refusal apart by no type that could be relied on.
	if s.Err() != nil || s.conn.failed.Load() {
		return nil, errGone
	}
	var refused *ssh.OpenChannelError
	switch {
	case errors.As(err, &refused):
		return nil, fmt.Errorf("%w: %s", errNoHash, shorten(refused.Message))
	case err != nil:
		return nil, errNoHash
	}
	return out.kept.Bytes(), nil
}

// capped keeps the beginning of what a command prints.
type capped struct {
	kept bytes.Buffer
	left int
}

func (c *capped) Write(b []byte) (int, error) {
	keep := min(len(b), c.left)
	c.kept.Write(b[:keep])
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
func (s *Session) proveHash(ctx context.Context, name string, want [sha256.Size]byte) (string, error) {
	for _, command := range hashCommands {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		// Longer than the silence after which a connection is given up, so that a dead one is not taken for a server
		// without commands; no longer, because everything waits for the probe.
		sums, err := s.runHash(command, []*hashRequest{{name: name}}, 2*s.target.StallTimeout)
		switch {
		case errors.Is(err, errNoHash):
			return "", nil // no command at all
		case err != nil:
			return "", s.wrap("probe", name, err)
		case len(sums) == 1 && bytes.Equal(sums[0], want[:]):
			return command, nil
		}
	}
	return "", nil
}
