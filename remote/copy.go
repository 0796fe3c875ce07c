package remote

import (
	"context"
	"sync"
	"time"
)

// extCopyData copies ranges between two files at the server. Source: draft-ietf-secsh-filexfer-extensions-00, section 7;
// OpenSSH has it since 9.0.
const extCopyData = "copy-data"

// Flags of OPEN in SFTP version 3, draft-ietf-secsh-filexfer-02 section 6.3.
const (
	openRead     = 0x01
	openWrite    = 0x02
	openCreate   = 0x08
	openTruncate = 0x10
)

// How much one request copies: the server does nothing else on the channel meanwhile, which matters where others use it too.
const (
	copyStep       = 16 << 20
	copyStepShared = 4 << 20
)

// Copy makes temp a copy of another file at the server, of which it knows the size. It is a Patch that writes nothing, with
// that one's errors, and proves as little.
func (s *Session) Copy(ctx context.Context, from, temp string, size int64) error {
	_, err := s.Patch(ctx, Patch{Old: from, OldSize: size, Temp: temp, Size: size, Parts: []Part{{0, size, 0}}}, nil)
	return err
}

// apart is a lane for copies alone, where one can be had. It is on the session's own connection: a further one may be given up when nothing
// is uploaded.
type apart struct {
	mu     sync.Mutex
	lane   *lane
	opened chan struct{} // closed when it is, or was refused; nil before it was asked for
}

// apartFrom is the size in bytes of a file from which its copying keeps others waiting for so long that it is worth a channel
// of its own.
const apartFrom = 64 << 20

// apartPatience is for how long that lane is waited for, at least.
const apartPatience = time.Second

// apart returns the lane for making a file of so many bytes. It does not wait for long for one that is being opened.
func (s *Session) apart(ctx context.Context, size int64) *lane {
	opened := s.openApart(size)
	if opened == nil {
		return &s.lane
	}
	late := time.NewTimer(max(apartPatience, openingTrips*s.RoundTrip()))
	defer late.Stop()
	select {
	case <-opened:
	case <-late.C:
	case <-ctx.Done():
	case <-s.dead:
	}
	a := &s.copying
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.lane == nil {
		return &s.lane
	}
	return a.lane
}

// openApart has the lane opened that a file of so many bytes is made on, unless that was done before; nil is none.
func (s *Session) openApart(size int64) (opened <-chan struct{}) {
	if size < apartFrom || s.isBounded() || s.mostChannels() == 1 {
		return nil
	}
	a := &s.copying
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.opened != nil {
		return a.opened
	}
	done := make(chan struct{})
	begun := s.spawn(func() {
		defer close(done)
		l, err := s.openLane(1)
		a.mu.Lock()
		defer a.mu.Unlock()
		if err == nil {
			a.lane = l
		}
	})
	if !begun {
		return nil
	}
	a.opened = done
	return done
}

// ForeseePatch says that a Patch of so many bytes may follow soon: over a long line, the channel that it has for itself is opened
// meanwhile, which takes three round trips. Where there are only two, it is not taken away from an upload that may follow instead.
func (s *Session) ForeseePatch(size int64) {
	if s.RoundTrip() >= spareFrom && s.mostChannels() > 2 {
		s.openApart(size)
	}
}

// Hashes tells whether the server can prove content without sending it back.
func (c *Capabilities) Hashes() bool { return c.Hash != "" || c.CheckFile != "" }

// Copies tells whether the server can copy files.
func (c *Capabilities) Copies() bool { return c.Extensions[extCopyData] == "1" }

// Limit returns how many bytes of content may pass in a second; 0 is any number.
func (s *Session) Limit() int64 { return s.limit() }

// openHandle opens a remote file for requests that pkg/sftp does not know.
func (s *Session) openHandle(op, name string, flags uint32) (handle string, err error) {
	err = s.fly(&s.lane, name, false, 0, openRequest(op, name, flags, &handle))
	return handle, err
}

func (s *Session) closeHandle(name, handle string) error {
	return s.fly(&s.lane, name, false, 0, closeRequest(handle))
}
