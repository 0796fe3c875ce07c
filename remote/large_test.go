package remote

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// probeWrites is how many WRITEs a probe makes.
const probeWrites = 2

var largeLimits = &sftptest.Limits{Packet: 262144, Read: 261120, Write: 261120}

// A server that announces large WRITEs and cuts the connection on one: the next session keeps to 32 KiB.
func TestServerThatCutsLargeWrites(t *testing.T) {
	t.Parallel()
	for name, cut := range map[string]sftptest.Fault{
		"connection": sftptest.MaxWrite(safeWrite),
		"each WRITE": {Op: sftptest.OpWrite, Cut: true, After: probeWrites},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := sftptest.StartServer(t, sftptest.ServerOptions{Limits: largeLimits}, cut)
			s := mustProbe(t, serverTarget(server))
			stored := s.Capabilities()
			content := random(500_000)
			wantError(t, upload(t, s, "/a.part", content), Transient, "put acme:/a.part: the ")
			wantDead(t, s)
			learned, changed := stored.Learn(s.Capabilities())
			if !changed || learned.LargeCuts != 1 || learned.LargeWrites || !learned.Current(time.Now()) {
				t.Fatalf("learned %+v, %t", learned, changed)
			}
			if name != "connection" {
				return
			}
			next := mustDial(t, serverTarget(server))
			next.Use(learned)
			mustUpload(t, next, "/a.part", content)
			holds(t, content, server.Dir, "a.part")
			if c := next.Capabilities(); c.LargeWrites || c.LargeCuts != 1 {
				t.Errorf("small WRITEs say nothing of large ones: %+v", c)
			}
		})
	}
}

// Several uploads that end with one session are one cut.
func TestCutOfManyUploadsCountsOnce(t *testing.T) {
	t.Parallel()
	server := sftptest.StartServer(t, sftptest.ServerOptions{Limits: largeLimits}, sftptest.HangOn(sftptest.OpWrite).Skip(probeWrites))
	s := mustProbe(t, serverTarget(server))
	s.room.limit(laneWindow) // as over a long line
	var all []<-chan error
	var open, sent sync.WaitGroup // files; uploads
	for _, name := range []string{"/a", "/b", "/c"} {
		open.Add(1)
		sent.Add(1)
		const size = 400_000 // all of them fit in the channel's window
		all = append(all, async(func() error {
			u := Upload{Temp: name, Size: size, Progress: func(n int64) {
				if n == size {
					sent.Done()
				}
			}}
			_, err := s.Upload(t.Context(), u, &gated{Reader: bytes.NewReader(random(size)), open: &open})
			return err
		}))
	}
	sent.Wait()
	server.CloseConnections()
	for _, c := range all {
		wantError(t, soon(t, "upload", c), Transient)
	}
	if c := s.Capabilities(); c.LargeCuts != 1 {
		t.Errorf("%d cuts are counted, want 1", c.LargeCuts)
	}
}

