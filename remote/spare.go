package remote

import (
	"sync"
	"time"
)

// spare is a channel that was opened ahead of the command that is to run on it, since opening one costs a round trip. It
// is there only while commands follow each other: a channel on which nothing happens is no good guest.
type spare struct {
	mu      sync.Mutex
	channel *channel
	opening bool
	refused bool // the server allows no more channels
	closing *time.Timer
}

const (
	// spareFrom is the round trip from which on a spare is worth its while.
	spareFrom = 2 * time.Millisecond
	// spareFor is how long it is kept.
	spareFor = 5 * time.Second
)

// takeSpare returns a channel for a command, and has the next one opened. spare tells that it was opened ahead.
func (s *Session) takeSpare() (c *channel, spare bool, err error) {
	p := &s.spare
	p.mu.Lock()
	c = p.channel
	p.channel = nil
	if p.closing != nil {
		p.closing.Stop()
	}
	ahead := s.mayOpenSpare()
	p.mu.Unlock()
	if ahead && !s.spawn(s.openSpare) {
		return nil, false, errGone
	}
	if c != nil {
		return c, true, nil
	}
	c, err = s.open()
	return c, false, err
}

// mayOpenSpare tells whether one is to be opened now, and counts on it. Its caller holds the lock.
func (s *Session) mayOpenSpare() bool {
	p := &s.spare
	ahead := s.RoundTrip() >= spareFrom && !p.opening && !p.refused
	p.opening = p.opening || ahead
	return ahead
}

// foreseeCommand opens a channel for the hash command that is going to follow in a round trip, if commands are what hashes here.
func (s *Session) foreseeCommand() {
	s.hash.mu.Lock()
	hashes := s.hash.command != ""
	s.hash.mu.Unlock()
	p := &s.spare
	p.mu.Lock()
	ahead := hashes && p.channel == nil && s.mayOpenSpare()
	p.mu.Unlock()
	if ahead {
		s.spawn(s.openSpare) // else the session has ended, and whoever goes on sees that
	}
}

func (s *Session) openSpare() {
	c, err := s.open()
	p := &s.spare
	p.mu.Lock()
	defer p.mu.Unlock()
	p.opening = false
	switch {
	case err != nil:
		p.refused = true
		return
	case p.refused: // which has turned out meanwhile
		_ = c.Close() // nobody waits for it
		return
	}
	p.channel = c
	p.closing = time.AfterFunc(spareFor, s.dropSpare)
}

// noSpares has no channel opened ahead any more: dropbear closes one on which no command runs as soon as another command
// has ended.
func (s *Session) noSpares() {
	s.spare.mu.Lock()
	s.spare.refused = true
	s.spare.mu.Unlock()
	s.dropSpare()
}

// dropSpare closes a spare that nobody has needed. With the session it ends by itself.
func (s *Session) dropSpare() {
	p := &s.spare
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.channel != nil {
		_ = p.channel.Close() // the connection is lost, or nothing is
		p.channel = nil
	}
}
