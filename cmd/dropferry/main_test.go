package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/agent"
	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/packaging"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/service"
	"github.com/dropferry/dropferry/state"
)

func TestExitCodes(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name string
		ctx  context.Context
		err  error
		want int
	}{
		{"success", t.Context(), nil, 0},
		{"anything", t.Context(), errors.New("x"), 1},
		{"reported before", t.Context(), exitError(3), 3},
		{"usage", t.Context(), usageError("x"), 4},
		{"usage that cobra found", t.Context(), errors.New(`unknown command "x" for "dropferry"`), 4},
		{"a folder that is not there", t.Context(), fmt.Errorf("folder x: %w", agent.ErrNoSuch), 4},
		{"configuration", t.Context(), config.Faults{{Text: "x"}}, 5},
		{"no configuration", t.Context(), noConfigError{errors.New("x")}, 5},
		{"a newer store", t.Context(), fmt.Errorf("x: %w", &state.NewerError{}), 6},
		{"no agent", t.Context(), fmt.Errorf("x: %w", control.ErrNoAgent), 10},
		{"another agent", t.Context(), fmt.Errorf("x: %w", state.ErrLocked), 11},
		{"authentication", t.Context(), &remote.Error{Kind: remote.Auth}, 12},
		{"host key", t.Context(), &remote.Error{Kind: remote.HostKey}, 13},
		{"unreachable", t.Context(), &remote.Error{Kind: remote.Transient}, 14},
		{"no common algorithm", t.Context(), &remote.Error{Kind: remote.Algorithms}, 14},
		{"root", t.Context(), &remote.Error{Kind: remote.Root}, 14},
		{"a file's own failure", t.Context(), &remote.Error{Kind: remote.Refused}, 1},
		{"interrupted", ended, fmt.Errorf("x: %w", context.Canceled), 130},
		{"cancelled by something else", t.Context(), context.Canceled, 1},
	} {
		if got := exitCode(c.ctx, c.err); got != c.want {
			t.Errorf("%s: exit code %d, want %d", c.name, got, c.want)
		}
	}
}

// What systemd does not start again is what a service manager of Windows' does not, and a program that is not there.
func TestFinalExitCodes(t *testing.T) {
	for name, unit := range map[string]string{"unit": packaging.Unit, "instance": packaging.InstanceUnit} {
		_, rest, _ := strings.Cut(unit, "\nRestartPreventExitStatus=")
		line, _, _ := strings.Cut(rest, "\n")
		listed := strings.Fields(line)
		for code := range 256 {
			if got := slices.Contains(listed, strconv.Itoa(code)); got != (isFinal(code) || code == 203) {
				t.Errorf("%s: exit code %d is listed: %v", name, code, got)
			}
		}
	}
}

func TestLaunchdStartsNothingAnew(t *testing.T) {
	var out bytes.Buffer
	p := &program{terminal: terminal{out: &out, err: &out}}
	final := &service.Final{Err: config.Faults{{File: "agent.toml", Text: "a fault"}}, Code: exitConfig}
	if code := exitCode(t.Context(), p.serviceEnd(t.Context(), "darwin", final)); code != exitOK || !strings.Contains(out.String(), "a fault") {
		t.Errorf("exit code %d, %q", code, &out)
	}
	out.Reset()
	for _, c := range []struct {
		goos string
		err  error
		code int
	}{{"linux", final, exitConfig}, {"darwin", errors.New("x"), exitFailure}, {"darwin", nil, exitOK}} {
		if code := exitCode(t.Context(), p.serviceEnd(t.Context(), c.goos, c.err)); code != c.code || out.Len() > 0 {
			t.Errorf("%+v: exit code %d, %q", c, code, &out)
		}
	}
}

func TestParseSince(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.Local)
	for text, want := range map[string]time.Time{
		"":                          {},
		"90m":                       now.Add(-90 * time.Minute),
		"7d":                        now.AddDate(0, 0, -7),
		"2026-11-01":                time.Date(2026, 11, 1, 0, 0, 0, 0, time.Local),
		"2026-11-01 08:30":          time.Date(2026, 11, 1, 8, 30, 0, 0, time.Local),
		"2026-11-01T08:30:00+02:00": time.Date(2026, 11, 1, 6, 30, 0, 0, time.UTC),
	} {
		if got, err := parseSince(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"yesterday", "7", "7dd", "2026-13-01"} {
		if got, err := parseSince(text, now); exitCode(t.Context(), err) != exitUsage {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

func TestWords(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 5 << 20: "5.0 MiB", 3 << 40: "3.0 TiB"} {
		if got := size(n); got != want {
			t.Errorf("size(%d) = %q, want %q", n, got, want)
		}
	}
	for name, want := range map[string]string{
		"a b.txt": "a b.txt", "Zürich": "Zürich", "\x1b[2J": `"\x1b[2J"`, "line\nbreak": `"line\nbreak"`, "\xff": `"\xff"`,
	} {
		if got := shown(name); got != want {
			t.Errorf("shown(%q) = %s, want %s", name, got, want)
		}
	}
}

func TestLineOf(t *testing.T) {
	file := filepath.Join(t.TempDir(), "agent.toml")
	text := "[[destination]]\nhost_key = [\"a\"]\n\n[[destination]]\nname = \"b\"\n  host_key=[\"b\"]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		table int
		key   string
		want  int
	}{{1, "host_key", 2}, {4, "host_key", 6}, {4, "known_hosts", 4}} {
		if got := lineOf(file, c.table, c.key); got != c.want {
			t.Errorf("%s of the table in line %d: %d, want %d", c.key, c.table, got, c.want)
		}
	}
	if got := lineOf(file+".missing", 7, "host_key"); got != 7 {
		t.Errorf("in a file that is not there: %d", got)
	}
}
