package remote

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

func TestLanesWanted(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	for _, row := range []struct {
		name   string
		demand int64
		trip   time.Duration
		rate   float64
		window float64
		want   int

		connections int
	}{
		{"a line without length", 1 << 40, 200 * time.Microsecond, 0, laneWindow, 1, 1},
		{"it, over several connections", 1 << 40, 200 * time.Microsecond, 5 * mib, laneWindow, 3, 3},
		{"it, with little to send", 6 * mib, 200 * time.Microsecond, 5 * mib, laneWindow, 2, 3},
		{"a long line, little to send", 3 * mib, 50 * time.Millisecond, 0, laneWindow, 1, 1},
		{"a long line, some to send", 10 * mib, 50 * time.Millisecond, 0, laneWindow, 3, 1},
		{"a long line, much to send", 1 << 40, 50 * time.Millisecond, 0, laneWindow, 8, 1},
		{"one channel's window is the limit", 1 << 40, 50 * time.Millisecond, 38 * mib, laneWindow, 2, 1},
		{"those of four channels are", 1 << 40, 50 * time.Millisecond, 140 * mib, laneWindow, 7, 1},
		{"the line carries no more than one channel", 1 << 40, 50 * time.Millisecond, 5 * mib, laneWindow, 1, 1},
		{"a very long one does", 1 << 40, 300 * time.Millisecond, 5 * mib, laneWindow, 2, 1},
		{"nothing to send", 0, 50 * time.Millisecond, 0, laneWindow, 1, 1},
		{"a channel carries little", 1 * mib, 50 * time.Millisecond, 0, 24 << 10, 8, 1},
		{"and the line is seen to carry more", 1 << 40, 50 * time.Millisecond, 4 * 24 << 10 * 20, 24 << 10, 8, 1},
		{"or no more", 1 << 40, 50 * time.Millisecond, 24 << 10 * 20, 24 << 10, 2, 1},
		{"each connection may get as little", 1 << 40, 50 * time.Millisecond, 5 * mib, laneWindow, 3, 3},
		{"a small file needs one all the same", 1 * mib, 50 * time.Millisecond, 5 * mib, laneWindow, 1, 3},
	} {
		if got := lanesWanted(row.demand, row.trip, row.rate, row.window, 8, row.connections); got != row.want {
			t.Errorf("%s: %d, want %d", row.name, got, row.want)
		}
	}
}

func TestWindowFor(t *testing.T) {
	t.Parallel()
	const kib, mib = 1 << 10, 1 << 20
	for _, row := range []struct {
		rate float64
		trip time.Duration
		want int
	}{
		{0, 0, leastWindow},
		{kib, 50 * time.Millisecond, leastWindow},
		{64 * kib, 0, 128 * kib},
		{mib, 0, nearWindow},
		{1 << 30, 0, nearWindow},
		{200 * mib, 100 * time.Microsecond, nearWindow + 200*mib/5000},
		{5 * mib, 50 * time.Millisecond, nearWindow + mib/2},
		{36 * mib, 50 * time.Millisecond, laneWindow},
		{1 << 30, 50 * time.Millisecond, laneWindow},
	} {
		if got := windowFor(row.rate, row.trip); got != row.want {
			t.Errorf("%.0f B/s with a round trip of %v: %d, want %d", row.rate, row.trip, got, row.want)
		}
	}
	if got := firstWindow(laneWindow, time.Millisecond); got != nearWindow {
		t.Errorf("nearby, at first: %d, want %d", got, nearWindow)
	}
	if got := firstWindow(laneWindow, laneFrom); got != farWindow {
		t.Errorf("on a long line, at first: %d, want %d", got, farWindow)
	}
	if got := firstWindow(24<<10, laneFrom); got != leastWindow {
		t.Errorf("at a server that grants little: %d, want %d", got, leastWindow)
	}
}

func TestPace(t *testing.T) {
	t.Parallel()
	var p pace
	at := time.Now()
	note := func(after time.Duration, n int, more bool) (float64, bool) {
		at = at.Add(after)
		return p.note(at, n, more, paceEvery)
	}
	note(0, 1000, true) // begins the measure, and does not count
	if rate, told := note(100*time.Millisecond, 1000, true); told {
		t.Errorf("told %f too early", rate)
	}
	if rate, told := note(400*time.Millisecond, 1000, true); !told || rate != 4000 {
		t.Errorf("rate %f, %t", rate, told)
	}
	note(time.Second, 1000, false) // the lane runs dry, which is no measure of anything
	note(time.Hour, 1000, true)
	if rate, told := note(500*time.Millisecond, 4000, true); !told || rate != 8000 {
		t.Errorf("after a rest: rate %f, %t", rate, told)
	}
	for i := range pastMeasures {
		if best, _ := p.best(); best != 8000 {
			t.Errorf("the best, after %d slow measures: %f", i, best)
		}
		note(500*time.Millisecond, 500, true)
	}
	if best, n := p.best(); best != 1000 || n < pastMeasures {
		t.Errorf("the best of what counts: %f", best)
	}
}

// far is a server at the end of a long line, which sessions have probed.
func far(t *testing.T, o sftptest.SSHDOptions) (*sftptest.SSHD, *sftptest.Wire, *Session) {
	t.Helper()
	sshd := sftptest.StartSSHD(t, o)
	wire := sftptest.StartWire(t, sshd.Addr)
	wire.SetDelay(60 * time.Millisecond) // so long that a busy machine, too, has more to send than one channel carries
	target := sshdTarget(sshd)
	target.Host, target.Port = wire.Host(), wire.Port()
	return sshd, wire, mustProbe(t, target)
}

func (s *Session) countLanes() int {
	s.lanes.mu.Lock()
	defer s.lanes.mu.Unlock()
	return 1 + len(s.lanes.beside)
}

