package agent

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

func sudoFor(root, installed bool) string {
	if root || !installed {
		return ""
	}
	return "sudo "
}

func (w words) setClock() string { return w.admin("timedatectl set-ntp true") }

func (w words) lookWhy(name string) string { return w.admin("journalctl -u " + name + " -n 20") }

func (w words) letBoot(name string) string { return w.admin("systemctl enable " + name) }

// logFile is where a service may write its log.
func logFile(name string) string {
	_, further, _ := strings.Cut(name, "@")
	if further == "" {
		further = "dropferry"
	}
	return "/var/log/dropferry/" + further + ".log"
}

func (words) lookUp(host string) string { return "getent hosts " + shellWord(host) }

// staUnsync is a status of the kernel's clock: see adjtimex(2).
const staUnsync = 0x0040

// clockState asks the kernel whether somebody keeps its clock in step.
func clockState() clockKnowledge {
	var t unix.Timex
	if _, err := unix.Adjtimex(&t); err != nil {
		return clockUnknown
	}
	if t.Status&staUnsync != 0 {
		return clockAlone
	}
	return clockKept
}

// closedAbove returns the directories above a path that have to be entered on the way to it, from the first that refuses: what is
// below that cannot be told from here.
func closedAbove(path string) []string {
	var above, closed []string
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		above = append(above, dir)
		if dir == filepath.Dir(dir) {
			break
		}
	}
	for _, dir := range slices.Backward(above) {
		if err := unix.Access(dir, unix.X_OK); err == unix.EACCES {
			closed = append(closed, dir)
		}
	}
	return closed
}

// acl is what gives an account rights on a path, and lets it get there. setfacl is not in every system.
func (w words) acl(options, rights, path string, before ...string) string {
	who := "u:" + shellWord(w.account) + ":"
	commands := before // after which all is there that is named
	if closed := closedAbove(path); len(closed) > 0 {
		commands = append(commands, w.admin("setfacl -m "+who+"x "+spelt(closed)))
	}
	entries := who + rights
	if options != "" {
		entries += ",d:" + entries
	}
	commands = append(commands, w.admin("setfacl "+options+"-m "+entries+" "+shellWord(path)))
	if install := installACL(exec.LookPath); install != "" {
		commands = append([]string{w.admin(install)}, commands...)
	}
	return strings.Join(commands, then)
}

// installACL is what brings setfacl, "" where it is there.
func installACL(look func(string) (string, error)) string {
	if _, err := look("setfacl"); err == nil {
		return ""
	}
	for _, by := range []struct{ program, install string }{
		{"apt-get", "apt-get install acl"}, {"dnf", "dnf install acl"}, {"zypper", "zypper install acl"},
	} {
		if _, err := look(by.program); err == nil {
			return by.install
		}
	}
	return ""
}

func (w words) letRead(path string) string { return w.acl("-R ", "rX", path) }

func (w words) letReadFile(path string) string { return w.acl("", "r", path) }

// letWrite lets the account write to a directory and below; one that cannot be seen may have to be made first.
func (w words) letWrite(path string) string {
	switch {
	case isWide(path):
		return w.acl("", "rwx", path)
	case len(closedAbove(path)) > 0:
		return w.acl("-R ", "rwX", path, w.admin("mkdir -p "+shellWord(path)))
	}
	return w.acl("-R ", "rwX", path)
}

// makeDir makes a directory for the account.
func (w words) makeDir(dir string) string {
	install := w.admin("install -d -o " + shellWord(w.account) + " " + shellWord(dir))
	if closed := closedAbove(dir); len(closed) > 0 {
		return w.acl("", "rwx", dir, install)
	}
	return install
}

// letEnter lets the account into a directory.
func (w words) letEnter(dir string) string { return w.acl("", "x", dir) }
