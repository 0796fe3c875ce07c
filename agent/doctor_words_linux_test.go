package agent

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/service"
)

// A hint is typed as it stands: for that account, that configuration and that service, quoted for the shell.
func TestHints(t *testing.T) {
	w := words{sudo: "sudo ", program: "dropferry", file: "/etc/dropferry/my erp.toml", account: "erp"}
	mine := words{sudo: "sudo ", program: "/opt/d/dropferry", file: "/home/me/agent.toml", account: "me", private: true}
	install := ""
	if i := installACL(exec.LookPath); i != "" {
		install = "sudo " + i + " && "
	}
	for _, c := range []struct{ name, got, want string }{
		{"a command", w.dropferry("secret", "set", "acme-pass"), "sudo dropferry -c '/etc/dropferry/my erp.toml' secret set acme-pass"},
		{"a command of one's own", mine.dropferry("trust", "my acme"), "/opt/d/dropferry -c /home/me/agent.toml trust 'my acme'"},
		{"a service", mine.service("dropferry@erp", "start"), "sudo /opt/d/dropferry service start --name dropferry@erp"},
		{"the service", w.service("dropferry", "start"), "sudo dropferry service start"},
		{"an archive that is not there", w.letPut("/no such/sent", true), "sudo install -d -o erp '/no such/sent'"},
		{"an archive that is there", w.letPut(os.TempDir()+"/x", false), install + "sudo setfacl -R -m u:erp:rwX,d:u:erp:rwX " + os.TempDir() + "/x"},
		{"the root as an archive", w.letPut("/", false), "name a directory of its own for what is delivered, and not /"},
		{"an archive for all", w.letPut("/srv", false), install + "sudo setfacl -m u:erp:rwx /srv"},
		{
			"read-only, and not there", w.writePaths("dropferry@erp", []string{"/none/my sent"}, "/none/my sent"),
			`sudo install -d -o erp '/none/my sent' && sudo mkdir -p /etc/systemd/system/dropferry@erp.service.d && ` +
				`printf '%s\n' '[Service]' 'ReadWritePaths="-/none/my sent"' | sudo tee -a /etc/systemd/system/dropferry@erp.service.d/doctor.conf && ` +
				`sudo systemctl daemon-reload && sudo systemctl try-restart dropferry@erp`,
		},
		{"a folder that is not there", w.makeFolder("/none/out"), "sudo install -d -o erp /none/out"},
		{"one's own folder", mine.makeFolder("/none/out"), "mkdir -p /none/out"},
		{"a key beside the configuration", w.giveKey("/etc/dropferry/acme_ed25519"), "sudo chown erp /etc/dropferry/acme_ed25519"},
		{
			"somebody's key", w.giveKey("/root/.ssh/id"), "sudo install -d -o erp -m 700 /etc/dropferry/keys && sudo install -o erp -m 600 /root/.ssh/id /etc/dropferry/keys/id" +
				", and name /etc/dropferry/keys/id in /etc/dropferry/my erp.toml",
		},
		{
			"an older agent", w.restart(service.State{Name: "dropferry@erp", Program: "/usr/bin/dropferry"}, "/usr/bin/dropferry", "/etc/dropferry/erp.toml"),
			"sudo dropferry service stop --name dropferry@erp && sudo dropferry service start --name dropferry@erp",
		},
		{
			"an older program of an archive", w.restart(service.State{Name: "dropferry", Program: "/opt/d"}, "/usr/bin/dropferry", "/etc/dropferry/agent.toml"),
			"sudo dropferry service install && sudo dropferry service stop && sudo dropferry service start",
		},
		{
			"one with another configuration", w.restart(service.State{Name: "dropferry", Program: "/opt/d"}, "/usr/bin/dropferry", "/srv/x.toml"),
			"sudo dropferry -c /srv/x.toml service install && sudo dropferry service stop && sudo dropferry service start",
		},
		{
			"another program of a package", w.restart(service.State{Name: "dropferry", Program: "/usr/bin/dropferry", Packaged: true}, "/opt/d", "/etc/dropferry/agent.toml"),
			"use the program of the service: sudo /usr/bin/dropferry -c '/etc/dropferry/my erp.toml' doctor",
		},
		{"a mode", w.hinted("chmod 600 /etc/dropferry/key"), "sudo chmod 600 /etc/dropferry/key"},
		{"a mode of one's own", mine.hinted("chmod 600 /home/me/key"), "chmod 600 /home/me/key"},
		{"an advice", w.hinted("name the private key"), "name the private key"},
		{"a log", logFile("dropferry@erp"), "/var/log/dropferry/erp.log"},
		{"the log", logFile("dropferry"), "/var/log/dropferry/dropferry.log"},
	} {
		if c.got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, c.got, c.want)
		}
	}
	if got := (&doctor{words: mine}).again(control.AgentStatus{PID: 7}); got != "end process 7, and start it anew: /opt/d/dropferry -c /home/me/agent.toml run" {
		t.Errorf("without a service: %s", got)
	}
	for _, c := range []struct {
		root, installed bool
		want            string
	}{{true, true, ""}, {false, false, ""}, {false, true, "sudo "}} {
		if got := sudoFor(c.root, c.installed); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
	none := func(string) (string, error) { return "", errors.New("none") }
	dnf := func(name string) (string, error) {
		if name == "dnf" {
			return "/usr/bin/dnf", nil
		}
		return none(name)
	}
	if installACL(none) != "" || installACL(dnf) != "dnf install acl" {
		t.Errorf("%q, %q", installACL(none), installACL(dnf))
	}
}

