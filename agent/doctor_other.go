//go:build !linux && !windows

package agent

import "strings"

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

// logFile is where a service may write its log.
func logFile(name string) string {
	return "/Library/Logs/" + strings.ReplaceAll(name, "@", "-") + "-agent.log"
}

func (words) lookUp(host string) string { return "dscacheutil -q host -a name " + shellWord(host) }

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

// letEnter lets the account into a directory.
func (w words) letEnter(dir string) string {
	return w.admin("chmod +a " + shellWord(w.account+" allow search") + " " + shellWord(dir))
}
