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

// commandTries is how often a command is begun on a channel that the server closes without having run it. dropbear does so with
// each on which nothing runs yet when another command has ended: mostly with one that was opened ahead, and where that end is seen
// late with one that was opened after it.
const commandTries = 4

// command is exec without a limit; it ends with the session, and asks the server to end the command once it is abandoned.
func (s *Session) command(command string, input []byte, abandoned <-chan struct{}) ([]byte, error) {
	c, spare, openErr := s.openCommand(command, true, abandoned)
	if openErr == nil {
		s.nextSpare()
	}
	waited := spare && c.runs != ""
	for try := 1; ; try++ {
		out, ended, err := s.commandOn(c, openErr, command, input, abandoned)
		switch {
		case s.Err() != nil || isOver(abandoned):
			return out, err
		case try == 1 && waited && len(out) == 0 && err == nil: // the server may end what waits
		case ended || try >= commandTries || !spare && !s.execs.Load():
			if try > 1 && ended && !waited { // else it shows nothing of those on which nothing runs
				s.noSpares()
			}
			return out, err
		}
		c, spare, openErr = s.openCommand(command, false, abandoned)
	}
}

// isOver tells whether a channel that is only ever closed is; nil never is.
func isOver(end <-chan struct{}) bool {
	select {
	case <-end:
		return true
	default:
		return false
	}
}

// commandOn runs a command on a channel, which could not be had where err says so. ended is false where it may not have run, though
// the server runs commands: another channel may do.
func (s *Session) commandOn(c *channel, err error, command string, input []byte, abandoned <-chan struct{}) (text []byte, ended bool, _ error) {
	out := capped{left: maxHashReply}
	if err == nil {
		over := make(chan struct{})
		s.spawn(func() {
			select {
			case <-over:
			case <-s.dead:
			case <-abandoned:
				_ = c.Close() // whatever it answers: nobody waits for it
			}
		})
		s.commands.begin()
		ended, err = s.speak(c, command, bytes.NewReader(input), &out)
		s.commands.end()
		close(over)
		_ = c.Close() // it is closed by the server already, or the connection is lost
	}
	// x/crypto/ssh tells a lost connection and a refusal apart by no type that could be relied on.
	if s.Err() != nil || s.conn.failed.Load() {
		return nil, false, errGone
	}
	var refused *ssh.OpenChannelError
	switch {
	case errors.As(err, &refused):
		return nil, true, fmt.Errorf("%w: %s", errNoHash, shorten(refused.Message))
	case err != nil:
		return nil, ended, errNoHash
	}
	s.execs.Store(true)
	return out.kept.Bytes(), ended, nil
}

// errExec says that the server runs no command.
var errExec = errors.New("the server runs no command")

// endPatience is how long it may take from the end of what a command says to the word of how it has ended, which not every
// server has.
const endPatience = 2 * time.Second

// begin asks the server to run a command on a channel. That it runs commands is asked for the first time only: a reply costs a round
// trip. refused tells that it has said that it does not.
func (s *Session) begin(c *channel, command string) (refused bool, err error) {
	ask := !s.execs.Load()
	ok, err := c.SendRequest("exec", ask, appendString(nil, command))
	if err != nil || ask && !ok {
		return ask && err == nil, errors.Join(err, errExec)
	}
	c.runs = command
	return false, nil
}

// speak runs a command on a channel, where it may have been begun, until it has said everything. ended tells that the command has run,
// or that none does.
func (s *Session) speak(c *channel, command string, input io.Reader, out *capped) (ended bool, err error) {
	if c.runs == "" {
		if refused, err := s.begin(c, command); err != nil {
			return refused, err
		}
	}
	var copying sync.WaitGroup
	copying.Go(func() { _, _ = io.Copy(io.Discard, c.Stderr()) }) // what nobody reads takes the channel's window away
	copying.Go(func() {
		_, _ = io.Copy(c, input) // a command that does not read says what it says
		_ = c.CloseWrite()
	})
	_, err = io.Copy(out, c)
	ended = out.kept.Len() > 0 || s.saysEnd(c)
	_ = c.Close() // ends what still copies
	copying.Wait()
	return ended, err
}

// saysEnd waits for the server's word of how a command has ended that has said nothing. It is false where the channel is closed
// without it.
func (s *Session) saysEnd(c *channel) bool {
	timer := time.NewTimer(endPatience)
	defer timer.Stop()
	select {
	case <-c.over:
		return c.ended
	case <-timer.C:
	case <-s.dead:
	}
	return true
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
