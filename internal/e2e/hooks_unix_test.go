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

// reportJSON is what a hook reads.
type reportJSON struct {
	Event     string
	Agent     string
	LocalPath string `json:"local_path"`
	Receipt   *struct{ ID, Path, SHA256 string }
	Failure   *struct{ ID, Path, Error string }
}

// hookProgram writes a program that keeps what it reads, and some of its environment, in the directory out.
func (r *rig) hookProgram(name, more string) (out string) {
	r.t.Helper()
	out = r.mkdir(name + "-out")
	r.write(r.at(name), fmt.Sprintf("#!/bin/sh\ncat >%q/$$.new\nprintf '%%s|%%s|%%s|%%s' \"$DROPFERRY_EVENT\" \"$DROPFERRY_PATH\" \"$1\" \"$ACME_SECRET\" >%q/$$.env\n"+
		"%s\nmv %q/$$.new %q/$$.json\n", out, out, more, out, out))
	if err := os.Chmod(r.at(name), 0o755); err != nil {
		r.t.Fatal(err)
	}
	return out
}

// reports returns what a hook has read, by path.
func (r *rig) reports(out string) map[string]reportJSON {
	r.t.Helper()
	all, err := filepath.Glob(filepath.Join(out, "*.json"))
	if err != nil {
		r.t.Fatal(err)
	}
	reports := map[string]reportJSON{}
	for _, name := range all {
		text, err := os.ReadFile(name)
		if err != nil {
			r.t.Fatal(err)
		}
		var report reportJSON
		if err := json.Unmarshal(text, &report); err != nil {
			r.t.Fatalf("%s: %v", text, err)
		}
		switch {
		case report.Receipt != nil:
			reports[report.Receipt.Path] = report
		case report.Failure != nil:
			reports[report.Failure.Path] = report
		}
	}
	return reports
}

// TestHooks run for each delivery and each failure, without a shell, and know no secret.
func TestHooks(t *testing.T) {
	t.Parallel()
	r := newRig(t, "to = [\"acme\"]")
	r.env = append(r.env, "ACME_SECRET=very-secret")
	r.secrets = append(r.secrets, "very-secret")
	sent, failed := r.hookProgram("sent", "echo the ERP knows"), r.hookProgram("failed", "echo nobody knows >&2; exit 3")
	r.drop("before.txt", "delivered before there were hooks")
	r.expect(0, "once")
	r.outboxTo(r.acme()+"password = { env = \"ACME_SECRET\" }\n",
		"hooks = { on_delivered = [\"./sent\", \"$(id)\"], on_failed = [\"./failed\"] }\nto = [\"acme\"]")
	const odd = "odd '$(touch here)' ü.txt"
	r.write(r.inbox("held.txt"), "theirs")
	r.drop("held.txt", "ours")
	r.drop(odd, "x")
	a := r.watching()
	eventually(t, "both hooks have run", time.Minute, func() bool {
		return len(r.reports(sent)) == 1 && lines(a.text(), "a hook has run") == 1 && lines(a.text(), "a hook has failed") == 1
	})
	if got := r.reports(sent)[odd]; got.Event != "delivered" || got.Agent != "rig" || got.LocalPath != filepath.Join(r.outbox, odd) || len(got.Receipt.SHA256) != 64 {
		t.Errorf("%+v", got)
	}
	env, err := filepath.Glob(filepath.Join(sent, "*.env"))
	if err != nil || len(env) != 1 {
		t.Fatal(env, err)
	}
	if text, err := os.ReadFile(env[0]); err != nil || string(text) != "delivered|"+odd+"|$(id)|" {
		t.Errorf("%q, %v", text, err)
	}
	contains(t, a.text(), "the ERP knows", "nobody knows", "exit status 3")
	if names, err := filepath.Glob(filepath.Join(failed, "*.new")); err != nil || len(names) != 1 {
		t.Errorf("%q, %v", names, err)
	}
	if code := a.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestHooksAfterAKill are those of every delivery all the same: how far they have come is in the store.
func TestHooksAfterAKill(t *testing.T) {
	t.Parallel()
	r := newRig(t, "to = [\"acme\"]")
	gate := r.at("gate")
	out := r.hookProgram("sent", fmt.Sprintf("while [ ! -e %q ]; do sleep 0.05; done", gate))
	r.outboxTo(r.acme(), "hooks = { on_delivered = [\"./sent\"] }\nto = [\"acme\"]")
	for i := range 40 {
		r.drop(fmt.Sprintf("%d.txt", i), "x")
	}
	a := r.watching()
	eventually(t, "a hook that waits does not delay deliveries", time.Minute, func() bool {
		names, err := filepath.Glob(filepath.Join(out, "*.new"))
		if err != nil || len(names) != 1 || len(tree(t, r.sshd.Dir)) != 40 {
			return false
		}
		report, err := os.ReadFile(names[0]) // the hook goes on when the agent is killed, with what it has read by then
		return err == nil && json.Valid(report)
	})
	a.kill()
	r.write(gate, "")
	r.expect(0, "once") // which runs what is left
	if got := r.reports(out); len(got) != 40 {
		t.Errorf("hooks have run for %d files", len(got))
	}
}

// TestHookThatTakesTooLong is ended.
func TestHookThatTakesTooLong(t *testing.T) {
	t.Parallel()
	r := newRig(t, "to = [\"acme\"]")
	r.hookProgram("sent", "sleep 600")
	r.outboxTo(r.acme(), "hooks = { on_delivered = [\"./sent\"], timeout = \"300ms\" }\nto = [\"acme\"]")
	r.drop("a.txt", "a")
	if got := r.expect(0, "once"); !strings.Contains(got.stderr, "a hook has failed") || !strings.Contains(got.stderr, "longer than its timeout") {
		t.Errorf("%s", got.stderr)
	}
}
