package agent

import (
	"path/filepath"
	"strings"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/rights"
	"github.com/dropferry/dropferry/service"
)

// then stands between commands, each of which is typed by itself: cmd and PowerShell have no sign for it in common.
const then = "\n"

// shellWord quotes a word for cmd and PowerShell, where it needs it.
func shellWord(word string) string {
	if strings.ContainsAny(word, " &|<>^()@,;='`{}$%") {
		return `"` + word + `"`
	}
	return word
}

// sudoFor is nothing here: commands are given in an administrator's window.
func sudoFor(bool, bool) string { return "" }

func (words) setClock() string { return "w32tm /resync" }

func (w words) lookWhy(name string) string {
	return w.service(name, "status") + ", and the Application log of the Event Viewer"
}

// letBoot calls sc by its whole name: in PowerShell the short one is another command's.
func (words) letBoot(name string) string {
	return "sc.exe config " + shellWord(name) + " start= delayed-auto"
}

func (words) makeRoom(dir string) string { return "cleanmgr /d " + filepath.VolumeName(dir) }

// logFile is where a service may write its log.
func logFile(name string) string {
	if file := config.ServiceFile(strings.TrimPrefix(strings.TrimPrefix(name, service.DefaultName), "@")); file != "" {
		return filepath.Join(config.StateDirFor(file), "log", "dropferry.log")
	}
	return ""
}

func (words) lookUp(host string) string { return "nslookup " + shellWord(host) }

func (words) reach(host, port string) string {
	return "powershell Test-NetConnection " + shellWord(host) + " -Port " + port
}

// clockState knows nothing on this system.
func clockState() clockKnowledge { return clockUnknown }

func (w words) letRead(path string) string { return rights.Words(path, w.account, "RX") }

func (w words) letReadFile(path string) string {
	return `icacls "` + path + `" /grant "` + w.account + `:R"`
}

func (w words) letWrite(path string) string { return rights.Words(path, w.account, "M") }

func (w words) makeDir(dir string) string { return makeDirs(dir) + then + w.letWrite(dir) }

// makeDirs makes a directory, and those above it that are not there.
func makeDirs(dir string) string { return `mkdir "` + dir + `"` }

// letEnter lets the account see what is in a directory.
func (w words) letEnter(dir string) string { return rights.Words(dir, w.account, "RX") }

func (w words) makeStateDir(string) string {
	return w.admin(w.program + w.fileFlag() + " service install")
}

// take lets the account change a file, or a directory with all that is in it.
func (w words) take(path string, all bool) string {
	if all {
		return rights.Words(path, w.account, "M")
	}
	return `icacls "` + path + `" /grant "` + w.account + `:M"`
}

// copyFor makes a copy of a file that the account can read.
func (w words) copyFor(from, to string) string {
	return `copy "` + from + `" "` + to + `"`
}

// accountIn is whom rights are given to: the service's own account, whatever it runs as.
func accountIn(s service.State) string { return service.OwnAccount(s.Name) }

// stranger is nobody: an administrator looks, and the rights are those of the service.
func (*doctor) stranger() bool { return false }

// asService judges the folders with its rights: whoever asks is an
// administrator, who may do more.
func (d *doctor) asService(s service.State) {
	if s.Phase == service.Absent {
		return
	}
	sids, known := accountSIDs(s.Account, d.service, service.SIDOf(d.service))
	if !known {
		return
	}
	for i := range d.config.Folders {
		f := &d.config.Folders[i]
		dirs := written(f)
		puts := len(dirs) > 0
		if !puts {
			dirs = []string{f.Path}
		}
		for i, dir := range dirs {
			at := dir
			if i > 0 { // an archive is made when it is needed
				at = nearest(dir)
			}
			text, err := rights.Of(at)
			if err != nil || strings.HasPrefix(dir, `\\`) {
				continue // what is not there is told of elsewhere; at a server the service is the computer
			}
			if found, wrong := rightsDiagnosis(f.Name, at, d.words.account, text, sids, puts); wrong {
				if at != dir {
					found.Hint = d.words.makeDir(dir) // nobody is let into what is above
				}
				d.say(found)
			}
		}
	}
}
