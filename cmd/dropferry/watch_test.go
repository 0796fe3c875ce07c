package main

import (
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/logs"
	"github.com/dropferry/dropferry/syncer"
)

func TestBar(t *testing.T) {
	for _, c := range []struct {
		done, whole int64
		want        string
	}{{0, 100, "[..........]"}, {55, 100, "[#####.....]"}, {100, 100, "[##########]"}, {200, 100, "[##########]"}, {0, 0, "[##########]"}} {
		if got := bar(c.done, c.whole, 10); got != c.want {
			t.Errorf("%d of %d: %s", c.done, c.whole, got)
		}
	}
}

func TestMeter(t *testing.T) {
	m := meter{}
	at := time.Now()
	transfer := control.Transfer{ID: "a", Size: 10 << 20}
	note := func(seconds int, sent int64) string {
		transfer.Sent = sent
		m.note([]control.Transfer{transfer}, at.Add(time.Duration(seconds)*time.Second))
		return m.words(&transfer)
	}
	if got := note(0, 1<<20); strings.Contains(got, "/s") {
		t.Errorf("at first sight: %s", got)
	}
	if got := note(1, 3<<20); !strings.Contains(got, "30 %  3.0 MiB of 10.0 MiB  2.0 MiB/s  4s left") {
		t.Errorf("after a second: %s", got)
	}
	if got := note(2, 3<<20); !strings.Contains(got, "1.2 MiB/s") {
		t.Errorf("when it stops: %s", got)
	}
	m.note(nil, at)
	if len(m) != 0 {
		t.Errorf("what has ended is kept: %v", m)
	}
}

func TestScreen(t *testing.T) {
	next := time.Now()
	s := &control.Status{
		Agent:        control.AgentStatus{Name: "erp", Running: true, PID: 7},
		Folders:      []control.FolderStatus{{Name: "in", State: "halted", Reason: "all is gone\nreally", Files: 3}},
		Destinations: []control.DestinationStatus{{Name: "acme", State: "waiting", Reason: "dial: refused", NextAttempt: &next}},
		Transfers:    []control.Transfer{{ID: "a", Path: "evil\x1b[2J.txt", Destination: "acme", Size: 100, Sent: 50}},
		Attention:    []control.Attention{{State: "held", Folder: "in", Path: "ü.txt", Destination: "acme", Reason: "theirs", Hint: "`dropferry retry ID`"}},
	}
	plain, as := func(_, text string) string { return text }, func(text string) string { return text }
	text := strings.Join(screen(s, "", meter{}, plain, as, 200, 50), "\n")
	for _, want := range []string{
		"dropferry erp is running, pid 7", "[##########..........]", "50 %", "destination acme: waiting", "next attempt", "folder in: halted", "all is gone really",
		"held: in/ü.txt -> acme: theirs", "what to do about what follows: `dropferry retry ID`", "q quits",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if strings.Contains(text, "\x1b") {
		t.Errorf("a name commands the terminal: %q", text)
	}
	for _, size := range [][2]int{{20, 5}, {10, 2}, {1, 1}} {
		lines := screen(s, "", meter{}, plain, as, size[0], size[1])
		if len(lines) > max(2, size[1]) {
			t.Errorf("%d lines for a height of %d", len(lines), size[1])
		}
		for _, l := range lines {
			if n := len([]rune(l)); n > size[0] {
				t.Errorf("%q has %d columns of %d", l, n, size[0])
			}
		}
	}
	if lines := screen(s, "", meter{}, plain, as, 200, 5); !strings.Contains(lines[3], "... and ") || !strings.HasSuffix(lines[3], "more lines") {
		t.Errorf("what is left out is not said: %q", lines)
	}
}

func TestPainter(t *testing.T) {
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	if got := painter()(red, "x"); got != "\x1b[31mx\x1b[0m" {
		t.Errorf("%q", got)
	}
	t.Setenv("NO_COLOR", "1")
	if got := painter()(red, "x"); got != "x" {
		t.Errorf("%q", got)
	}
}

func TestOnceBar(t *testing.T) {
	var out strings.Builder
	line := &progress{out: logs.Writer{To: &out}, on: true}
	b := newOnceBar(line)
	tell := func(kind syncer.EventType, id string, size, sent int64) {
		line.last = time.Time{} // as if time had passed
		b.observe(syncer.Event{Type: kind, ID: id, Size: size, Sent: sent})
	}
	tell(syncer.EventPlanned, "a", 100, 0)
	tell(syncer.EventPlanned, "b", 300, 0)
	tell(syncer.EventStarted, "a", 100, 0) // known
	tell(syncer.EventStarted, "c", 0, 0)   // of an earlier run
	tell(syncer.EventProgress, "b", 300, 100)
	tell(syncer.EventDelivered, "a", 100, 0)
	if last := out.String()[strings.LastIndex(out.String(), "\r"):]; !strings.Contains(last, "[##########..........] 1 of 3 files   50 %  200 B of 400 B") {
		t.Errorf("%q", last)
	}
}

func TestTotals(t *testing.T) {
	got := totals([]control.Delivery{{Folder: "in", Path: "a", Size: 1024, Attempts: 1}, {Folder: "in", Path: "a", Size: 1024, Attempts: 2}, {Folder: "out", Path: "a", Attempts: 1}})
	if got != "3 deliveries of 2 files, 2.0 KiB, in 4 attempts" {
		t.Error(got)
	}
	sent := int64(1024)
	got = totals([]control.Delivery{{Path: "a", Size: 4096, Sent: &sent, Attempts: 1}, {Path: "b", Size: 1024, Attempts: 1}}) // of an older agent
	if got != "2 deliveries of 2 files, 2.0 KiB of 5.0 KiB, in 2 attempts" {
		t.Error(got)
	}
}
