//go:build !linux && !windows

package agent

import (
	"path/filepath"
	"strings"

	"github.com/dropferry/dropferry/config"
)

// then stands between commands of which the next one wants the first to have gone well.
const then = " && "

func shellWord(word string) string { return config.ShellWord(word) }

func sudoFor(root, _ bool) string {
	if root {
		return ""
	}
	return "sudo "
}

func (words) setClock() string { return "have the system set its clock by the network" }

func (w words) lookWhy(name string) string {
	return w.service(name, "status") + ", and the log"
}

func (w words) letBoot(name string) string { return w.service(name, "install", "--account", w.account) }

func (w words) makeRoom(dir string) string {
	return w.own("du -xh "+shellWord(dir)) + " | sort -h | tail"
}

// logFile is where a service may write its log.
func logFile(name string) string {
	return "/Library/Logs/" + strings.ReplaceAll(name, "@", "-") + "-agent.log"
}

func (words) lookUp(host string) string { return "dscacheutil -q host -a name " + shellWord(host) }

func (words) reach(host, port string) string { return "nc -vz " + shellWord(host) + " " + port }

// clockState knows nothing on this system.
func clockState() clockKnowledge { return clockUnknown }

func (w words) letRead(path string) string {
	return w.admin("chmod -R +a " + shellWord(w.account+" allow list,search,read,readattr,readextattr,readsecurity,file_inherit,directory_inherit") + " " + shellWord(path))
}

func (w words) letReadFile(path string) string {
	return w.admin("chmod +a " + shellWord(w.account+" allow read,readattr,readsecurity") + " " + shellWord(path))
}

func (w words) letWrite(path string) string {
	return w.admin("chmod -R +a " + shellWord(w.account+" allow list,search,read,write,append,add_file,add_subdirectory,delete_child,delete,readattr,writeattr,"+
		"readextattr,writeextattr,readsecurity,file_inherit,directory_inherit") + " " + shellWord(path))
}

func (w words) makeDir(dir string) string {
	return w.admin("install -d -o " + shellWord(w.account) + " " + shellWord(dir))
}

func (w words) makeStateDir(dir string) string {
	return w.admin("install -d -o " + shellWord(w.account) + " -m 700 " + shellWord(dir))
}

// letEnter lets the account into a directory.
func (w words) letEnter(dir string) string {
	return w.admin("chmod +a " + shellWord(w.account+" allow search") + " " + shellWord(dir))
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
	return w.admin("install -d -o "+shellWord(w.account)+" -m 700 "+shellWord(filepath.Dir(to))) +
		" && " + w.admin("install -o "+shellWord(w.account)+" -m 600 "+shellWord(from)+" "+shellWord(to))
}
