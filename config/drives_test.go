package config

import (
	"path/filepath"
	"strings"
	"testing"
)

const drivesFile = `version = 1

[agent]
state_dir = "state"

[[destination]]
name = "acme"
host = "sftp.acme.example"
user = "contoso"
key_file = "keys/acme"
password = { file = "secrets/acme" }
known_hosts = "known_hosts"

[[folder]]
name = "invoices"
path = "out"
after = "archive"
archive = "sent/{yyyy}"
to = ["acme"]
`

func TestMappedDrives(t *testing.T) {
	dir := t.TempDir()
	c, err := Parse(filepath.Join(dir, "agent.toml"), []byte(drivesFile))
	if err != nil {
		t.Fatal(err)
	}
	// The drive of the state and the folder is mapped, and the share of one of them can be told.
	got := c.MappedDrives(func(path string) (string, bool) {
		switch path {
		case filepath.Join(dir, "out"):
			return `\\nas\erp\out`, true
		case filepath.Join(dir, "state"):
			return "", true
		}
		return `\\never\asked`, false
	})
	if len(got) != 2 || !got.Fatal() {
		t.Fatalf("faults: %v", got)
	}
	for i, want := range []struct {
		line int
		key  string
		text string
	}{
		{4, "agent.state_dir", `which a service does not have: name the share itself, as in '\\server\share\directory'`},
		{16, "folder.path", `is on a mapped drive, which a service does not have: path = '\\nas\erp\out'`},
	} {
		if got[i].Line != want.line || got[i].Key != want.key || !strings.Contains(got[i].String(), want.text) {
			t.Errorf("line %d, %s: %s", got[i].Line, got[i].Key, got[i])
		}
	}
	var keys []string
	for _, p := range c.LocalPaths() {
		if !filepath.IsAbs(p.Path) || p.Line == 0 {
			t.Errorf("%+v", p)
		}
		keys = append(keys, p.Key)
	}
	if got := strings.Join(keys, " "); got != "state_dir key_file password known_hosts path archive" {
		t.Errorf("paths of %s", got)
	}
	if faults := c.MappedDrives(func(string) (string, bool) { return "", false }); len(faults) != 0 {
		t.Errorf("faults without such a drive: %v", faults)
	}
}
