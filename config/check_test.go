package config

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

const (
	privateKey = "-----BEGIN OPENSSH PRIVATE KEY-----\n"
	publicKey  = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI contoso\n"
	puttyKey   = "PuTTY-User-Key-File-3: ssh-ed25519\n"
)

// checkIn loads a text as agent.toml in dir and returns what CheckPaths finds, with $DIR for dir.
func checkIn(t *testing.T, dir, text string) []string {
	t.Helper()
	c, err := Load(write(t, filepath.Join(dir, "agent.toml"), text, 0o600))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, f := range c.CheckPaths() {
		lines = append(lines, strings.ReplaceAll(f.String(), dir, "$DIR"))
	}
	return lines
}

func TestCheckPaths(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the faults show paths and modes, which are others there")
	}
	dir := t.TempDir()
	t.Setenv("XDG_STATE_HOME", dir)
	if err := os.Mkdir(filepath.Join(dir, "out"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"good": privateKey, "k.ppk": puttyKey, "k.pub": publicKey, "secret": "x", "kh": "", "a-file": "", "empty": "",
	} {
		write(t, filepath.Join(dir, name), text, 0o600)
	}
	write(t, filepath.Join(dir, "open key"), privateKey, 0o644)
	write(t, filepath.Join(dir, "open-secret"), "x", 0o640)

	text := func(destination, path string) string {
		return "version = 1\n[[destination]]\nname = \"d\"\nhost = \"h\"\nuser = \"u\"\n" + destination + "\n" +
			"[[folder]]\nname = \"f\"\nto = [\"d\"]\npath = \"" + path + "\"\n"
	}
	for _, test := range []struct {
		name, text string
		want       []string
	}{
		{"all is well", text("key_file = \"good\"\nknown_hosts = \"kh\"\npassword = { file = \"secret\" }", "out"), nil},
		{"environment and credentials are not looked at", text("key_file = \"good\"\nkey_passphrase = { env = \"NONE\" }\npassword = { credential = \"none\" }", "out"), nil},
		{"missing folder", text(`key_file = "good"`, "none"), []string{
			`$DIR/agent.toml:10: warning: folder "f": path $DIR/none does not exist: create it, or mend the path`,
		}},
		{"file for a folder", text(`key_file = "good"`, "a-file"), []string{
			`$DIR/agent.toml:10: folder "f": path: $DIR/a-file is a file: a folder watches a directory: path = "$DIR"`,
		}},
		{"missing files", text("key_file = \"none\"\nknown_hosts = \"no-kh\"\npassword = { file = \"no-secret\" }", "out"), []string{
			`$DIR/agent.toml:6: destination "d": key_file: stat $DIR/none: no such file or directory`,
			`$DIR/agent.toml:7: destination "d": known_hosts: stat $DIR/no-kh: no such file or directory`,
			`$DIR/agent.toml:8: destination "d": password: stat $DIR/no-secret: no such file or directory`,
		}},
		{"files that others can read", text("key_file = \"open key\"\npassword = { file = \"open-secret\" }", "out"), []string{
			`$DIR/agent.toml:6: destination "d": key_file: $DIR/open key: mode 0644 lets others than its owner in: chmod 600 '$DIR/open key'`,
			`$DIR/agent.toml:7: destination "d": password: $DIR/open-secret: mode 0640 lets others than its owner in: chmod 600 $DIR/open-secret`,
		}},
		{"PuTTY key", text(`key_file = "k.ppk"`, "out"), []string{
			`$DIR/agent.toml:6: destination "d": key_file: $DIR/k.ppk is a PuTTY key, not an OpenSSH key: puttygen $DIR/k.ppk -O private-openssh -o $DIR/k.openssh`,
		}},
		{"connections that cannot be had", text("key_file = \"good\"\nopen_files = 9\nconnections = 2", "out"), []string{
			`$DIR/agent.toml:8: warning: destination "d": connections = 2 is given together with open_files, which leaves one connection with one channel: leave one of them out`,
		}},
		{"public key", text(`key_file = "k.pub"`, "out"), []string{
			`$DIR/agent.toml:6: destination "d": key_file: $DIR/k.pub is a public key: key_file = "$DIR/k"`,
		}},
		{"directory for a key", text(`key_file = "out"`, "none"), []string{
			`$DIR/agent.toml:6: destination "d": key_file: open $DIR/out: is a directory`,
			`$DIR/agent.toml:10: warning: folder "f": path $DIR/none does not exist: create it, or mend the path`,
		}},
		{"nothing to do", "version = 1\n[agent]\nstate_dir = \"a-file\"", []string{
			`$DIR/agent.toml: warning: no [[folder]]: there is nothing to deliver`,
			`$DIR/agent.toml:3: agent: state_dir $DIR/a-file is not a directory`,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, want := strings.Join(checkIn(t, dir, test.text), "\n"), strings.Join(test.want, "\n")
			if got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestCheckPathsTellsWhatCannotBeRead(t *testing.T) {
	if runtime.GOOS == "windows" || os.Geteuid() == 0 {
		t.Skip("nothing is unreadable to this account")
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "key"), privateKey, 0o000)
	if err := os.Mkdir(filepath.Join(dir, "out"), 0o000); err != nil {
		t.Fatal(err)
	}
	got := checkIn(t, dir, "version = 1\n[[destination]]\nname = \"d\"\nhost = \"h\"\nuser = \"u\"\nkey_file = \"key\"\n[[folder]]\nname = \"f\"\nto = [\"d\"]\npath = \"out\"\n")
	want := []string{
		`$DIR/agent.toml:6: destination "d": key_file: open $DIR/key: permission denied`,
		`$DIR/agent.toml:10: folder "f": path: open $DIR/out: permission denied`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A Config that was put together by hand has no text; its faults point at what its tables say.
func TestCheckPathsWithoutAFile(t *testing.T) {
	c := &Config{File: "made.toml", Folders: []Folder{{Name: "f", Path: filepath.Join(t.TempDir(), "none"), Line: 7}}}
	faults := c.CheckPaths()
	if len(faults) != 1 || faults[0].Line != 7 || faults[0].File != "made.toml" || faults.Fatal() {
		t.Errorf("got %v", faults)
	}
}

func TestFromPuTTY(t *testing.T) {
	t.Parallel()
	if got := fromPuTTY("linux", "/k/a b.ppk"); got != "puttygen '/k/a b.ppk' -O private-openssh -o '/k/a b.openssh'" {
		t.Error(got)
	}
	if got := fromPuTTY("windows", `C:\k\a.ppk`); !strings.Contains(got, "Export OpenSSH key") || strings.Contains(got, "-O") {
		t.Error(got)
	}
}
