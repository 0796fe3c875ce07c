//go:build unix

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// evil is the name of a file that would clear the screen, turn the direction of writing and forge a line of the log.
const evil = "a\x1b[2J\u009b31m\u202egpj\n<0>level=ERROR msg=forged\x7f.txt"

// harmless fails where an output holds a command to a terminal.
func harmless(t *testing.T, where, text string) {
	t.Helper()
	if strings.ContainsAny(text, "\x1b\x7f\x07\r\u009b\u202e") {
		t.Errorf("%s holds a control character: %q", where, text)
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimLeft(line, " "), "<0>") {
			t.Errorf("%s has a forged line: %q", where, line)
		}
	}
}

// TestEvilNamesAreShownHarmlessly sends such a file, has such a one refused, and looks at everything that any command prints.
func TestEvilNamesAreShownHarmlessly(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme"]`)
	r.drop(evil, "content")
	r.drop("b"+evil, "is in the way")
	r.write(r.inbox("b"+evil), "somebody else's")
	for _, args := range [][]string{
		{"plan"},
		{"plan", "--json"},
		{"once", "-v", "--json"},
		{"once", "-v"},
		{"status"},
		{"status", "--json"},
		{"history"},
		{"history", "--json"},
		{"explain", "outbox/" + evil},
		{"explain", "outbox/b" + evil},
		{"explain", "no such" + evil},
		{"verify"},
		{"verify", "--json"},
		{"retry", "folder:" + evil},
		{"pause", evil},
		{"resend", evil},
		{"put", r.at("no such" + evil), "acme:"},
		{"put", r.at("agent.toml"), "acme:" + evil, "--json"},
		{"secret", "set", evil},
		{evil},
		{"--" + evil},
		{"trust", evil},
		{"check", evil},
		{"service", "status", "--name", evil},
	} {
		got := r.run(args...)
		harmless(t, fmt.Sprintf("%.20q", args), got.text())
	}
	if got := r.runBare("-c", r.at(evil), "check"); got.code == 0 {
		t.Error("there is no such configuration")
	} else {
		harmless(t, "a configuration's name", got.text())
	}
	var history struct{ Deliveries []struct{ Path string } }
	if err := json.Unmarshal([]byte(r.expect(0, "history", "--json").stdout), &history); err != nil {
		t.Fatal(err)
	}
	if len(history.Deliveries) != 1 || history.Deliveries[0].Path != evil {
		t.Errorf("JSON gives the name back as %+v", history)
	}
}

// TestLogForTheJournal begins each line with its priority, and leaves out what the journal keeps itself.
func TestLogForTheJournal(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme"]`)
	r.withLog(`target = "journal"`)
	a := r.watching()
	r.drop(evil, "content")
	a.wait("<6>msg=delivered ")
	a.stop()
	text := a.text()
	harmless(t, "the journal", text)
	for line := range strings.Lines(text) {
		if len(line) < 7 || line[0] != '<' || line[2] != '>' || !strings.HasPrefix(line[3:], "msg=") {
			t.Errorf("a line of the journal is %q", line)
		}
	}
	contains(t, text, "<7>msg=")
}

// TestLogFile writes and rotates a file, goes on with a new one when somebody has put it aside, and moves with a reload.
func TestLogFile(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme"]`)
	r.withLog("target = \"file\"\nformat = \"json\"\nmax_size = \"64KiB\"\nkeep = 2")
	name := filepath.Join(r.state, "log", "dropferry.log")
	a := r.start()
	logged := func(name, what string) {
		t.Helper()
		eventually(t, what+" is in "+name, 20*time.Second, func() bool {
			text, err := os.ReadFile(name)
			return err == nil && strings.Contains(string(text), what)
		})
	}
	logged(name, `"msg":"folder watching"`)
	for i := range 300 {
		r.drop(fmt.Sprintf("%03d-%s.txt", i, strings.Repeat("x", 100)), "x")
	}
	for i := range 300 { // delivered is the last
		r.arrives(fmt.Sprintf("%03d-%s.txt", i, strings.Repeat("x", 100)), "x")
	}
	if _, err := os.Stat(name + ".1"); err != nil {
		t.Error(err)
	}
	for _, n := range []string{name, name + ".1", name + ".2"} {
		if info, err := os.Stat(n); err == nil && (info.Size() > 64<<10 || info.Mode().Perm() != 0o600) {
			t.Errorf("%s has %d bytes and mode %v", n, info.Size(), info.Mode())
		}
	}
	if _, err := os.Stat(name + ".3"); err == nil {
		t.Error("three older files stay")
	}
	if err := os.Rename(name, r.at("aside")); err != nil {
		t.Fatal(err)
	}
	r.reload()
	r.drop("after.txt", "x")
	logged(name, "after.txt")
	r.edit(`target = "file"`, "target = \"file\"\nfile = \"other.log\"")
	r.reload("log.file: changed")
	r.drop("moved.txt", "x")
	logged(r.at("other.log"), "moved.txt")
	if code := a.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if text := a.text(); text != "" {
		t.Errorf("standard error has %q", text)
	}
}
