package remote

import (
	"errors"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// commands knows when a channel that the server refuses may be had in a moment. OpenSSH counts that of a command until it has seen the
// command's process end, which may be after all that it says, so that with MaxSessions 2 the next one is refused: measured, over the
// loopback interface, a third of them.
type commands struct {
	mu      sync.Mutex
	running int
	ended   time.Time // when one last has; zero is never
}

const (
	// reaped is for how long the process of a command that has said everything may still be there.
	reaped = time.Second
	// firstAgain and mostAgain bound what is waited before a channel is asked for again.
	firstAgain, mostAgain = 4 * time.Millisecond, 64 * time.Millisecond
)

// begin and end enclose a command.
func (c *commands) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running++
}

func (c *commands) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running--
	c.ended = time.Now()
}

// mayBeThere tells whether the server may still count one.
func (c *commands) mayBeThere() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.running > 0 || !c.ended.IsZero() && time.Since(c.ended) < reaped
}

// openCommand returns a channel for a command: where ahead says so the one that was opened ahead, else a new one, which is asked for
// again while something of ours may be what the server has no room beside. spare tells that it was opened ahead.
func (s *Session) openCommand(command string, ahead bool, abandoned <-chan struct{}) (c *channel, spare bool, err error) {
	for wait := firstAgain; ; wait = min(2*wait, mostAgain) {
		if ahead {
			if c = s.takeSpare(command, abandoned); c != nil {
				return c, true, nil
			}
			if isOver(abandoned) {
				return nil, false, errGone
			}
		}
		c, err = s.open()
		if _, refused := errors.AsType[*ssh.OpenChannelError](err); !refused || !s.commands.mayBeThere() && !s.spare.mayComeFree() {
			return c, false, err
		}
		ahead = true // it may be what has taken the room
		select {
		case <-time.After(wait):
		case <-s.dead:
			return nil, false, err
		case <-abandoned:
			return nil, false, err
		}
	}
}
