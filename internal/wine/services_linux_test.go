package wine

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// erp is a further service, with a configuration beside that of the first.
const erp = "dropferry@erp"

// further writes a configuration for another service, and returns the folder that it watches.
func (s *installed) further(name, dir, stateDir string) string {
	s.t.Helper()
	watched := filepath.Join(s.dir, dir)
	if err := os.MkdirAll(watched, 0o755); err != nil {
		s.t.Fatal(err)
	}
	s.write(name, fmt.Sprintf(`version = 1
%s
[[destination]]
name = "acme"
host = %q
port = %d
user = %q
key_file = '%s'
key_passphrase = { credential = "acme-pass" }
host_key = [%q]
root = %q

[[folder]]
name = %q
path = '%s'
stable_for = "300ms"
to = ["acme:%s"]
`, stateDir, s.wire.Host(), s.wire.Port(), s.sshd.User, windows(s.key()), s.sshd.Fingerprints[0], s.sshd.Dir, dir, windows(watched), dir))
	return watched
}

func (s *installed) reaches(watched, name string) {
	s.t.Helper()
	s.write(filepath.Join(watched, name), name)
	eventually(s.t, name+" arrives", time.Minute, func() bool {
		got, err := os.ReadFile(filepath.Join(s.sshd.Dir, filepath.Base(watched), name))
		return err == nil && string(got) == name
	})
}

// second installs a service beside the first: each goes on with configuration, state and secrets of its own.
func (s *installed) second() {
	watched := s.further(s.home("erp.toml"), "erp", "")
	config := windowsHome("erp.toml")
	said := s.run("service", "install", "--name", erp)
	for _, want := range []string{"service " + erp + " is installed", config, windowsHome("state-erp")} {
		if !strings.Contains(said, want) {
			s.t.Errorf("service install has not said %s: %s", want, said)
		}
	}
	if info, err := os.Stat(s.home("state-erp")); err != nil || !info.IsDir() {
		s.t.Fatalf("the state directory of the second service: %v", err)
	}
	s.expect(0, passphrase+"\n", "-c", config, "secret", "set", "acme-pass")
	s.run("service", "start", "--name", erp)
	s.reaches(watched, "beside.txt")
	if text := s.run("-c", config, "history"); !strings.Contains(text, "beside.txt") || strings.Contains(text, "from-linux.txt") {
		s.t.Errorf("the history of the second service: %s", text)
	}
	// The first is not disturbed, not even at its next start.
	s.run("service", "stop")
	s.run("service", "start")
	s.write(filepath.Join(s.dir, "out", "still-first.txt"), "first")
	s.arrives("still-first.txt", "first")

	// doctor knows a service by its configuration, whatever it is called.
	if text := s.doctor(config); !strings.Contains(text, "service "+erp) {
		s.t.Errorf("doctor: %s", text)
	}
	// Its rights under wine are those that everybody has: to read, and not to put files away.
	want := `icacls "` + windows(filepath.Join(s.dir, "out")) + `" /grant "NT SERVICE\dropferry:(OI)(CI)M"`
	if text := s.doctor(windowsHome("agent.toml")); !strings.Contains(text, want) {
		s.t.Errorf("doctor does not say %s: %s", want, text)
	}
	if said := s.run("service", "install", "--name", "third", "-c", config); !strings.Contains(said, "works with "+config+" already") {
		s.t.Errorf("two services of one configuration: %s", said)
	}
	s.run("service", "uninstall", "--name", "third")
}

// doctor returns what it says, whether something is broken or not.
func (s *installed) doctor(config string) string {
	return s.machine.run(time.Minute, s.dir, "", s.program, "-c", config, "doctor", "--offline").text
}

