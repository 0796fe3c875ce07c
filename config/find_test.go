package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestLocationsOfEachSystem(t *testing.T) {
	for _, test := range []struct {
		name, goos, home string
		env              map[string]string
		want             locations
	}{
		{"Linux", "linux", "/home/u", nil, locations{
			userConfig: "/home/u/.config/dropferry/agent.toml", userState: "/home/u/.local/state/dropferry",
			serviceConfig: "/etc/dropferry/agent.toml", serviceState: "/var/lib/dropferry",
		}},
		{"Linux with XDG", "linux", "/home/u", map[string]string{"XDG_CONFIG_HOME": "/c/", "XDG_STATE_HOME": "/s"}, locations{
			userConfig: "/c/dropferry/agent.toml", userState: "/s/dropferry",
			serviceConfig: "/etc/dropferry/agent.toml", serviceState: "/var/lib/dropferry",
		}},
		{"relative XDG values do not count", "linux", "/home/u", map[string]string{"XDG_CONFIG_HOME": "c"}, locations{
			userConfig: "/home/u/.config/dropferry/agent.toml", userState: "/home/u/.local/state/dropferry",
			serviceConfig: "/etc/dropferry/agent.toml", serviceState: "/var/lib/dropferry",
		}},
		{"Linux service without a home", "linux", "", nil, locations{
			serviceConfig: "/etc/dropferry/agent.toml", serviceState: "/var/lib/dropferry",
		}},
		{"Windows", "windows", `C:\Users\u`, map[string]string{
			"AppData": `C:\Users\u\AppData\Roaming`, "LocalAppData": `C:\Users\u\AppData\Local`, "ProgramData": `D:\ProgramData`,
		}, locations{
			userConfig: `C:\Users\u\AppData\Roaming\dropferry\agent.toml`, userState: `C:\Users\u\AppData\Local\dropferry`,
			serviceConfig: `D:\ProgramData\dropferry\agent.toml`, serviceState: `D:\ProgramData\dropferry\state`,
		}},
		{"Windows without variables", "windows", "", nil, locations{
			serviceConfig: `C:\ProgramData\dropferry\agent.toml`, serviceState: `C:\ProgramData\dropferry\state`,
		}},
		{"macOS", "darwin", "/Users/u", nil, locations{
			userConfig:    "/Users/u/Library/Application Support/dropferry/agent.toml",
			userState:     "/Users/u/Library/Application Support/dropferry/state",
			serviceConfig: "/Library/Application Support/dropferry/agent.toml",
			serviceState:  "/Library/Application Support/dropferry/state",
		}},
	} {
		if got := locationsOn(test.goos, test.home, func(k string) string { return test.env[k] }); got != test.want {
			t.Errorf("%s: got\n%+v\nwant\n%+v", test.name, got, test.want)
		}
	}
}

func TestFindTakesTheFlagThenTheVariable(t *testing.T) {
	t.Setenv(Variable, "from-variable.toml")
	if got, err := Find("from-flag.toml"); err != nil || got != "from-flag.toml" {
		t.Errorf("with a flag: %s, %v", got, err)
	}
	if got, err := Find(""); err != nil || got != "from-variable.toml" {
		t.Errorf("without a flag: %s, %v", got, err)
	}
}

func TestFindLooksInOrder(t *testing.T) {
	dir := t.TempDir()
	users, systems := filepath.Join(dir, "user.toml"), filepath.Join(dir, "system.toml")
	_, err := findIn([]string{users, systems})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("neither: %v", err)
	}
	for _, want := range []string{users, systems, "dropferry demo", "agent.toml.example", "-c", Variable} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %s: %v", want, err)
		}
	}
	write(t, systems, least, 0o600)
	if got, err := findIn([]string{users, systems}); err != nil || got != systems {
		t.Errorf("the system's only: %s, %v", got, err)
	}
	write(t, users, least, 0o600)
	if got, err := findIn([]string{users, systems}); err != nil || got != users {
		t.Errorf("both: %s, %v", got, err)
	}
}