// Each path of a unit is a mount of its own: an archive beside its folder shares one, and nothing more is opened for that.
func TestTogether(t *testing.T) {
	for _, c := range []struct{ dirs, want []string }{
		{[]string{"/srv/erp/out", "/srv/erp/sent"}, []string{"/srv/erp"}},
		{[]string{"/srv/out", "/srv/sent"}, []string{"/srv/out", "/srv/sent"}},
		{[]string{"/home/erp/out", "/home/erp/sent"}, []string{"/home/erp/out", "/home/erp/sent"}},
		{[]string{"/srv/erp/out", "/data/sent"}, []string{"/srv/erp/out", "/data/sent"}},
		{[]string{"/data/out", "/data/sent"}, []string{"/data"}},
		{[]string{"/out", "/sent"}, []string{"/out", "/sent"}},
		{[]string{"/srv/erp/out"}, []string{"/srv/erp/out"}},
	} {
		if got := together(c.dirs); !slices.Equal(got, c.want) {
			t.Errorf("%v: %v, want %v", c.dirs, got, c.want)
		}
	}
}

// A key that the account may not read has a hint, and a block for its sake is not tried again.
func TestDoctorOnSomebodyElsesKey(t *testing.T) {
	key := filepath.Join(t.TempDir(), "acme_ed25519")
	c := &config.Config{File: filepath.Join(filepath.Dir(key), "agent.toml"), Destinations: []config.Destination{{Name: "acme", KeyFile: key}}}
	d := &doctor{config: c, looks: "erp", words: words{sudo: "sudo ", program: "dropferry", file: c.File, account: "erp"}, faulty: map[string]bool{"acme": true}}
	if err := os.WriteFile(key, []byte("x"), 0); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 {
		faults := c.CheckPaths()
		if len(faults) == 0 || !errors.Is(faults, fs.ErrPermission) || d.keyHint(faults[0]) != "sudo chown erp "+key {
			t.Errorf("%+v", faults)
		}
	}
	if !d.isSick("acme") || d.isSick("other") {
		t.Error("what is at fault")
	}
}

// A file of the log that is somebody else's is no log for this account, whatever its directory lets it do.
func TestMayAppend(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log")
	if err := mayAppend(name); err != nil {
		t.Errorf("one that is not there: %v", err)
	}
	if err := os.WriteFile(name, []byte("a line\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := mayAppend(name); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(name); err != nil || string(text) != "a line\n" {
		t.Errorf("%q, %v", text, err)
	}
	if os.Geteuid() == 0 {
		return // who may all the same
	}
	if err := os.Chmod(name, 0o400); err != nil {
		t.Fatal(err)
	}
	if err := mayAppend(name); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), name) {
		t.Errorf("one for reading: %v", err)
	}
}
