package service

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/windows"
)

// A service that ends at once, since its program is no service: what is installed and removed is what counts.
func TestInstallAndUninstall(t *testing.T) {
	const name = "dropferry-test"
	state := filepath.Join(t.TempDir(), "state")
	setup := Setup{
		Name: name, Program: `C:\Program Files\dropferry\dropferry.exe`, Config: `C:\some where\agent.toml`,
		StateOf: func(string) string { return state }, // this machine's own directories are left alone
	}
	done, err := Install(t.Context(), setup)
	if errors.Is(err, windows.ERROR_ACCESS_DENIED) {
		t.Skipf("services cannot be installed here, which takes an administrator: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = Uninstall(t.Context(), name) })
	if text := strings.Join(done, "\n"); !strings.Contains(text, "is installed") || !strings.Contains(text, `NT SERVICE\dropferry-test`) {
		t.Errorf("installed:\n%s", text)
	}
	s, err := Query(t.Context(), name)
	if err != nil || s.Phase != Stopped || !s.Boot || s.Account != `NT SERVICE\dropferry-test` {
		t.Errorf("%+v, %v", s, err)
	}
	if info, err := os.Stat(state); err != nil || !info.IsDir() {
		t.Errorf("the state directory: %v", err)
	}
	if who, is := WorksWith(setup.Config); !is || who != name {
		t.Errorf("with the configuration works %q", who)
	}
	setup.Config = "" // as a package installs it
	setup.Account = "LocalSystem"
	if done, err = Install(t.Context(), setup); err != nil || !strings.Contains(done[0], "is changed") || !strings.Contains(done[0], `C:\some where\agent.toml`) {
		t.Errorf("%v, %v", done, err)
	}
	setup.Account = ""
	if done, err = Install(t.Context(), setup); err != nil || !strings.Contains(done[0], "as LocalSystem") {
		t.Errorf("the account was not kept: %v, %v", done, err)
	}
	log, err := OpenEventLog(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Error(err)
	}
	if _, err := Uninstall(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	if s, err := Query(t.Context(), name); err != nil || s.Phase != Absent {
		t.Errorf("%+v, %v", s, err)
	}
	if _, is := WorksWith(`C:\some where\agent.toml`); is {
		t.Error("a service that is gone works")
	}
	for what, err := range map[string]error{"start": Start(t.Context(), name), "stop": Stop(t.Context(), name)} {
		if !errors.Is(err, ErrNotInstalled) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestCommandLine(t *testing.T) {
	got := commandLine(Setup{Name: "dropferry", Program: `C:\Program Files\dropferry\dropferry.exe`, Config: `C:\ProgramData\dropferry\agent.toml`})
	want := `"C:\Program Files\dropferry\dropferry.exe" -c C:\ProgramData\dropferry\agent.toml service run --name dropferry`
	if got != want {
		t.Errorf("%s", got)
	}
}
