package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// badConfig has a fault on each of the lines that faultsOf names.
const badConfig = `version = 1
[agent]
name = "x"
sate_dir = "/var/lib/x"
[[destination]]
name = "acme"
hots = "sftp.example.com"
user = "contoso"
key_file = "key"
port = "22"
[[folder]]
name = "out"
path = "/srv/out"
exlude = ["*.bak"]
stable_for = "2 seconds"
after = "archiv"
to = ["acmee:in/{nmae}"]
`

// TestCheckTellsAllFaultsAtOnce holds that a file is mended in one go: every fault, with its line and the nearest word.
func TestCheckTellsAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	r := bareRig(t)
	r.write(r.config, badConfig)
	want := []struct {
		line  int
		parts []string
	}{
		{4, []string{`"sate_dir"`, `did you mean "state_dir"?`}},
		{7, []string{`"hots"`, `did you mean "host"?`}},
		{5, []string{"host is missing"}},
		{10, []string{"port"}},
		{14, []string{`"exlude"`, `did you mean "exclude"?`}},
		{15, []string{"stable_for"}},
		{16, []string{"after", `"archive"`}},
		{17, []string{"{nmae}", "{name}"}},
	}
	lines := strings.Split(r.expect(5, "check").stderr, "\n")
	for _, w := range want {
		found := false
		for _, line := range lines {
			all := strings.HasPrefix(line, fmt.Sprintf("%s:%d: ", r.config, w.line))
			for _, part := range w.parts {
				all = all && strings.Contains(line, part)
			}
			found = found || all
		}
		if !found {
			t.Errorf("line %d: no fault with %q in\n%s", w.line, w.parts, strings.Join(lines, "\n"))
		}
	}
	got := decode[checkJSON](t, r.expect(5, "check", "--json").stdout)
	if got.OK || len(got.Faults) < len(want) {
		t.Errorf("JSON: ok %v, %d faults of %d", got.OK, len(got.Faults), len(want))
	}
	for _, f := range got.Faults {
		if f.Line == 4 && (f.Key != "agent.sate_dir" || !strings.Contains(f.Hint, "state_dir") || f.File != r.config || f.Warning) {
			t.Errorf("the first fault: %+v", f)
		}
	}
	// The other commands say the same and do nothing.
	for _, args := range [][]string{{"once"}, {"run"}, {"plan"}, {"history"}, {"trust", "acme"}} {
		contains(t, r.expect(5, args...).stderr, `did you mean "state_dir"?`, `did you mean "exclude"?`)
	}
	if got := names(t, r.dir); len(got) != 3 {
		t.Errorf("something was made: %q", got)
	}
}

func TestCheckOfAFileThatCannotBeLoaded(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		write func(r *rig)
		want  []string
	}{
		{"missing", func(*rig) {}, []string{"no such file", "dropferry demo"}},
		{"directory", func(r *rig) { r.config = r.outbox }, []string{"is a directory"}},
		{"invalid TOML", func(r *rig) { r.write(r.config, "version = 1\n[agent\nname = \"x\"\n") }, []string{"agent.toml:2"}},
		{"empty", func(r *rig) { r.write(r.config, "") }, []string{"version is missing", "version = 1"}},
		{"another version", func(r *rig) { r.write(r.config, "version = 2\n") }, []string{"agent.toml:1", "version = 2"}},
		{"two bytes that are no UTF-8", func(r *rig) { r.write(r.config, "version = 1\n# \xff\xfe\n") }, []string{"agent.toml:2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := bareRig(t)
			c.write(r)
			contains(t, r.expect(5, "check").stderr, append(c.want, r.config)...)
			got := decode[checkJSON](t, r.expect(5, "check", "--json").stdout)
			if got.OK || len(got.Faults) != 1 {
				t.Errorf("JSON: %+v", got)
			}
		})
	}
}

