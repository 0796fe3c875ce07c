package remote

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
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
func (s *Session) exec(command string, input []byte, limit time.Duration) ([]byte, error) {
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
func (s *Session) command(command string, input []byte, abandoned <-chan struct{}) ([]byte, error) {
	channel, spare, err := s.takeSpare()
	out, err := s.commandOn(channel, err, command, input, abandoned)
	if !spare || len(out) > 0 || s.Err() != nil {
		return out, err
	}
	// Some servers close a channel on which nothing happens, which may be seen only by the silence.
	channel, openErr := s.open()
	again, againErr := s.commandOn(channel, openErr, command, input, abandoned)
	if err != nil || len(again) > 0 {
		s.noSpares()
	}
	return again, againErr
}

// commandOn runs a command on a channel, which could not be had where err says so.
func (s *Session) commandOn(channel *ssh.Session, err error, command string, input []byte, abandoned <-chan struct{}) ([]byte, error) {
	out := capped{left: maxHashReply}
	if err == nil {
		over := make(chan struct{})
		s.spawn(func() {
			select {
			case <-over:
			case <-s.dead:
			case <-abandoned:
				_ = channel.Close() // whatever it answers: nobody waits for it
			}
		})
		err = s.speak(channel, command, bytes.NewReader(input), &out)
		close(over)
		_ = channel.Close() // it is closed by the server already, or the connection is lost
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
	s.execs.Store(true)
	return out.kept.Bytes(), nil
}

// errExec says that the server runs no command.
var errExec = errors.New("the server runs no command")

// speak runs a command on a channel until it has said everything. That the server runs commands is asked for the first
// time only: a reply costs a round trip.
func (s *Session) speak(channel *ssh.Session, command string, input io.Reader, out io.Writer) error {
	stdin, inErr := channel.StdinPipe()
	stdout, outErr := channel.StdoutPipe()
	beside, besideErr := channel.StderrPipe()
	if err := errors.Join(inErr, outErr, besideErr); err != nil {
		return err
	}
	ask := !s.execs.Load()
	ok, err := channel.SendRequest("exec", ask, appendString(nil, command))
	if err != nil || ask && !ok {
		return errors.Join(err, errExec)
	}
	var copying sync.WaitGroup
	copying.Go(func() { _, _ = io.Copy(io.Discard, beside) }) // what nobody reads takes the channel's window away
	copying.Go(func() {
		_, _ = io.Copy(stdin, input) // a command that does not read says what it says
		_ = stdin.Close()
	})
	_, err = io.Copy(out, stdout)
	_ = channel.Close() // ends what still copies
	copying.Wait()
	return err
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
