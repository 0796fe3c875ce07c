package config

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func write(t *testing.T, name, text string, mode os.FileMode) string {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil { // whatever the umask is
		t.Fatal(err)
	}
	return name
}

func TestSecretRead(t *testing.T) {
	dir, systemd := t.TempDir(), t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", systemd)
	t.Setenv("DROPFERRY_TEST_SECRET", "from env")
	t.Setenv("DROPFERRY_TEST_EMPTY", "")
	write(t, filepath.Join(systemd, "both"), "from systemd\n", 0o440) // as systemd sets it up
	find := func(name string) (string, error) {
		if name == "both" || name == "stored" {
			return "from the state directory", nil
		}
		return "", errors.New("no such secret")
	}
	file := func(name, text string) Secret { return Secret{File: write(t, filepath.Join(dir, name), text, 0o600)} }

	for _, test := range []struct {
		name   string
		secret Secret
		want   string
	}{
		{"variable", Secret{Env: "DROPFERRY_TEST_SECRET"}, "from env"},
		{"file", file("plain", "from file"), "from file"},
		{"file with a line end", file("unix", " pass word \n"), " pass word "},
		{"file from Windows", file("windows", "from file\r\n"), "from file"},
		{"file with two line ends", file("two", "from file\n\n"), "from file\n"},
		{"systemd before the state directory", Secret{Credential: "both"}, "from systemd"},
		{"state directory", Secret{Credential: "stored"}, "from the state directory"},
	} {
		if got, err := test.secret.Read(find); err != nil || got != test.want {
			t.Errorf("%s: %q, %v; want %q", test.name, got, err, test.want)
		}
	}

	for _, test := range []struct {
		name   string
		secret Secret
		want   string
	}{
		{"nothing", Secret{}, "no secret is configured"},
		{"unset variable", Secret{Env: "DROPFERRY_TEST_UNSET"}, "environment variable DROPFERRY_TEST_UNSET is not set"},
		{"empty variable", Secret{Env: "DROPFERRY_TEST_EMPTY"}, "environment variable DROPFERRY_TEST_EMPTY is empty"},
		{"empty file", file("empty", "\n"), filepath.Join(dir, "empty") + " is empty"},
		{"directory", Secret{File: dir}, "open " + dir + ": is a directory"},
		{"huge file", file("huge", strings.Repeat("x", MaxSecret+1)), "read " + filepath.Join(dir, "huge") + ": more than 65536 bytes, which is no secret"},
		{"credential", Secret{Credential: "none"}, "credential none: no such secret"},
	} {
		if got, err := test.secret.Read(find); err == nil || err.Error() != test.want || got != "" {
			t.Errorf("%s: %q, %v; want %s", test.name, got, err, test.want)
		}
	}
	if _, err := (Secret{Credential: "none"}).Read(nil); err == nil || err.Error() != "credential none: not found" {
		t.Errorf("without a store: %v", err)
	}
	missing := Secret{File: filepath.Join(dir, "missing")}
	if _, err := missing.Read(nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

func TestSecretReadRefusesFilesThatOthersCanRead(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no modes")
	}
	name := filepath.Join(t.TempDir(), "a password")
	for _, mode := range []os.FileMode{0o640, 0o604, 0o666} {
		write(t, name, "hunter2", mode)
		_, err := Secret{File: name}.Read(nil)
		if err == nil || !strings.HasSuffix(err.Error(), ": chmod 600 '"+name+"'") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
	write(t, name, "hunter2", 0o400)
	if got, err := (Secret{File: name}).Read(nil); got != "hunter2" {
		t.Errorf("mode 400: %q, %v", got, err)
	}
}

func TestSecretIsSet(t *testing.T) {
	for _, s := range []Secret{{Env: "X"}, {File: "x"}, {Credential: "x"}} {
		if !s.IsSet() || s.String() == (Secret{}).String() {
			t.Errorf("%+v: IsSet %v, %s", s, s.IsSet(), s)
		}
	}
	if (Secret{}).IsSet() {
		t.Error("an empty Secret is set")
	}
}

func TestShellWord(t *testing.T) {
	for name, want := range map[string]string{
		"/etc/keys/acme": "/etc/keys/acme",
		"/a b":           "'/a b'",
		"/it's":          `'/it'\''s'`,
		"/$HOME":         "'/$HOME'",
	} {
		if got := ShellWord(name); got != want {
			t.Errorf("ShellWord(%s) = %s, want %s", name, got, want)
		}
	}
}
