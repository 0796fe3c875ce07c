package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// configuration is what a run wants of agent.toml.
type configuration struct {
	login
	scratch     string   // directory for agent.toml, and state, which is not there yet
	target      string   // root at the server
	agent       []string // more lines for [agent]
	destination []string // more lines for [[destination]]
	folders     []folder
}

type folder struct {
	name, path, to string
	lines          []string // more lines for [[folder]]
}

// Lines of folders.
const (
	// atOnce is for files that are made elsewhere and renamed into the folder: they are ready as soon as they are seen.
	atOnce = `ready = "rename"`
	// quiet makes files ready that were just made. Their change times are the benchmark's own and cannot be set back.
	quiet = `stable_for = "1ms"`
)

func (c configuration) state() string { return filepath.Join(c.scratch, "state") }

// write writes agent.toml and returns its name.
func (c configuration) write() (string, error) {
	name := filepath.Join(c.scratch, "agent.toml")
	return name, os.WriteFile(name, []byte(c.String()), 0o600)
}

// String is the text of agent.toml, with all that dropferry promises: since size and time do not prove an upload, verify
// asks for the content.
func (c configuration) String() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	more := func(lines []string) {
		for _, l := range lines {
			line("%s", l)
		}
	}
	line("version = 1\n\n[agent]\nname = \"bench\"\nstate_dir = %q", c.state())
	more(c.agent)
	line("\n[control]\nlisten = \"\"")
	line("\n[defaults]\nverify = \"content\"")
	quoted := make([]string, len(c.fingerprints))
	for i, f := range c.fingerprints {
		quoted[i] = fmt.Sprintf("%q", f)
	}
	line("\n[[destination]]\nname = \"server\"\nhost = %q\nport = %d\nuser = %q\nkey_file = %q\nhost_key = [%s]\nroot = %q",
		c.host, c.port, c.user, c.keyFile, strings.Join(quoted, ", "), c.target)
	more(c.destination)
	for _, f := range c.folders {
		line("\n[[folder]]\nname = %q\npath = %q\nto = [\"server:%s\"]", f.name, f.path, f.to)
		more(f.lines)
	}
	return b.String()
}
