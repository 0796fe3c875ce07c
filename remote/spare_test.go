package remote

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// TestTheProofOfAPatchIsBegunAhead has the hash command begun while a file is put together, and given its name once that is done. Where
// that one was ended meanwhile, at either side, another one is begun.
func TestTheProofOfAPatchIsBegunAhead(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		exec  bool
		ended int32 // of the commands, so many do not wait for their input
		drop  bool  // the one that waits is given up
		other bool  // another command is wanted than the one that waits
		calls int32
	}{
		{"it waits", true, 0, false, false, 1},
		{"the server ends what waits", true, 1, false, false, 2},
		{"it has waited too long", true, 0, true, false, 2},
		{"another one is wanted", true, 0, false, true, 2},
		{"no commands any more", false, 0, false, false, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var calls, ended atomic.Int32
			ended.Store(row.ended)
			var dir string
			server := sftptest.StartServer(t, sftptest.ServerOptions{
				Copies: true, Exec: row.exec, Limits: &sftptest.Limits{Packet: 262144, Write: 261120},
				Shell: func(_ context.Context, _ string, in io.Reader, out io.Writer) uint32 {
					calls.Add(1)
					if ended.Add(-1) >= 0 {
						return 0
					}
					names, _ := io.ReadAll(in)
					for name := range strings.SplitSeq(strings.TrimSuffix(string(names), "\x00"), "\x00") {
						if content, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
							_, _ = fmt.Fprintf(out, "%x *%s\n", sha256.Sum256(content), name) // its end is the client's
						}
					}
					return 0
				},
			})
			dir = server.Dir
			wire := sftptest.StartWire(t, server.Addr())
			wire.SetDelay(spareFrom)
			target := serverTarget(server)
			target.Host, target.Port = wire.Host(), wire.Port()
			s := mustDial(t, target)
			s.hash.use(hashCommands[1])
			c := newPatchCase("/.a.part")
			c.in(t, dir)
			if _, err := c.make(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			if row.exec {
				eventually(t, "a command is begun", func() bool { return calls.Load() == 1 })
			}
			if row.drop {
				s.dropSpare()
			}
			if row.other {
				s.hash.use(hashCommands[2])
			}
			sum := sha256.Sum256(c.content)
			_, evidence, err := s.Verify(t.Context(), c.patch.Temp, c.patch.Size, sum[:], Proof)
			if row.exec && (err != nil || evidence.Kind != RemoteHash) {
				t.Errorf("%+v, %v", evidence, err)
			}
			if !row.exec {
				wantError(t, err, Unsupported)
			}
			if n := calls.Load(); n != row.calls {
				t.Errorf("%d commands were run, want %d", n, row.calls)
			}
		})
	}
}

// TestForeseePatch has a channel opened for a large file before it is known whether it is put together, and none for a small one, nearby, or where
// an upload would miss it.
func TestForeseePatch(t *testing.T) {
	t.Parallel()
	server := sftptest.StartServer(t, sftptest.ServerOptions{Copies: true})
	target := serverTarget(server)
	for _, row := range []struct {
		size     int64
		channels int
		trip     time.Duration
		ahead    bool
	}{{apartFrom, 3, spareFrom, true}, {apartFrom - 1, 3, spareFrom, false}, {apartFrom, 3, spareFrom - 1, false}, {apartFrom, 2, spareFrom, false}} {
		target.Channels = row.channels
		s := mustDial(t, target)
		s.trip.least.Store(int64(row.trip))
		s.ForeseePatch(row.size)
		s.copying.mu.Lock()
		opened := s.copying.opened
		s.copying.mu.Unlock()
		if row.ahead != (opened != nil) {
			t.Errorf("%d bytes, %d channels, %v away: a channel is opened: %v", row.size, row.channels, row.trip, !row.ahead)
		}
		if opened == nil {
			continue
		}
		<-opened
		if l := s.apart(t.Context(), row.size); l == &s.lane || l != s.copying.lane {
			t.Error("it is not used")
		}
	}
}

// TestAChannelThatIsNotOpened keeps no file waiting: it is made on the first one.
func TestAChannelThatIsNotOpened(t *testing.T) {
	t.Parallel()
	s := mustDial(t, serverTarget(sftptest.StartServer(t, sftptest.ServerOptions{Copies: true})))
	s.copying.opened = make(chan struct{}) // as at a server that does not answer
	if s.apart(t.Context(), apartFrom) != &s.lane {
		t.Error("it is used")
	}
	ended, end := context.WithCancel(t.Context())
	end()
	began := time.Now()
	if s.apart(ended, apartFrom); time.Since(began) >= apartPatience {
		t.Error("it is waited for by somebody who has gone")
	}
}
