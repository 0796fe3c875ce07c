package e2e

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// screen is what a program writes to a terminal.
type screen struct {
	person, terminal *os.File

	mu   sync.Mutex
	seen strings.Builder
}

func newScreen(t *testing.T, width, height uint16) *screen {
	t.Helper()
	s := &screen{}
	s.person, s.terminal = openTerminal(t)
	s.resize(t, width, height)
	var reading sync.WaitGroup
	reading.Go(func() {
		b := make([]byte, 4096)
		for {
			n, err := s.person.Read(b)
			s.mu.Lock()
			s.seen.Write(b[:n])
			s.mu.Unlock()
			if err != nil { // the last of the other side is closed
				return
			}
		}
	})
	t.Cleanup(func() { _ = s.terminal.Close(); reading.Wait() })
	return s
}

func (s *screen) resize(t *testing.T, width, height uint16) {
	t.Helper()
	if err := unix.IoctlSetWinsize(int(s.terminal.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: height, Col: width}); err != nil {
		t.Fatal(err)
	}
}

// text is all that was written so far.
func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen.String()
}

// last is what was drawn last.
func (s *screen) last() string {
	text := s.text()
	return text[max(0, strings.LastIndex(text, "\x1b[H")):]
}

// widest is how many columns the last drawing has.
func (s *screen) widest() (n int) {
	for line := range strings.SplitSeq(s.last(), "\r\n") {
		for _, part := range []string{"\x1b[H", "\x1b[K", "\x1b[J", "\x1b[0m", "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[33m"} {
			line = strings.ReplaceAll(line, part, "")
		}
		n = max(n, len([]rune(line)))
	}
	return n
}

