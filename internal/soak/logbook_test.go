package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLogbook notes what matters, in lines that come in pieces, and lets a dump that was asked for pass.
func TestLogbook(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l, err := newLogbook(dir)
	if err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		t.Helper()
		if _, err := l.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	write("delivered\nthe server's disk is f")
	if l.fullDisks() != 0 {
		t.Error("half a line is noted")
	}
	write("ull\npan")
	l.say("the agent was killed") // and ended in the middle of a line
	write("ic: no\n")
	if l.fullDisks() != 1 || len(l.bad()) != 0 {
		t.Errorf("%d full disks, marks %q", l.fullDisks(), l.bad())
	}
	write("time=1 level=INFO msg=connected destination=partner\n")
	if !l.isOnline() {
		t.Error("a connected agent is not online")
	}
	write("time=1 level=WARN msg=\"destination cannot be used for now\" error=1\n")
	if l.isOnline() {
		t.Error("an agent that has lost its session is online")
	}
	write("time=1 level=INFO msg=connected destination=partner\n")
	if l.offline(); l.isOnline() {
		t.Error("an agent that has ended is online")
	}
	dump, err := l.during(func() error {
		write("SIGQUIT: quit\n\ngoroutine 1 [running]:\nmain.main()\n\ngoroutine 7 gp=0x1 m=2 [select, 3 minutes]:\n")
		return nil
	})
	if err != nil || goroutines(dump) != 2 {
		t.Errorf("%d goroutines in %q, %v", goroutines(dump), dump, err)
	}
	write("panic: boom\ngoroutine 1 [running]:\n")
	if got := strings.Join(l.bad(), "|"); got != "panic: boom|goroutine 1 [running]:" {
		t.Errorf("marks: %q", got)
	}
	if err := l.close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "agent.log"))
	if err != nil || !strings.Contains(string(text), "the agent was killed") || strings.Contains(string(text), "SIGQUIT") {
		t.Errorf("the log holds:\n%s\n%v", text, err)
	}
}
