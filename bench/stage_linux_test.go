package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/bench/chart"
	"github.com/dropferry/dropferry/internal/sftptest"
)

// tinyStage has a server and the peers that are installed, and a program in dropferry's place that does nothing; or the real
// one.
func tinyStage(t *testing.T, real bool, more ...string) *stage {
	t.Helper()
	args := append([]string{"-workloads", "6x1KiB/2", "-rtt", "0", "-limit", "30s", "-dir", t.TempDir(), "-scale", "0.001"}, more...)
	if !real {
		nothing := filepath.Join(t.TempDir(), "nothing")
		if err := os.WriteFile(nothing, []byte("#!/bin/sh\nexit 0\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		args = append(args, "-dropferry", nothing)
	}
	o, err := parseOptions(args, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for i := range o.cells {
		o.cells[i].workload = workload{6, 1 << 10, 2}
	}
	s, err := prepare(t.Context(), o, io.Discard)
	if err != nil && strings.Contains(err.Error(), "no OpenSSH server") && os.Getenv(sftptest.RequireSSHD) != "1" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.meter.env = append(s.meter.env, promptEnd)
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(s.dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left: %v", s.dir, err)
		}
	})
	return s
}

// tinyTransfers has one small workload, too.
func tinyTransfers(t *testing.T, real bool) *transfers {
	t.Helper()
	s := tinyStage(t, real).withPrograms(t.Context())
	if err := s.makeSources(t.Context(), filepath.Join(s.dir, "sources")); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestPrograms holds that each program that is installed brings the files to the server, some of them over a wire too, and that
// all of what it costs is counted.
func TestPrograms(t *testing.T) {
	s := tinyTransfers(t, true)
	from := s.sources[s.cells[0].workload]
	for _, p := range s.programs {
		for _, n := range []network{{}, {rtt: 2 * time.Millisecond}} {
			if !(cell{network: n}).runs(p) || !n.direct() && p.kind() == chart.Peer && p.name != "rsync" {
				continue
			}
			m, err := s.run(t.Context(), p, from, n)
			if err != nil {
				t.Fatalf("%s: %v", p.name, err)
			}
			if m.fault != "" || m.cut || m.wall <= 0 || m.cpu <= 0 || m.rss <= 0 || m.serverCPU < 0 {
				t.Errorf("%s, %s: %s, %+v", p.name, n, m, m)
			}
			if overWire := m.wire >= from.bytes(); overWire == n.direct() || n.direct() && m.wire != -1 {
				t.Errorf("%s, %s: %d bytes over the wire", p.name, n, m.wire)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(s.dir, "sources", "0", from.files[0])); err != nil {
		t.Errorf("the source is not where it was: %v", err)
	}
}

// TestAnIdleProgramFails holds that a program does not pass for fast that does nothing.
func TestAnIdleProgramFails(t *testing.T) {
	s := tinyTransfers(t, false)
	from := s.sources[s.cells[0].workload]
	if m, err := s.run(t.Context(), s.programs[0], from, network{}); err != nil || !strings.Contains(m.fault, "is missing") {
		t.Errorf("from a cold start: %s, %v", m, err)
	}
	if _, err := s.run(t.Context(), s.programs[1], from, network{}); err == nil || !strings.Contains(err.Error(), "warm up: the agent has ended") {
		t.Errorf("an agent that ends at once: %v", err)
	}
}

// TestMeasure holds the order: all programs, then the next round.
func TestMeasure(t *testing.T) {
	s := tinyTransfers(t, false)
	s.programs = []program{s.programs[0], s.programs[0]}
	s.programs[1].name = "against"
	var told strings.Builder
	s.progress = &told
	s.rounds = 2
	all, err := s.measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for line := range strings.Lines(told.String()) {
		order = append(order, strings.Split(line, ": ")[1])
	}
	if want := []string{coldName, "against", coldName, "against"}; !slices.Equal(order, want) {
		t.Errorf("order %q, want %q", order, want)
	}
	if err := all.ownFaults(); err == nil || strings.Count(err.Error(), "\n") != 4 {
		t.Errorf("four failures are told as: %v", err)
	}
	s.budget = -1
	if all, err := s.measure(t.Context()); err != nil || all.leftOut != 4 {
		t.Errorf("without time %d runs are left out, %v", all.leftOut, err)
	}
}

func TestMakeDirRefuses(t *testing.T) {
	if _, err := makeDir(options{dir: t.TempDir(), parts: parts, cells: []cell{{workload: workload{1, 1 << 49, 0}}}}); err == nil || !strings.Contains(err.Error(), "are needed") {
		t.Errorf("too little room: %v", err)
	}
	odd := filepath.Join(t.TempDir(), "a b")
	if err := os.Mkdir(odd, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := makeDir(options{dir: odd}); err == nil || !strings.Contains(err.Error(), "letters, digits") {
		t.Errorf("a name with a space: %v", err)
	}
}
