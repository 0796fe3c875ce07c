package agent

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/service"
)

// words are what hints are made of: what whoever asks can type as it stands, for this account and this configuration.
type words struct {
	sudo    string // before what only an administrator may do; "" where an administrator asks
	program string // dropferry, or its path where a shell does not find it
	file    string // the configuration's
	account string // whom the agent runs as
	private bool   // it is the agent of whoever asks, with a state of their own
}

// wordsFor says how whoever asks has to type.
func wordsFor(o DoctorOptions) words {
	w := words{program: "dropferry", private: true}
	if o.Program != "" && !findable(o.Program) {
		w.program = shellWord(o.Program)
	}
	if o.Config != nil {
		w.file = o.Config.File
	}
	_, noSudo := exec.LookPath("sudo")
	root := (o.ByRoot || os.Geteuid() == 0) && os.Getenv("SUDO_USER") == ""
	w.sudo = sudoFor(root, noSudo == nil)
	return w
}

// findable tells whether a shell, and sudo, find a program by its name.
func findable(program string) bool {
	return slices.Contains([]string{"/usr/bin/dropferry", "/usr/local/bin/dropferry", "/usr/sbin/dropferry", "/bin/dropferry"}, program) ||
		strings.HasSuffix(program, ".exe") // which the package puts on PATH
}

// admin is a command that only an administrator may give.
func (w words) admin(command string) string { return w.sudo + command }

// own is a command on what belongs to the agent: its user gives it, or an administrator.
func (w words) own(command string) string {
	if w.private {
		return command
	}
	return w.sudo + command
}

// dropferry is a command of this program about the configuration.
func (w words) dropferry(args ...string) string {
	return w.own(w.program + w.fileFlag() + " " + spelt(args))
}

// service is a command of this program about a service; commands that go together are one.
func (w words) service(name string, args ...string) string {
	return w.admin(w.program + " service " + spelt(args) + service.NameFlag(name))
}

// hinted words what others say to type: who changes a mode has to be the owner.
func (w words) hinted(hint string) string {
	if strings.HasPrefix(hint, "chmod ") {
		return w.own(hint)
	}
	return hint
}

func (w words) fileFlag() string {
	if w.file == "" {
		return ""
	}
	return " -c " + shellWord(w.file)
}

func spelt(args []string) string {
	var all []string
	for _, a := range args {
		all = append(all, shellWord(a))
	}
	return strings.Join(all, " ")
}

// unitWord quotes a path for a unit's list of paths: see systemd.syntax(7).
func unitWord(path string) string {
	return `"` + strings.NewReplacer(`"`, `"'"'"`, "%", "%%").Replace(path) + `"`
}

// dropIn is what adds settings to a unit, and has a service that runs take them.
func (w words) dropIn(name string, settings ...string) string {
	dir := "/etc/systemd/system/" + name + ".service.d"
	lines := []string{config.ShellWord("[Service]")}
	for _, s := range settings {
		lines = append(lines, config.ShellWord(s))
	}
	return w.admin("mkdir -p "+dir) + ` && printf '%s\n' ` + strings.Join(lines, " ") + " | " + w.admin("tee -a "+dir+"/doctor.conf") +
		" && " + w.admin("systemctl daemon-reload") + " && " + w.admin("systemctl try-restart "+name)
}

// writePaths is what lets a service write to directories. Those that are not there are made first: a unit does not start over
// one that is missing, unless a - says that it may be.
func (w words) writePaths(name string, missing []string, dirs ...string) string {
	var paths []string
	for _, dir := range together(dirs) {
		paths = append(paths, unitWord("-"+dir))
	}
	words := w.dropIn(name, "ReadWritePaths="+strings.Join(paths, " "))
	for _, dir := range slices.Backward(missing) {
		words = w.makeDir(dir) + then + words
	}
	return words
}

// together returns the directory that several lie in, where it is of no wider use: each path of a unit is a mount of its own, and
// what moves from one to the other has to be copied.
func together(dirs []string) []string {
	if len(dirs) < 2 {
		return dirs
	}
	parent := filepath.Dir(dirs[0])
	for _, dir := range dirs {
		if filepath.Dir(dir) != parent {
			return dirs
		}
	}
	if isWide(parent) {
		return dirs
	}
	return []string{parent}
}

// isWide tells whether a directory is for more than one purpose, so that nobody is let into all of it.
func isWide(dir string) bool {
	above := filepath.Dir(dir)
	return above == dir || slices.Contains([]string{
		"/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/media", "/mnt", "/opt", "/proc", "/root", "/run", "/sbin", "/srv", "/sys", "/tmp",
		"/usr", "/var", "/var/lib", "/var/log", "/var/tmp", "/Users", "/Library", "/Volumes",
	}, filepath.ToSlash(dir)) || above == "/home"
}

// isNotThere tells whether there surely is nothing of that name.
func isNotThere(name string) bool {
	_, err := os.Stat(name)
	return os.IsNotExist(err)
}
