package remote

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/crypto/ssh"
)

// maxHashReply is how much of a command's output is kept, in bytes.
const maxHashReply = 4 << 20

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
