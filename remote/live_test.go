package remote

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// TestTheEndWaitsForAChannelThatIsBeingOpened gives x/crypto/ssh the time to note the channel, which it forgets for good
// where the end comes first.
func TestTheEndWaitsForAChannelThatIsBeingOpened(t *testing.T) {
	t.Parallel()
	for _, opening := range []int32{0, 1} {
		here, there := net.Pipe()
		c := newLiveConn(here, nil)
		c.opening.Add(opening)
		if err := there.Close(); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("read: %v", err)
		}
		if took := time.Since(begun); (took >= openGrace) != (opening > 0) {
			t.Errorf("with %d being opened the end came after %v", opening, took)
		}
		if !c.failed.Load() {
			t.Error("the end is not noted")
		}
	}
}

// TestChannelsAsTheConnectionEnds opens channels while connections are cut: each call ends, and leaves nothing behind, for
// which TestMain looks.
func TestChannelsAsTheConnectionEnds(t *testing.T) {
	t.Parallel()
	server := sftptest.StartServer(t, sftptest.ServerOptions{Exec: true})
	wire := sftptest.StartWire(t, server.Addr())
	for n := range 20 {
		s := mustDial(t, over(wire, serverTarget(server)))
		var opening sync.WaitGroup
		for range 4 {
			opening.Go(func() {
				for s.Err() == nil {
					if channel, err := s.open(); err == nil {
						_ = channel.Close() // the connection may be lost
					}
				}
			})
		}
		time.Sleep(time.Duration(n) * time.Millisecond / 4) // at another moment each time
		wire.Cut()
		ended := async(func() error { opening.Wait(); return nil })
		if err := soon(t, "the calls", ended); err != nil {
			t.Error(err)
		}
		s.Close()
	}
}