// Over a long line a large file goes over several channels, and arrives whole.
func TestLargeFileOverSeveralChannels(t *testing.T) {
	t.Parallel()
	sshd, _, s := far(t, sftptest.SSHDOptions{})
	content := random(64<<20 + 11)
	var marks []Mark
	sum, err := s.Upload(t.Context(), Upload{
		Temp: s.target.Path("f.part"), Size: int64(len(content)), Proved: true, CheckpointBytes: 12 << 20,
		Save: func(m Mark) error { marks = append(marks, m); return nil },
	}, bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	if n := s.countLanes(); n < 2 {
		t.Errorf("%d channels", n)
	}
	if len(marks) < 4 {
		t.Errorf("%d checkpoints", len(marks))
	}
	holds(t, content, sshd.Dir, "f.part")
	if _, evidence, err := s.Verify(t.Context(), s.target.Path("f.part"), int64(len(content)), sum, Content); err != nil {
		t.Errorf("%v, %v", evidence, err)
	}
	if c := s.Capabilities(); c.Stripes != stripesWork { // which the proof has shown
		t.Errorf("stripes: %q", c.Stripes)
	}
	if left := names(t, sshd.Dir); len(left) != 1 {
		t.Errorf("left: %q", left)
	}
}

// TestSeveralChannelsAtDropbear are used for a file that OpenSSH takes over one: dropbear lets little be under way on each.
func TestSeveralChannelsAtDropbear(t *testing.T) {
	t.Parallel()
	p := sftptest.StartDropbear(t, sftptest.ProductOptions{})
	wire := sftptest.StartWire(t, p.Addr)
	wire.SetDelay(10 * time.Millisecond)
	target := productTarget(p)
	target.Host, target.Port = wire.Host(), wire.Port()
	s := mustProbe(t, target)
	content := random(2<<20 + 5)
	sum, err := s.Upload(t.Context(), Upload{Temp: s.target.Path("f.part"), Size: int64(len(content)), Proved: true}, bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	if n := s.countLanes(); n != DefaultChannels {
		t.Errorf("%d channels, want %d", n, DefaultChannels)
	}
	holds(t, content, p.Dir, "f.part")
	if _, evidence, err := s.Verify(t.Context(), s.target.Path("f.part"), int64(len(content)), sum, Content); err != nil {
		t.Errorf("%v, %v", evidence, err)
	}
	if c := s.Capabilities(); c.Stripes != stripesWork || c.Profile != "dropbear" {
		t.Errorf("stripes %q, profile %q", c.Stripes, c.Profile)
	}
}

// TestCutOverSeveralChannels goes on from the checkpoint, wherever the cut came: what lies above it on several channels has
// holes.
func TestCutOverSeveralChannels(t *testing.T) {
	t.Parallel()
	sshd, wire, s := far(t, sftptest.SSHDOptions{})
	content := random(32<<20 + 3)
	target := s.target
	name := target.Path("f.part")
	for i, after := range []int64{5 << 20, 9 << 20, 14 << 20} {
		var last Mark
		_, err := s.Upload(t.Context(), Upload{
			Temp: name, Size: int64(len(content)), Proved: true, CheckpointBytes: 4 << 20, Save: func(m Mark) error {
				last = m
				if m.Offset >= after {
					wire.CutAfter(700_000)
				}
				return nil
			},
		}, bytes.NewReader(content))
		wantError(t, err, Transient, "put acme:")
		if last.Offset < after {
			t.Fatalf("cut %d: the last mark is at %d", i, last.Offset)
		}
		s = mustProbe(t, target)
		sum, err := s.Upload(t.Context(), Upload{Temp: name, Size: int64(len(content)), From: last, Proved: true, Save: func(Mark) error { return nil }}, bytes.NewReader(content))
		if err != nil {
			t.Fatalf("cut %d: %v", i, err)
		}
		if _, _, err := s.Verify(t.Context(), name, int64(len(content)), sum, Content); err != nil {
			t.Errorf("cut %d: %v", i, err)
		}
		holds(t, content, sshd.Dir, "f.part")
		must(t, os.Remove(filepath.Join(sshd.Dir, "f.part")))
	}
}

// A server that allows one channel gets one, and is not asked again and again.
func TestServerOfOneChannel(t *testing.T) {
	t.Parallel()
	sshd, _, s := far(t, sftptest.SSHDOptions{Config: []string{"MaxSessions 1"}})
	content := random(24 << 20)
	for i := range 2 {
		name := fmt.Sprintf("f%d.part", i)
		mustUpload(t, s, s.target.Path(name), content)
		holds(t, content, sshd.Dir, name)
	}
	if n := s.countLanes(); n != 1 {
		t.Errorf("%d channels", n)
	}
	s.lanes.mu.Lock()
	defer s.lanes.mu.Unlock()
	if !s.lanes.refused {
		t.Error("the refusal is not remembered")
	}
}

// Many files that need one new directory make it once.
func TestDirectoryIsMadeOnce(t *testing.T) {
	t.Parallel()
	// The directory, the one above it, the directory again; any more are refused.
	server, s := hostile(t, sftptest.ServerOptions{}, sftptest.Refuse(sftptest.OpMkdir, sftptest.PermissionDenied).Skip(3))
	var running sync.WaitGroup
	for i := range 50 {
		running.Go(func() {
			_, err := s.Upload(t.Context(), Upload{Temp: fmt.Sprintf("/a/b/%d.part", i), Size: 3}, bytes.NewReader([]byte("abc")))
			if err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
	if n := len(names(t, filepath.Join(server.Dir, "a", "b"))); n != 50 {
		t.Errorf("%d files", n)
	}
}
