package notify

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// script writes a program.
func script(t *testing.T, text string) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell of Unix")
	}
	name := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(name, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestCommandReadsTheMessage(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "out")
	c := &Command{Args: []string{script(t, `cat >"$1"; printf '%s|%s' "$DROPFERRY_AGENT" "$SECRET" >"$1.env"`), out + ""}, Env: []string{"PATH=" + os.Getenv("PATH")}}
	if err := c.Send(t.Context(), message(parked("$(touch here); 'x'"))); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var m Message
	if err := json.Unmarshal(text, &m); err != nil || len(m.Alerts) != 1 || m.Alerts[0].Path != "$(touch here); 'x'" {
		t.Errorf("%v: %s", err, text)
	}
	if env, err := os.ReadFile(out + ".env"); err != nil || string(env) != "erp|" {
		t.Errorf("%q, %v", env, err)
	}
}

func TestCommandThatFails(t *testing.T) {
	t.Parallel()
	c := &Command{Args: []string{script(t, "cat >/dev/null; echo no such pager >&2; exit 7")}}
	if err := c.Send(t.Context(), message(parked("a"))); err == nil || err.Error() != "run program: exit status 7: no such pager" {
		t.Error(err)
	}
	c.Args = []string{filepath.Join(t.TempDir(), "none")}
	if err := c.Send(t.Context(), message(parked("a"))); err == nil || !strings.Contains(err.Error(), "run none") {
		t.Error(err)
	}
	// One that reads nothing of a message that is longer than a pipe holds has done its work all the same.
	long := parked("a")
	long.Text = strings.Repeat("x", 1<<20)
	c.Args = []string{script(t, "exit 0")}
	if err := c.Send(t.Context(), message(long)); err != nil {
		t.Error(err)
	}
}

func TestRunEndsWhatTakesTooLong(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	name := filepath.Join(t.TempDir(), "still-there")
	began := time.Now()
	output, err := Run(ctx, []string{script(t, `echo began; (sleep 60; touch "$1") & sleep 60`), name}, nil, nil)
	if err == nil || !strings.Contains(err.Error(), "took longer than its timeout") || time.Since(began) > patience {
		t.Errorf("%q, %v after %s", output, err, time.Since(began))
	}
}

func TestRunKeepsTheEndOfWhatIsPrinted(t *testing.T) {
	t.Parallel()
	output, err := Run(t.Context(), []string{script(t, `i=0; while [ $i -lt 2000 ]; do echo "line $i"; i=$((i+1)); done`)}, nil, nil)
	if err != nil || len(output) > mostOutput+3 || !strings.HasPrefix(output, "...") || !strings.HasSuffix(output, "line 1999") {
		t.Errorf("%v, %d bytes: %.20q", err, len(output), output)
	}
}
