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

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/internal/sftptest"
)

// tinyStage has a server, one small workload and the peers that are installed, and a program that does nothing.
func tinyStage(t *testing.T) *stage {
	t.Helper()
	nothing := filepath.Join(t.TempDir(), "nothing")
	if err := os.WriteFile(nothing, []byte("#!/bin/sh\nexit 0\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	o, err := parseOptions([]string{"-workloads", "6x1KiB/2", "-limit", "30s", "-dir", t.TempDir(), "-dropferry", nothing}, io.Discard)
	if err != nil {
		t.Fatal(err)
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

// TestPeers holds that the command of each installed peer brings the files to the server, directly and over a wire.
func TestPeers(t *testing.T) {
	s := tinyStage(t)
	for _, p := range s.programs {
		for _, n := range []network{{}, {rtt: 2 * time.Millisecond}} {
			m, err := s.run(t.Context(), p, s.sources[0], n)
			if err != nil {
				t.Fatalf("%s: %v", p.name, err)
			}
			switch {
			case p.own:
				if !strings.Contains(m.fault, "is missing") {
					t.Errorf("a program that does nothing: %s", m)
				}
				continue
			case m.fault != "" || m.cut || m.wall <= 0 || m.cpu <= 0:
				t.Errorf("%s, %s: %s, %+v", p.name, n, m, m)
			}
			if overWire := m.wire >= s.sources[0].bytes(); overWire == n.direct() || n.direct() && m.wire != -1 {
				t.Errorf("%s, %s: %d bytes over the wire", p.name, n, m.wire)
			}
		}
	}
}

// TestMeasure holds the order: all programs, then the next round.
func TestMeasure(t *testing.T) {
	s := tinyStage(t)
	s.programs = []program{s.programs[0], s.programs[0]}
	s.programs[1].name = "against"
	var told strings.Builder
	s.progress = &told
	o := options{networks: []network{{}}, rounds: 2, repeat: time.Minute, budget: time.Minute}
	all, err := s.measure(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for line := range strings.Lines(told.String()) {
		order = append(order, strings.Split(line, ": ")[1])
	}
	if want := []string{"dropferry", "against", "dropferry", "against"}; !slices.Equal(order, want) {
		t.Errorf("order %q, want %q", order, want)
	}
	if err := all.ownFaults(); err == nil || strings.Count(err.Error(), "\n") != 4 {
		t.Errorf("four failures are told as: %v", err)
	}
	o.budget = -1
	if all, err := s.measure(t.Context(), o); err != nil || all.leftOut != 4 {
		t.Errorf("without time %d runs are left out, %v", all.leftOut, err)
	}
}

// TestAgentTOML holds that the configuration is one that dropferry takes.
func TestAgentTOML(t *testing.T) {
	dir := t.TempDir()
	key, err := sftptest.NewKey("ed25519")
	if err == nil {
		err = key.Write(filepath.Join(dir, "key"))
	}
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "agent.toml")
	text := agentTOML(transfer{
		login{"127.0.0.1", 2222, "root", filepath.Join(dir, "key"), []string{key.Fingerprint()}}, filepath.Join(dir, "source"), "/srv/in", dir,
	})
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	if f := c.Folders[0]; f.StableFor != time.Millisecond || f.Verify != "content" || f.After != config.Keep {
		t.Errorf("the folder is %+v", f)
	}
}

func TestMakeDirRefuses(t *testing.T) {
	if _, err := makeDir(options{dir: t.TempDir(), workloads: []workload{{1, 1 << 49, 0}}}); err == nil || !strings.Contains(err.Error(), "are needed") {
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