// A cut of the network degrades nothing once a large WRITE was acknowledged, nor does an end that is our own doing.
func TestCutsThatSayNothingOfLargeWrites(t *testing.T) {
	t.Parallel()
	tests := map[string]func(t *testing.T, server *sftptest.TestServer, s *Session){
		"acknowledged before": func(t *testing.T, server *sftptest.TestServer, s *Session) {
			mustUpload(t, s, "/a.part", random(100_000))
			server.Faults.Add(sftptest.CutOn(sftptest.OpWrite))
			wantError(t, upload(t, s, "/a.part", random(1_000_000)), Transient)
		},
		"acknowledged in the same upload": func(t *testing.T, server *sftptest.TestServer, s *Session) {
			done := uploading(t, s, "/a.part", 20<<20) // more than is ever in flight
			server.CloseConnections()
			wantError(t, soon(t, "upload", done), Transient)
		},
		"small": func(t *testing.T, server *sftptest.TestServer, s *Session) {
			server.Faults.Add(sftptest.CutOn(sftptest.OpWrite))
			wantError(t, upload(t, s, "/a.part", random(safeWrite)), Transient)
		},
		"no WRITE in flight": func(t *testing.T, server *sftptest.TestServer, s *Session) {
			server.Faults.Add(sftptest.CutOn(sftptest.OpOpen))
			wantError(t, upload(t, s, "/a.part", random(100_000)), Transient)
		},
		"refused": func(t *testing.T, server *sftptest.TestServer, s *Session) {
			server.Faults.Add(sftptest.Refuse(sftptest.OpWrite, sftptest.PermissionDenied))
			wantError(t, upload(t, s, "/a.part", random(1_000_000)), Permission)
		},
		"closed by us": func(t *testing.T, server *sftptest.TestServer, s *Session) {
			server.Faults.Add(sftptest.HangOn(sftptest.OpWrite))
			done := uploading(t, s, "/a.part", 100_000)
			s.Close()
			wantError(t, soon(t, "upload", done), Transient, "session closed")
		},
		"the source fails": func(t *testing.T, server *sftptest.TestServer, s *Session) {
			broken := errors.New("broken")
			_, err := s.Upload(t.Context(), Upload{Temp: "/a.part", Size: 1 << 20}, io.MultiReader(io.LimitReader(endless{}, 300_000), failing{broken}))
			if !errors.Is(err, broken) {
				t.Errorf("got %v", err)
			}
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := sftptest.StartServer(t, sftptest.ServerOptions{Limits: largeLimits})
			s := mustProbe(t, serverTarget(server))
			test(t, server, s)
			c := s.Capabilities()
			acknowledged := name != "small" && name != "no WRITE in flight" && name != "refused" && name != "closed by us"
			if c.LargeCuts != 0 || c.LargeWrites != acknowledged {
				t.Errorf("%d cuts, large WRITEs acknowledged: %t", c.LargeCuts, c.LargeWrites)
			}
		})
	}
}

// gated gives nothing before all files are open.
type gated struct {
	io.Reader
	open  *sync.WaitGroup
	began bool
}

func (g *gated) Read(b []byte) (int, error) {
	if !g.began {
		g.began = true
		g.open.Done()
		g.open.Wait()
	}
	return g.Reader.Read(b)
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestWriteSize(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	large := Limits{Packet: 262144, Write: 261120}
	const day = 24 * time.Hour
	for name, test := range map[string]struct {
		caps   Capabilities
		limits Limits
		want   int
	}{
		"nothing known":          {Capabilities{}, large, 261120},
		"no limits told":         {Capabilities{}, Limits{}, safeWrite},
		"cut once":               {Capabilities{LargeCuts: 1, LargeCutAt: ago(time.Minute)}, large, safeWrite},
		"cut once, an hour ago":  {Capabilities{LargeCuts: 1, LargeCutAt: ago(time.Hour)}, large, 261120},
		"cut twice, an hour ago": {Capabilities{LargeCuts: 2, LargeCutAt: ago(time.Hour)}, large, safeWrite},
		"cut twice, a day ago":   {Capabilities{LargeCuts: 2, LargeCutAt: ago(day)}, large, 261120},
		"cut often":              {Capabilities{LargeCuts: 9, LargeCutAt: ago(29 * day)}, large, safeWrite},
		"cut often, long ago":    {Capabilities{LargeCuts: 9, LargeCutAt: ago(30 * day)}, large, 261120},
		"borne before":           {Capabilities{LargeWrites: true, LargeCuts: 2, LargeCutAt: now}, large, 261120},
		"a smaller limit":        {Capabilities{LargeCuts: 1, LargeCutAt: now}, Limits{Write: 4096}, 4096},
		"a clock that went back": {Capabilities{LargeCuts: 1, LargeCutAt: now.Add(time.Minute)}, large, safeWrite},
	} {
		if got := test.caps.writeSize(test.limits, now); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}