// TestStatusWatch follows a transfer on a terminal, heeds its size, and gives it back as it was.
func TestStatusWatch(t *testing.T) {
	t.Parallel()
	r, _ := slowRig(t, 1<<20, patient, "to = [\"acme\"]")
	r.drop("large.bin", noise(24<<20))
	r.watching()
	for _, c := range []struct {
		name, key string
		code      int
		env       []string
	}{{"q", "q", 0, nil}, {"Ctrl-C and no colours", "\x03", 130, []string{"NO_COLOR=1"}}} {
		s := newScreen(t, 100, 30)
		before, err := unix.IoctlGetTermios(int(s.terminal.Fd()), unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		on := *r
		on.env = append(append(slices.Clip(r.env), "TERM=xterm"), c.env...)
		on.stdin, on.stdout, on.stderr = s.terminal, s.terminal, s.terminal
		a := on.launch("-c", r.config, "status", "--watch")
		eventually(t, c.name+": the transfer moves", time.Minute, func() bool {
			last := s.last()
			return strings.Contains(last, "large.bin -> acme") && strings.Contains(last, "/s") && strings.Contains(last, " left") && strings.Contains(last, "[#")
		})
		s.resize(t, 40, 10)
		eventually(t, c.name+": it is as wide as the terminal", time.Minute, func() bool { return s.widest() <= 40 && strings.Contains(s.last(), "q quits") })
		if coloured := strings.Contains(s.text(), "\x1b[32m"); coloured != (c.env == nil) {
			t.Errorf("%s: colours: %v", c.name, coloured)
		}
		if _, err := s.person.WriteString(c.key); err != nil {
			t.Fatal(err)
		}
		select {
		case <-a.done:
		case <-time.After(time.Minute):
			t.Fatalf("%s: it goes on", c.name)
		}
		if code := a.command.ProcessState.ExitCode(); code != c.code {
			t.Errorf("%s: exit code %d, want %d", c.name, code, c.code)
		}
		after, err := unix.IoctlGetTermios(int(s.terminal.Fd()), unix.TCGETS)
		if err != nil || *after != *before {
			t.Errorf("%s: the terminal is not as it was: %v", c.name, err)
		}
		eventually(t, c.name+": the usual screen is back", time.Minute, func() bool { return strings.Contains(s.text(), "\x1b[?1049l") })
	}
	if got := r.expect(4, "status", "--watch"); !strings.Contains(got.stderr, "is for a terminal") {
		t.Errorf("elsewhere: %s", got.stderr)
	}
}

// TestStatusWatchOutlivesAgents: of one that hangs it says so and lets itself be ended, and one that begins later is seen.
func TestStatusWatchOutlivesAgents(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme"]`)
	s := newScreen(t, 100, 30)
	on := *r
	on.env = append(slices.Clip(r.env), "TERM=xterm")
	on.stdin, on.stdout, on.stderr = s.terminal, s.terminal, s.terminal
	w := on.launch("-c", r.config, "status", "--watch")
	shows := func(want string) {
		t.Helper()
		eventually(t, "the screen shows "+want, time.Minute, func() bool { return strings.Contains(s.last(), want) })
	}
	shows("dropferry rig is not running")
	first := r.watching()
	shows("dropferry rig is running, pid " + strconv.Itoa(first.command.Process.Pid))
	shows("All is well. Everything is delivered.")
	first.stop()
	shows("dropferry rig is not running")
	second := r.watching()
	shows("dropferry rig is running, pid " + strconv.Itoa(second.command.Process.Pid))
	if err := second.command.Process.Signal(unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	shows("no answer for ")
	shows("what follows is of ")
	if _, err := s.person.WriteString("q"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-w.done:
	case <-time.After(time.Minute):
		t.Fatal("it cannot be ended while the agent hangs")
	}
	if code := w.command.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if err := second.command.Process.Signal(unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if code := second.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestOnceShowsItsProgressOnATerminal in one line below its log.
func TestOnceShowsItsProgressOnATerminal(t *testing.T) {
	t.Parallel()
	r, _ := slowRig(t, 4<<20, patient, "to = [\"acme\"]")
	r.drop("a.bin", noise(6<<20))
	r.drop("b.bin", noise(6<<20))
	s := newScreen(t, 100, 30)
	r.stderr = s.terminal
	a := r.launch("-c", r.config, "once")
	a.wantEnd(0)
	contains(t, a.text(), "2 delivered")
	eventually(t, "the terminal has all", time.Minute, func() bool { return lines(s.text(), "msg=delivered") == 2 })
	contains(t, s.text(), "of 2 files", "of 12.0 MiB", "iB/s", "msg=delivered", "\r\x1b[Ktime=")
	r.env = append(r.env, "TMPDIR="+r.mkdir("tmp"))
	a = r.launch("demo", "--once")
	a.wantEnd(0)
	eventually(t, "the demo has shown a bar", time.Minute, func() bool {
		return strings.Contains(s.text(), "export.zip  ") && strings.Contains(s.text(), "\r\x1b[K          [")
	})
	// Elsewhere there are lines alone.
	r.drop("c.txt", "c")
	if got := r.expect(0, "once"); strings.ContainsAny(got.text(), "\r\x1b") {
		t.Errorf("%q", got.text())
	}
}

// TestHistoryFilters finds what was, and what was not, delivered.
func TestHistoryFilters(t *testing.T) {
	t.Parallel()
	r := newRig(t, "to = [\"acme\"]")
	r.write(r.inbox("held.txt"), "theirs")
	for _, name := range []string{"a.xml", "2026/b.xml", "2026/c.txt", "held.txt"} {
		r.drop(name, "content")
	}
	for _, running := range []bool{false, true} {
		if running {
			r.watching()
		} else {
			r.expect(3, "once")
		}
		got := r.expect(0, "history", "--path", "*.xml").stdout
		contains(t, got, "a.xml", "2026/b.xml", "2 deliveries of 2 files, 14 B, in 2 attempts")
		lacks(t, got, "c.txt")
		lacks(t, r.expect(0, "history", "--path", "2026/*", "--limit", "1").stdout, "a.xml", "2 deliveries")
		got = r.expect(0, "history", "--failed").stdout
		contains(t, got, "held.txt", "held", "dropferry did not put there", "1 file\n", "what to do: `"+r.typed("retry "))
		lacks(t, got, "a.xml")
		contains(t, r.expect(0, "history", "--failed", "--path", "*.xml").stdout, "Nothing has failed")
		contains(t, r.expect(0, "history", "--failed", "--json", "--path", "*.xml").stdout, `"failed": []`)
		contains(t, r.expect(4, "history", "--path", "[a").stderr, "not a valid pattern")
	}
	const settled = "1 file waits for a person. Nothing else is to be sent."
	eventually(t, "status says: "+settled, time.Minute, func() bool { // the agent compares what is as young as the look before
		return strings.Contains(r.expect(0, "status").stdout, settled)
	})
	contains(t, r.expect(0, "status").stdout, "held since", "outbox/held.txt -> acme", "what to do: `"+r.typed("retry "))
}
