package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestParts holds that each part works with the real dropferry, at a small scale, and tells where it was measured.
func TestParts(t *testing.T) {
	s := tinyStage(t, true, "-peers", "", "-rounds", "1", "-changes", "inserted")
	for _, p := range parts {
		made, err := s.measure(t.Context(), p)
		if err != nil {
			t.Errorf("%s: %v", p.name, err)
			continue
		}
		if made.faults != nil {
			t.Errorf("%s: %v", p.name, made.faults)
		}
		for _, want := range []string{"- Measured on ", "cores", " ms to start a process.", "The server's account is ", "- dropferry: "} {
			if !strings.Contains(made.text, want) {
				t.Errorf("%s does not tell %q:\n%s", p.name, want, made.text)
			}
		}
		if want := map[string]string{
			"latency": "at the server, RTT 50 ms", "burst": "files not handed over", "known": "a start with nothing to do",
			"idle": "memory at the end", "transfers": warmName, "bandwidth": "`bandwidth", "fairness": "bandwidth",
			"delta": "`delta",
		}[p.name]; !strings.Contains(made.text, want) {
			t.Errorf("%s does not tell of %q:\n%s", p.name, want, made.text)
		}
		if left, err := filepath.Glob(filepath.Join(s.dir, "*-*")); err != nil || !onlyServers(left) {
			t.Errorf("%s leaves %q, %v", p.name, left, err)
		}
	}
}

func onlyServers(names []string) bool {
	for _, name := range names {
		if !strings.HasPrefix(filepath.Base(name), "server-") {
			return false
		}
	}
	return true
}

func TestParseParts(t *testing.T) {
	if usual, err := parseParts(""); err != nil || len(usual) != len(parts)-1 || usual[len(usual)-1].name != "transfers" {
		t.Errorf("the usual parts are %+v, %v", usual, err)
	}
	if one, err := parseParts("delta"); err != nil || len(one) != 1 || one[0].name != "delta" {
		t.Errorf("one that runs apart: %+v, %v", one, err)
	}
	some, err := parseParts("transfers,latency")
	if err != nil || len(some) != 2 || some[0].name != "latency" {
		t.Errorf("%+v, %v", some, err)
	}
	if _, err := parseParts("latency,sleep"); err == nil || !strings.Contains(err.Error(), `"sleep" is not one of latency, `) {
		t.Errorf("an unknown part: %v", err)
	}
}

func TestSee(t *testing.T) {
	dir := t.TempDir()
	names := []string{filepath.Join(dir, "a"), filepath.Join(dir, "b")}
	began := time.Now()
	if _, err := see(t.Context(), began, 20*time.Millisecond, nil, names); err != errNotThere { //nolint:errorlint // it is not wrapped
		t.Errorf("nothing is there: %v", err)
	}
	ended := make(chan struct{})
	close(ended)
	if _, err := see(t.Context(), began, time.Minute, ended, names); err == nil || !strings.Contains(err.Error(), "ended") {
		t.Errorf("an agent that has ended: %v", err)
	}
	done := make(chan error)
	go func() {
		time.Sleep(30 * time.Millisecond) // what is waited for takes a while
		for _, name := range slices.Backward(names) {
			if err := os.WriteFile(name, nil, 0o600); err != nil {
				done <- err
				return
			}
		}
		close(done)
	}()
	began = time.Now()
	took, err := see(t.Context(), began, time.Minute, nil, names)
	if err != nil || took < 30*time.Millisecond || took > time.Since(began) {
		t.Errorf("seen after %v, %v", took, err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestUsage holds that a process that works uses a processor, and one that sleeps does not.
func TestUsage(t *testing.T) {
	m := testMeter(t)
	run, err := m.start(t.Context(), time.Minute, []string{"sh", "-c", busy + "; sleep 600"})
	if err != nil {
		t.Fatal(err)
	}
	var u usage
	for deadline := time.Now().Add(10 * time.Second); u.cpu < time.Millisecond && time.Now().Before(deadline); {
		if u, err = usageOf(run.pid); err != nil {
			t.Fatal(err)
		}
	}
	if u.cpu < time.Millisecond || u.rss <= 0 || u.peak < u.rss {
		t.Errorf("usage %+v", u)
	}
	if err := endProcess(run.pid); err != nil {
		t.Fatal(err)
	}
	if r, err := run.wait(); err != nil || !strings.Contains(r.Fault, "terminated") {
		t.Errorf("it ended as %+v, %v", r, err)
	}
	if _, err := usageOf(run.pid); err == nil {
		t.Error("a process that is gone has usage")
	}
}

func TestKibibytes(t *testing.T) {
	status := []byte("Name:\tx\nVmHWM:\t    20 kB\nVmRSS:\t 12 kB\n")
	if got := kibibytes(status, "VmRSS:"); got != 12<<10 {
		t.Errorf("%d bytes", got)
	}
	if got := kibibytes(status, "VmSwap:"); got != 0 {
		t.Errorf("a line that is not there has %d bytes", got)
	}
}

func TestProbes(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"a", "d/b", "d/e/c"} {
		full := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := &stage{meter: testMeter(t)}
	for _, kind := range []string{"bare", "scan"} {
		var found scanned
		if r, err := s.probe(t.Context(), &found, time.Minute, kind, root); err != nil || found != (scanned{3, 2}) || r.PeakRSS <= 0 {
			t.Errorf("%s: %+v, %+v, %v", kind, found, r, err)
		}
	}
	for _, args := range [][]string{{"none"}, {"bare"}, {"bare", root + "/missing"}, {"burst", root, "x", root + "/up"}} {
		if _, err := s.probe(t.Context(), &scanned{}, time.Minute, args...); err == nil {
			t.Errorf("probe %q finds something", args)
		}
	}
}

// TestNoticed holds that events are seen, each for its own file.
func TestNoticed(t *testing.T) {
	s := &stage{dir: t.TempDir()}
	found, err := s.noticed(t.Context(), 3)
	if err != nil || len(found) != 3 || found.percentile(1) <= 0 {
		t.Errorf("%v, %v", found, err)
	}
}