// windowsHome is a file of the services' directory, as Windows names it.
func windowsHome(name string) string { return `C:\ProgramData\dropferry\` + name }

// keepsConfiguration installs a service again as a package does, and with another account.
func (s *installed) keepsConfiguration() {
	const name = "elsewhere"
	config := filepath.Join(s.dir, "conf", "agent.toml")
	stateDir := filepath.Join(s.dir, "conf-state")
	s.further(config, "elsewhere", fmt.Sprintf("\n[agent]\nstate_dir = '%s'\n", windows(stateDir)))
	s.run("-c", windows(config), "service", "install", "--name", name)
	if info, err := os.Stat(stateDir); err != nil || info.Mode().Perm()&0o007 != 0 { // wine gives administrators the group's rights
		s.t.Errorf("the state directory outside of the home is not closed: %v, %v", info, err)
	}
	for _, args := range [][]string{{}, {"--account", "LocalSystem"}} {
		said := s.run(append([]string{"service", "install", "--name", name}, args...)...)
		if !strings.Contains(said, "is changed") || !strings.Contains(said, windows(config)) {
			s.t.Errorf("installed again with %v: %s", args, said)
		}
	}
	if text := s.doctor(windows(config)); !strings.Contains(text, "service "+name) {
		s.t.Errorf("doctor does not know the service: %s", text)
	}
	s.run("service", "uninstall", "--name", name)
}

// undoes does what a package does when it fails: once where there was no service, and once where a person had installed one.
func (s *installed) undoes() {
	const name = "tried"
	image := func() string {
		r := s.machine.run(time.Minute, s.dir, "", "reg", "query", `HKLM\SYSTEM\CurrentControlSet\Services\`+name, "/v", "ImagePath")
		return r.text
	}
	s.run("service", "install", "--name", name)
	s.run("service", "install", "--name", name, "--undo")
	if st := s.stateOf(name); st.Phase != "not installed" {
		s.t.Errorf("a service that was not there before is %s", st.Phase)
	}
	s.run("service", "install", "--name", name, "--undo") // nothing is left to be undone

	first := filepath.Join(s.dir, "by-hand.toml")
	other := filepath.Join(s.dir, "other.toml")
	own := fmt.Sprintf("\n[agent]\nstate_dir = '%s'\n", windows(filepath.Join(s.dir, "by-hand-state")))
	s.further(first, "by-hand", own)
	s.further(other, "by-hand", own)
	s.run("-c", windows(first), "service", "install", "--name", name)
	before := image()
	s.run("-c", windows(other), "service", "install", "--name", name)
	if image() == before || !strings.Contains(before, windows(first)) {
		s.t.Fatalf("the service was not changed: %s", image())
	}
	s.run("service", "install", "--name", name, "--undo")
	if after := image(); after != before {
		s.t.Errorf("what a person had installed is %s, and was %s", after, before)
	}
	s.run("service", "uninstall", "--name", name)
}

// startsAgain does what a package does with the services while it replaces the program.
func (s *installed) startsAgain() {
	s.run("service", "stop", "--name", erp) // a person has
	said := s.run("service", "stop", "--all")
	if !strings.Contains(said, "dropferry is stopped") || !strings.Contains(said, erp+" is stopped") {
		s.t.Errorf("service stop --all: %s", said)
	}
	s.wantPhase("stopped")
	said = s.run("service", "start", "--again")
	s.wantPhase("running")
	if st := s.stateOf(erp); st.Phase != "stopped" || strings.Contains(said, erp) {
		s.t.Errorf("what a person had stopped is %s: %s", st.Phase, said)
	}
	s.run("service", "stop")
	s.run("service", "start", "--again") // there is nothing to be started
	s.wantPhase("stopped")
	s.run("service", "start")
}

// staysAway upgrades the package after a person has removed its service, and not the other one.
func (s *installed) staysAway(pkg string) {
	s.run("service", "install", "--name", erp)
	s.run("service", "uninstall")
	s.installer("/i", windows(pkg))
	s.wantPhase("not installed")
	s.run("service", "install")
	s.wantPhase("stopped")
}

// staysStopped upgrades the package while the service is stopped.
func (s *installed) staysStopped(pkg string) {
	s.run("service", "stop")
	s.installer("/i", windows(pkg))
	s.wantPhase("stopped")
	s.run("service", "start")
	s.wantPhase("running")
}
