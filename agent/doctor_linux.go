package agent

import (
	"golang.org/x/sys/unix"

	"github.com/dropferry/dropferry/config"
)

const (
	setClock = "sudo timedatectl set-ntp true"
	asAdmin  = "sudo "
)

func lookWhy(name string) string { return "journalctl -u " + name + " -n 20" }

func letBoot(name string) string { return "sudo systemctl enable " + name }

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

func letRead(account, path string) string {
	word := config.ShellWord(path)
	return "sudo setfacl -R -m u:" + account + ":rX,d:u:" + account + ":rX " + word + ", or the account into the files' group"
}

func letWrite(account, path string) string {
	word := config.ShellWord(path)
	return "sudo setfacl -m u:" + account + ":rwx,d:u:" + account + ":rwx " + word
}

func makeStateDir(account, dir string) string {
	return "sudo install -d -o " + account + " -m 700 " + config.ShellWord(dir)
}
