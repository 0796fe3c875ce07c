package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// outcomeJSON is what a command prints, spelled out as the other shapes are.
type outcomeJSON struct {
	Command, Target, ID, Source           string
	RemotePath                            string `json:"remote_path"`
	Count, Released, Hastened, Committing int
	Destinations                          []string
	Pauses                                []struct{ ID, Folder, Destination string }
	Renamed                               []struct{ ID string }
}

// command runs a command with --json, which has to succeed.
func (r *rig) command(args ...string) outcomeJSON {
	r.t.Helper()
	return decode[outcomeJSON](r.t, r.expect(0, append(args, "--json")...).stdout)
}

// refused runs a command that has to fail with a code and say why, in words and in JSON.
func (r *rig) refused(code int, why []string, args ...string) {
	r.t.Helper()
	contains(r.t, r.expect(code, args...).stderr, why...)
	failed := decode[struct {
		Type, Error string
		Code        int
	}](r.t, r.expect(code, append(args, "--json")...).stdout)
	if failed.Type != "error" || failed.Code != code {
		r.t.Errorf("%q: %+v", args, failed)
	}
}

// bothWays runs a test with an agent that runs all the time, and with commands that work on the store. go delivers what
// can be delivered then.
func bothWays(t *testing.T, test func(t *testing.T, w *way)) {
	t.Helper()
	for _, running := range []bool{false, true} {
		name := "store"
		if running {
			name = "agent"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, &way{running: running})
		})
	}
}

// way is how commands are obeyed in a test: by a running agent or on the store.
type way struct {
	*rig
	running bool
	agent   *agent
	looks   int // that still has had taken
}

// with starts the agent, where there is one.
func (w *way) with(r *rig) {
	w.rig = r
	if w.running {
		w.agent = r.watching()
	}
}

// until lets the agent, or `once`, work until a condition holds. Without an agent once ends with the code.
func (w *way) until(code int, what string, holds func() bool) {
	w.t.Helper()
	if !w.running {
		w.expect(code, "once")
	}
	eventually(w.t, what, 15*time.Second, holds)
}

// arrives lets the agent, or `once`, work until a file of the server has the content.
func (w *way) arrives(code int, name, content string) {
	w.t.Helper()
	w.until(code, name+" arrives", func() bool { return tree(w.t, w.sshd.Dir)[name] == content })
}

// becomes lets the agent, or `once`, work until explain says that a file of the outbox has come to a state.
func (w *way) becomes(code int, name, state string) (id string) {
	w.t.Helper()
	w.until(code, name+" becomes "+state, func() bool { return w.explain(w.file(name)).State == state })
	return w.explain(w.file(name)).Routes[0].ID
}

func (w *way) file(name string) string { return filepath.Join(w.outbox, name) }

// still makes sure that a file stays in its state through another look at the folder.
func (w *way) still(code int, name, state string) {
	w.t.Helper()
	w.looks++
	another := fmt.Sprintf("another-%d.txt", w.looks)
	w.drop(another, "another")
	w.until(code, "another file is seen", func() bool {
		s := w.explain(w.file(another)).State
		return s != "settling" && s != "new"
	})
	eventually(w.t, name+" is still "+state, 5*time.Second, func() bool { return w.explain(w.file(name)).State == state })
}

// TestTargetsOfCommands refuses what makes no sense with the words that help, and what is not there.
func TestTargetsOfCommands(t *testing.T) {
	t.Parallel()
	r := bareRig(t)
	r.configure(`
[[destination]]
name = "acme"
host = "127.0.0.1"
port = 1
user = "u"
password = { env = "X" }
[[destination]]
name = "other"
host = "127.0.0.1"
port = 1
user = "v"
password = { env = "X" }
` + r.folder("outbox", r.outbox, `to = ["acme:in"]`))
	const nobody = "0123456789abcdef"
	ask := func(t *testing.T) {
		for _, c := range []struct {
			code int
			why  []string
			args []string
		}{
			{4, []string{`"outbox" is no id`, "did you mean folder:outbox?"}, []string{"pause", "outbox"}},
			{4, []string{`folder "outbx" is not in the configuration`, "did you mean outbox?"}, []string{"pause", "folder:outbx"}},
			{4, []string{`destination "acmee"`, "did you mean acme?"}, []string{"resume", "destination:acmee"}},
			{4, []string{"outbox is not sent to other: it is sent to acme"}, []string{"retry", "outbox/other"}},
			{4, []string{`destination "x\x1b[31m"`}, []string{"cancel", "outbox/x\x1b[31m"}},
			{4, []string{`""`}, []string{"cancel", "folder:"}},
			{1, []string{"nothing with the id " + nobody}, []string{"pause", nobody}},
			{1, []string{"nothing with the id " + nobody}, []string{"resume", nobody}},
			{4, []string{"is one delivery"}, []string{"resend", nobody, "--since", "1h"}},
			{4, []string{`--since "soon" is no time`}, []string{"resend", "folder:outbox", "--since", "soon"}},
			{4, []string{"everything that was ever delivered"}, []string{"resend", "folder:outbox", "--since", ""}},
			{4, []string{`folder "outbx" is not in the configuration`}, []string{"resend", "folder:outbx", "--since", "1h"}},
			{4, []string{"takes the id of a delivery"}, []string{"resend", "folder:outbox"}},
			{4, []string{"not both"}, []string{"retry", nobody, "--overwrite", "--keep-both"}},
			{4, []string{"accepts 1 arg"}, []string{"cancel"}},
			{1, []string{"nothing with the id " + nobody}, []string{"retry", nobody}},
			{1, []string{"nothing with the id " + nobody}, []string{"cancel", nobody}},
			{1, []string{"no delivery with the id " + nobody}, []string{"resend", nobody}},
		} {
			r.refused(c.code, c.why, c.args...)
			lacks(t, r.expect(c.code, c.args...).text(), "\x1b")
		}
	}
	ask(t)
	r.watching()
	ask(t)
}

// TestCommandsWhileOnceRuns says that somebody holds the store who takes no commands.
func TestCommandsWhileOnceRuns(t *testing.T) {
	t.Parallel()
	r, wire := slowRig(t, 1<<20, patient, `to = ["acme:in"]`)
	r.drop("large.bin", noise(4<<20))
	a := r.launch("-c", r.config, "once")
	eventually(t, "the upload is under way", 15*time.Second, func() bool { return len(tree(t, filepath.Join(r.sshd.Dir, "in"))) > 0 })
	if text := r.expect(11, "pause", "folder:outbox").stderr; !strings.Contains(text, "another agent holds the state directory") {
		t.Errorf("it says %s", text)
	}
	wire.SetRate(0)
	<-a.done
}
