package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/dropferry/dropferry/config"
)

func TestStateOf(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const rest = "[[destination]]\nname = \"a\"\nhost = \"h\"\nuser = \"u\"\npassword = { credential = \"p\" }\n[[folder]]\nname = \"f\"\npath = \"out\"\nto = [\"a\"]\n"
	for name, test := range map[string]struct{ file, want string }{
		"its own":                 {write("own.toml", "version = 1\n[agent]\nstate_dir = \"state\"\n"+rest), filepath.Join(dir, "state")},
		"that of whoever asks":    {write("none.toml", "version = 1\n"+rest), ""},
		"of a file with faults":   {write("faulty.toml", "version = 7\n"), ""},
		"of a file that is not":   {filepath.Join(dir, "nothing.toml"), ""},
		"of the system's service": {config.ServiceFile(""), config.StateDirFor(config.ServiceFile(""))},
	} {
		if name == "of the system's service" {
			if _, err := os.Stat(test.file); err == nil {
				continue // it may name another
			}
		}
		if got := stateOf(test.file); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
