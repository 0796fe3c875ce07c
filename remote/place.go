package remote

import (
	"errors"
	"sync"
	"sync/atomic"
)

// place is a channel of the session's own connection that lanes leave to commands. A server with a low MaxSessions would let none
// run else for as long as the session lives, and what it could hash where it lies would be read back, or sent whole.
type place struct {
	isLeft func() bool
	given  atomic.Bool // by a lane
}

// errNoPlace says that a channel is left to commands.
var errNoPlace = errors.New("a channel is left to hash commands")

// keepPlace finds out whether there is one, while lanes are being opened: only beside those it tells anything. It is nil where no command hashes.
func (s *Session) keepPlace() *place {
	if s.hash.form() == "" {
		return nil
	}
	p := &place{isLeft: sync.OnceValue(s.leavesPlace)}
	s.spawn(func() { p.isLeft() }) // else the session has ended, and its lanes with it
	return p
}

// takes tells the first of several lanes that its channel is wanted for that.
func (p *place) takes() bool { return p != nil && !p.isLeft() && p.given.CompareAndSwap(false, true) }
