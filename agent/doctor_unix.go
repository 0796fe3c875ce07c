//go:build !windows

package agent

import (
	"fmt"
	"path/filepath"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/service"
)

// then stands between commands of which the next one wants the first to have gone well.
const then = " && "

func shellWord(word string) string { return config.ShellWord(word) }

// accountIn is whom rights are given to.
func accountIn(s service.State) string { return s.Account }

// stranger tells whether somebody else than the account of the agent looks, who finds what is no fault.
func (d *doctor) stranger() bool { return d.looks != d.words.account }

// asService says whether what is found here is what the service finds. Root looks with its rights, by another process; everybody else does so
// with rights of their own, and what they find is not what the service finds.
func (d *doctor) asService(s service.State) {
	if s.Account == "" || s.Phase == service.Absent {
		return
	}
	if d.stranger() {
		d.say(Diagnosis{
			Note, "account", "", fmt.Sprintf("the service runs as %s, and this looks with the rights of %s", s.Account, d.looks),
			d.words.dropferry("doctor"),
		})
	}
}

// makeDirs makes a directory, and those above it that are not there.
func makeDirs(dir string) string { return "mkdir -p " + shellWord(dir) }

func (w words) makeRoom(dir string) string {
	return w.own("du -xh "+shellWord(dir)) + " | sort -h | tail"
}

func (words) reach(host, port string) string { return "nc -vz " + shellWord(host) + " " + port }

// makeStateDir makes a directory that is for the account alone.
func (w words) makeStateDir(dir string) string {
	return w.admin("install -d -o " + shellWord(w.account) + " -m 700 " + shellWord(dir))
}

// take gives a file, or a directory with all that is in it, to the account.
func (w words) take(path string, all bool) string {
	if all {
		return w.admin("chown -R " + shellWord(w.account) + " " + shellWord(path))
	}
	return w.admin("chown " + shellWord(w.account) + " " + shellWord(path))
}

// copyFor makes a private copy of a file for the account.
func (w words) copyFor(from, to string) string {
	return w.makeStateDir(filepath.Dir(to)) + then + w.admin("install -o "+shellWord(w.account)+" -m 600 "+shellWord(from)+" "+shellWord(to))
}
