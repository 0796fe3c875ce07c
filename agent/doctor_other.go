//go:build !linux && !windows

package agent

const (
	setClock = "have the system set its clock by the network"
	asAdmin  = "sudo "
)

func lookWhy(name string) string { return "dropferry service status --name " + name + ", and the log" }

func letBoot(name string) string { return "dropferry service install --name " + name }

// clockState knows nothing on this system.
func clockState() clockKnowledge { return clockUnknown }

func letRead(account, path string) string { return "give " + account + " the right to read " + path }

func letWrite(account, path string) string {
	return "give " + account + " the right to write to " + path
}

func makeStateDir(account, dir string) string { return "make " + dir + " for " + account }
