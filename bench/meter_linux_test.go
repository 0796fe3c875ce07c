package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// promptEnd keeps the race detector from waiting for a second at the end of each meter.
const promptEnd = "GORACE=atexit_sleep_ms=0"

func testMeter(t *testing.T) meter {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return meter{self, []string{"PATH=" + os.Getenv("PATH"), promptEnd}}
}

// busy is a command for sh that needs processor time.
const busy = `i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done`

// TestMeterCountsOrphans holds that the time of a process counts that nobody waits for, in another session.
func TestMeterCountsOrphans(t *testing.T) {
	m := testMeter(t)
	own, err := m.run(t.Context(), time.Minute, []string{"sh", "-c", busy})
	if err != nil {
		t.Fatal(err)
	}
	orphan, err := m.run(t.Context(), time.Minute, []string{"sh", "-c", "setsid sh -c '" + busy + "' & exit 0"})
	if err != nil {
		t.Fatal(err)
	}
	if own.Fault != "" || orphan.Fault != "" || own.PeakRSS < 1<<20 {
		t.Errorf("own %+v, orphan %+v", own, orphan)
	}
	if orphan.CPU < own.CPU/4 {
		t.Errorf("the orphan's %v of processor time are not there: %v", own.CPU, orphan.CPU)
	}
}

func TestMeterTellsFaults(t *testing.T) {
	for command, want := range map[string]string{
		"echo first; echo last >&2; exit 3": "exit status 3: last",
		"kill -9 $$":                        "signal: killed",
	} {
		r, err := testMeter(t).run(t.Context(), time.Minute, []string{"sh", "-c", command})
		if err != nil || r.Fault != want || r.Cut {
			t.Errorf("%s: %+v, %v; want %q", command, r, err, want)
		}
	}
	r, err := testMeter(t).run(t.Context(), time.Minute, []string{"./no-such-program"})
	if err != nil || !strings.Contains(r.Fault, "no such file") {
		t.Errorf("a program that is not there: %+v, %v", r, err)
	}
}

// descends is a command for sh that runs until it is killed, as does what it starts; the two tell their process ids.
func descends(t *testing.T) (command []string, told string) {
	t.Helper()
	told = filepath.Join(t.TempDir(), "pids")
	return []string{"sh", "-c", `setsid sleep 600 & echo $! $$ >"$0.new"; mv "$0.new" "$0"; sleep 600`, told}, told
}

// wantGone fails if one of the processes that a file tells still runs.
func wantGone(t *testing.T, told string) {
	t.Helper()
	text, err := os.ReadFile(told)
	if err != nil {
		t.Fatal(err)
	}
	for pid := range strings.FieldsSeq(string(text)) {
		if _, err := os.Stat("/proc/" + pid); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("process %s is still there", pid)
		}
	}
}

func TestMeterCuts(t *testing.T) {
	command, told := descends(t)
	r, err := testMeter(t).run(t.Context(), time.Second, command)
	if err != nil || !r.Cut || r.Wall != time.Second {
		t.Errorf("%+v, %v", r, err)
	}
	wantGone(t, told)
}

// TestMeterEndsWithTheBenchmark holds that an interrupt leaves no process behind.
func TestMeterEndsWithTheBenchmark(t *testing.T) {
	command, told := descends(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		deadline := time.Now().Add(10 * time.Second)
		for _, err := os.Stat(told); err != nil && time.Now().Before(deadline); _, err = os.Stat(told) {
			time.Sleep(5 * time.Millisecond) // no event tells when a file is there
		}
		cancel()
	}()
	if r, err := testMeter(t).run(ctx, time.Minute, command); !errors.Is(err, context.Canceled) {
		t.Errorf("%+v, %v", r, err)
	}
	wantGone(t, told)
}
