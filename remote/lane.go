package remote

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/pkg/sftp"
)

// lane is one SFTP channel of a session. Everything goes over the first one; uploads go over the others too, where there
// are any: see lanes.
type lane struct {
	mux      *mux
	sftp     *sftp.Client
	room     writeRoom
	ones     turns // of what is in flight, that of files that go in one: see onesWindow
	assigned int64 // bytes of uploads under way that it is to carry; guarded by lanes.mu

	number, place int // of its connection, and on it; from 0
}

// laneWindow is how many bytes of WRITEs are in flight on one channel, at most. OpenSSH grants a channel as much, so that
// more would only queue before it and keep other requests waiting.
const laneWindow = 2 << 20

// onesWindow is how many bytes of files that go in one WRITE are in flight on one channel, at most: what carries thousands of small
// files a second to the end of any line. They come in waves, of which a server makes heavy weather: see nearWindow.
const onesWindow = 512 << 10

// startMux opens a channel with the SFTP subsystem and makes the exchange of versions. It is left to commands where they have no other.
func (s *Session) startMux(c *connection, commands *place) (*mux, error) {
	channel, err := s.openOn(c)
	if err == nil && c == &s.connection && commands.takes() {
		_ = channel.Close() // nothing was sent on it
		return nil, errNoPlace
	}
	if err != nil {
		return nil, fmt.Errorf("open SFTP channel: %w", err)
	}
	// What nobody reads takes the channel's window away for good. It ends with the channel.
	s.pulses.Go(func() { _, _ = io.Copy(io.Discard, channel.Stderr()) })
	ok, err := channel.SendRequest("subsystem", true, appendString(nil, "sftp"))
	switch {
	case err != nil:
		return nil, fmt.Errorf("open SFTP channel: %w", err)
	case !ok:
		return nil, errNoSFTP
	}
	m, err := newMux(channel, channel)
	return m, startError(err)
}

// startError says that a channel is there and SFTP is not.
func startError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF):
		err = &reworded{text: "the server ended the session at once", err: err}
	}
	return fmt.Errorf("start SFTP: %w", err)
}

// startLane gives a channel its client. Nothing is asked of the server.
func (s *Session) startLane(l *lane) (err error) {
	// Concurrent reads lose data where the packet size passes the server's read limit (pkg/sftp#658).
	l.sftp, err = sftp.NewClientPipe(l.mux, l.mux, sftp.MaxPacketUnchecked(safeWrite), sftp.UseConcurrentReads(false))
	l.ones.limit(onesWindow)
	l.room.limit(firstWindow(s.window(), s.RoundTrip())) // see writeRoom
	return err
}

// start opens the first channel and speaks with the server until SFTP is ready.
func (s *Session) start() (err error) {
	if s.mux, err = s.startMux(&s.connection, nil); err != nil {
		return err
	}
	began := time.Now()
	if s.limits, err = s.mux.askLimits(); err != nil {
		return startError(err)
	}
	if s.limits != (Limits{}) {
		s.trip.took(time.Since(began)) // the first measure of it
	}
	s.chooseProfile()
	s.keepTo(s.limits.write(), Capabilities{Limits: s.limits}.OpenFiles(), 0)
	return startError(s.startLane(&s.lane))
}

// pieceSize is how many bytes go in the next WRITE: what the server takes, but so little that several are in flight, and
// that others have their turn under a limit.
func (s *Session) pieceSize() int64 {
	packet := pacedPiece(s.limit(), s.packet.Load())
	return max(min(packet, int64(s.room.bound()/4)), min(packet, safeWrite))
}