func TestFindUsersFile(t *testing.T) {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		t.Skip("XDG directories are of Linux and its like")
	}
	dir := t.TempDir()
	t.Setenv(Variable, "")
	t.Setenv("XDG_CONFIG_HOME", dir)
	want := filepath.Join(dir, "dropferry", "agent.toml")
	if err := os.MkdirAll(filepath.Dir(want), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, want, least, 0o600)
	if got, err := Find(""); err != nil || got != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
}

func TestStateDir(t *testing.T) {
	s := thisSystem()
	if got := StateDirFor(s.serviceConfig); got != s.serviceState {
		t.Errorf("for the system's file: %s, want %s", got, s.serviceState)
	}
	beside := func(name string) string { return filepath.Join(filepath.Dir(s.serviceConfig), name) }
	if got := StateDirFor(beside("erp.toml")); got != s.serviceState+"-erp" {
		t.Errorf("for a further service: %s", got)
	}
	for file, want := range map[string]string{s.serviceConfig: "dropferry", beside("erp.toml"): "dropferry@erp", beside("more/erp.toml"): ""} {
		if got, is := ServiceFor(file); got != want || is != (want != "") {
			t.Errorf("the service of %s is %q", file, got)
		}
	}
	for further, want := range map[string]string{"": s.serviceConfig, "erp": beside("erp.toml")} {
		if got := ServiceFile(further); got != want {
			t.Errorf("the file of service %q is %s, want %s", further, got, want)
		}
	}
	for _, name := range []string{"agent.toml.new", ".toml", filepath.Join("more", "erp.toml")} {
		if got := StateDirFor(beside(name)); got != s.userState {
			t.Errorf("for %s: %s, want %s", name, got, s.userState)
		}
	}
	if got := StateDirFor(filepath.Join(t.TempDir(), "agent.toml")); got != s.userState {
		t.Errorf("for a file elsewhere: %s, want %s", got, s.userState)
	}
	want := s.userState
	if os.Geteuid() == 0 {
		want = s.serviceState
	}
	if got := DefaultStateDir(); got != want {
		t.Errorf("without a file: %s, want %s", got, want)
	}
}

// A service keeps its state where others look for it too.
func TestStateOfAServiceElsewhere(t *testing.T) {
	s := thisSystem()
	for _, c := range []struct{ file, text, service, want string }{
		{s.serviceConfig, least, "", ""},
		{filepath.Join(filepath.Dir(s.serviceConfig), "erp.toml"), least, "erp", ""},
		{filepath.Join(t.TempDir(), "agent.toml"), least + "[agent]\nstate_dir = \"/srv/state\"", "", ""},
		{filepath.Join(t.TempDir(), "agent.toml"), "agent.state_dir = \"/srv/state\"\n" + least, "", ""},
		{filepath.Join(t.TempDir(), "agent.toml"), least, "", s.serviceState},
		{filepath.Join(t.TempDir(), "agent.toml"), least, "erp", s.serviceState + "-erp"},
	} {
		loaded, err := Parse(c.file, []byte(c.text))
		if err != nil {
			t.Fatal(err)
		}
		faults := loaded.StateAstray(c.service)
		if (len(faults) > 0) != (c.want != "") || c.want != "" && faults[0].Hint != "state_dir = "+show(c.want) {
			t.Errorf("%s for %q: %v", c.file, c.service, faults)
		}
	}
}

func TestStateDirMustBeGivenWithoutAHome(t *testing.T) {
	for _, name := range []string{"HOME", "XDG_STATE_HOME", "LocalAppData"} {
		t.Setenv(name, "")
	}
	got := faultsOf(t, least)
	if len(got) != 1 || !strings.HasPrefix(got[0], "1: agent: state_dir is missing") {
		t.Errorf("got %q", got)
	}
	if c := parse(t, least+"[agent]\nstate_dir = \"/srv/state\""); c.Agent.StateDir != at(t, "/srv/state") {
		t.Errorf("state_dir is %s", c.Agent.StateDir)
	}
}
