package remote

import (
	"sync"
	"time"
)

// spare is a channel that was opened ahead of the command that is to run on it, since opening one costs a round trip. It
// is there only while commands follow each other: a channel on which nothing happens is no good guest. Where a hash command is sure to
// follow it is begun there, too, which may take another round trip and the start of a shell: it waits for the names of its files.
type spare struct {
	mu      sync.Mutex
	channel *channel
	opening chan struct{} // closed when one that is being opened is there, or is not to be had; nil where none is
	begins  bool          // a command is begun there, too
	refused bool          // the server allows no more channels
	useless bool          // it does not keep them: see noSpares
	closing *time.Timer
}

const (
	// spareFrom is the round trip from which on a spare is worth its while.
	spareFrom = 2 * time.Millisecond
	// spareFor is how long it is kept.
	spareFor = 5 * time.Second
)

// takeSpare returns the channel that was opened ahead, nil where there is none for this command. One on which a command is being begun
// is waited for: any other would be there later. It is not once the command is abandoned.
func (s *Session) takeSpare(command string, abandoned <-chan struct{}) *channel {
	p := &s.spare
	p.mu.Lock()
	if begun := p.opening; p.begins {
		p.mu.Unlock()
		select {
		case <-begun:
		case <-abandoned:
			return nil
		}
		p.mu.Lock()
	}
	c := p.channel
	p.channel = nil
	if p.closing != nil {
		p.closing.Stop()
	}
	p.mu.Unlock()
	if c != nil && c.runs != "" && c.runs != command {
		s.commands.begin() // which it was
		_ = c.Close()      // nobody wants what it says
		s.commands.end()
		return nil
	}
	return c
}

// nextSpare has one opened behind the channel of a command, if that helps: not before, since that one may be the last that the server
// allows.
func (s *Session) nextSpare() {
	p := &s.spare
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.spareHelps() {
		s.beginSpare("") // else the session has ended, and whoever goes on sees that
	}
}

// mayComeFree tells whether one has a channel that a command could have.
func (p *spare) mayComeFree() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.channel != nil || p.opening != nil
}

// spareHelps tells whether one is to be opened ahead now. Its caller holds the lock.
func (s *Session) spareHelps() bool { return s.RoundTrip() >= spareFrom && s.spare.mayBeOpened() }

// mayBeOpened tells whether one can be opened. Its caller holds the lock.
func (p *spare) mayBeOpened() bool {
	return p.channel == nil && p.opening == nil && !p.refused && !p.useless
}

// beginSpare has one opened, and a command begun there unless that is "". It is false where the session has ended. Its caller holds the lock.
func (s *Session) beginSpare(command string) bool {
	p, done := &s.spare, make(chan struct{})
	begun := s.spawn(func() { defer close(done); s.openSpare(command) })
	if begun {
		p.opening, p.begins = done, command != ""
	}
	return begun
}

// foreseeCommand begins the hash command that is going to follow in a few round trips, if commands are what hashes here.
func (s *Session) foreseeCommand() {
	name := s.hash.form()
	if name == "" {
		return
	}
	p := &s.spare
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.spareHelps() {
		s.beginSpare(formOf(name).ahead) // else the session has ended, and whoever goes on sees that
	}
}

// leavesPlace tells whether the server lets a command have a channel beside those that are there, and being opened meanwhile. It is opened
// for that, and waits for a command like any other spare.
func (s *Session) leavesPlace() bool {
	p := &s.spare
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mayBeOpened() && !s.beginSpare("") {
		return false // the session has ended
	}
	if opening := p.opening; opening != nil {
		p.mu.Unlock()
		<-opening
		p.mu.Lock()
	}
	return !p.refused
}

// openSpare opens a spare, and begins a command there unless that is "".
func (s *Session) openSpare(command string) {
	c, err := s.open()
	if err == nil && command != "" {
		if _, beginErr := s.begin(c, command); beginErr != nil {
			_ = c.Close() // whoever needs the command finds out for himself
			c = nil
		}
	}
	p := &s.spare
	p.mu.Lock()
	defer p.mu.Unlock()
	p.opening, p.begins = nil, false
	switch {
	case c == nil && err == nil:
		return
	case err != nil:
		p.refused = true
		return
	case p.useless: // which has turned out meanwhile
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
	s.spare.useless = true
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
