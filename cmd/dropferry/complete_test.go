package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What a shell asks is answered from the configuration that the line names.
func TestWordsForShells(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "agent.toml")
	text := "version = 1\n[agent]\nstate_dir = \"state\"\n"
	for _, name := range []string{"acme", "backup"} {
		text += "[[destination]]\nname = \"" + name + "\"\nhost = \"h\"\nuser = \"u\"\npassword = { env = \"P\" }\n"
	}
	text += "[[folder]]\nname = \"in\"\npath = \"in\"\nto = [\"acme\", \"backup:x\"]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"trust ":                             "acme backup :4",
		"trust acme ":                        ":4",
		"check acme ":                        "backup :4",
		"pause f":                            "folder:in :4",
		"resume destination:b":               "destination:backup :4",
		"retry in/":                          "in/acme in/backup :4",
		"verify folder:in destination:acme ": "destination:backup in/acme in/backup :4",
		"once --folder ":                     "in :4",
		"history --destination ":             "acme backup :4",
		"put ":                               ":0",
		"put a.txt ":                         "acme: backup: :6",
		"put a.txt acme:":                    ":4",
		"put --verify ":                      "auto content size :4",
		"init --folder ":                     ":16",
	} {
		for at, want := range map[string]string{file: want, filepath.Join(dir, "missing.toml"): ""} {
			if at != file && !strings.HasPrefix(line, "trust ") && !strings.HasPrefix(line, "pause ") {
				continue
			}
			if at != file {
				want = ":4"
			}
			var out, said bytes.Buffer
			args := append([]string{"__complete", "-c", at}, strings.Split(line, " ")...)
			if code := execute(t.Context(), args, terminal{in: os.Stdin, out: &out, err: &said}); code != 0 {
				t.Errorf("%q: exit code %d, %s", line, code, said.String())
			}
			if got := strings.Join(strings.Fields(out.String()), " "); got != want {
				t.Errorf("%q: %q, want %q", line, got, want)
			}
		}
	}
}
