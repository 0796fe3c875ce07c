package sftptest

import (
	"os"
	"testing"
	"time"
)

func TestParseProcTimes(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"12 (a) b) S 1 12 12 0 -1 4194304 100 200 0 0 5 7 11 13 20 0 1 0 100": 360 * time.Millisecond,
		"12 (a) S 1 12 12 0 -1 4194304 100 200 0 0 5 7 11":                    0,
		"12 (a) S 1 12 12 0 -1 4194304 100 200 0 0 5 x 11 13 20":              0,
		"": 0,
	} {
		if got := parseProcTimes(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// TestSSHDProcessorTime holds that what sessions use counts, while they are open, when they have ended and when they were
// killed.
func TestSSHDProcessorTime(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("there is no /proc")
	}
	s := StartSSHD(t, SSHDOptions{})
	last := s.ProcessorTime()
	more := func(what string) {
		t.Helper()
		waitFor(t, what, func() bool { return s.ProcessorTime() > last })
		last = s.ProcessorTime()
	}
	c := s.login(t)
	waitFor(t, "logins count", func() bool { // one may take less than the kernel counts
		_ = s.login(t).Close() // it is of no more use
		return s.ProcessorTime() > last
	})
	last = s.ProcessorTime()
	run, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run.Output("i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"); err != nil {
		t.Fatal(err)
	}
	more("a command counts")
	s.KillSessions()
	waitFor(t, "nothing is lost", func() bool { return s.ProcessorTime() >= last })
	s.Stop()
	if got := s.ProcessorTime(); got != 0 {
		t.Errorf("a stopped server has used %v", got)
	}
}