// TestNoConfigurationAnywhere names the places that were looked at, and what to do.
func TestNoConfigurationAnywhere(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/etc/dropferry/agent.toml"); err == nil {
		t.Skip("this machine has a configuration of its own")
	}
	r := bareRig(t)
	got := r.runBare("check")
	if got.code != 5 {
		t.Errorf("exit code %d, want 5", got.code)
	}
	contains(t, got.stderr, r.at("home/.config/dropferry/agent.toml"), "/etc/dropferry/agent.toml", "dropferry demo")
	r.write(r.at("home/.config/dropferry/agent.toml"), "version = 1\nnonsense = 1\n")
	contains(t, r.runBare("check").stderr, r.at("home/.config/dropferry/agent.toml")+":2", "nonsense")
	r.write(r.at("elsewhere.toml"), "version = 1\nrubbish = 1\n")
	r.env = append(r.env, "DROPFERRY_CONFIG="+r.at("elsewhere.toml"))
	contains(t, r.runBare("check").stderr, "elsewhere.toml:2", "rubbish")
}

func TestCheckComparesWithTheDisk(t *testing.T) {
	t.Parallel()
	r := bareRig(t)
	key := r.at("key")
	r.write(key, "not looked into")
	destination := fmt.Sprintf("[[destination]]\nname = \"acme\"\nhost = \"127.0.0.1\"\nuser = \"u\"\nkey_file = %q\n", key)
	r.outboxTo(destination, `to = ["acme"]`)
	contains(t, r.expect(0, "check").stdout, "is valid: 1 folder, 1 destination")

	t.Run("folder missing", func(t *testing.T) {
		r.configure(destination + r.folder("outbox", r.at("nowhere"), `to = ["acme"]`))
		got := r.expect(0, "check")
		contains(t, got.stderr, ": warning: ", "nowhere does not exist")
		if strings.Count(got.stderr, "warning") != 1 {
			t.Errorf("a warning says so once:\n%s", got.stderr)
		}
		j := decode[checkJSON](t, r.expect(0, "check", "--json").stdout)
		if !j.OK || len(j.Faults) != 1 || !j.Faults[0].Warning || j.Faults[0].Key != "folder.path" {
			t.Errorf("JSON: %+v", j)
		}
	})
	t.Run("folder is a file", func(t *testing.T) {
		r.write(r.at("plain.txt"), "x")
		r.configure(destination + r.folder("outbox", r.at("plain.txt"), `to = ["acme"]`))
		contains(t, r.expect(5, "check").stderr, "plain.txt is a file")
	})
	t.Run("key that others can read", func(t *testing.T) {
		r.outboxTo(destination, `to = ["acme"]`)
		if err := os.Chmod(key, 0o644); err != nil {
			t.Fatal(err)
		}
		contains(t, r.expect(5, "check").stderr, "chmod 600 "+key, "agent.toml:")
	})
	t.Run("key missing", func(t *testing.T) {
		if err := os.Remove(key); err != nil {
			t.Fatal(err)
		}
		contains(t, r.expect(5, "check").stderr, key, "no such file")
	})
	t.Run("state_dir is a file", func(t *testing.T) {
		r.write(r.state, "x")
		contains(t, r.expect(5, "check").stderr, "state_dir", "is not a directory")
	})
}

func TestUsage(t *testing.T) {
	t.Parallel()
	r := bareRig(t)
	r.write(r.at("key"), "")
	r.outboxTo(fmt.Sprintf("[[destination]]\nname = \"acme\"\nhost = \"127.0.0.1\"\nport = 1\nuser = \"u\"\nkey_file = %q\n", r.at("key")), `to = ["acme"]`)
	for _, args := range [][]string{
		{"onec"},
		{"--nonsense"},
		{"once", "--nonsense"},
		{"once", "file.txt"},
		{"explain"},
		{"explain", "a", "b"},
		{"trust"},
		{"trust", "nobody"},
		{"check", "nobody"},
		{"once", "--folder", "nonsense"},
		{"plan", "--folder", "nonsense"},
		{"history", "--since", "yesterday-ish"},
		{"history", "--limit", "many"},
		{"history", "--limit", "-1"},
	} {
		got := r.run(args...)
		if got.code != 4 || got.stderr == "" {
			t.Errorf("dropferry %q: exit code %d, want 4\n%s", args, got.code, got.text())
		}
	}
	if _, err := os.Stat(r.state); err == nil {
		t.Error("a command line that makes no sense has made the state directory")
	}
	contains(t, r.expect(0, "version").stdout, "dropferry ")
	contains(t, r.expect(0, "--help").stdout, "demo", "check", "trust", "plan", "once", "run", "status", "history", "explain")
}
