//go:build unix

package agent

import (
	"fmt"
	"os"
	"syscall"

	"github.com/dropferry/dropferry/config"
)

// giveTo gives a file the owner of the state directory, where that is somebody else and we are root.
func giveTo(stateDir, name string) error {
	info, err := os.Stat(stateDir)
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 || st.Uid == 0 {
		return nil
	}
	return os.Chown(name, int(st.Uid), int(st.Gid))
}

// makeState makes the state directory where there is none.
func makeState(c *config.Config) error { return os.MkdirAll(c.Agent.StateDir, 0o700) }

// narrow does nothing: directories and files are made for their owner only.
func narrow(*config.Config, string) error { return nil }

// othersRead says who may read a secret that should not, "" if nobody, and what to type about it.
func othersRead(_ *config.Config, name string, info os.FileInfo) (who, mend string) {
	if info.Mode().Perm()&0o077 == 0 {
		return "", ""
	}
	return fmt.Sprintf("others (mode %04o)", info.Mode().Perm()), "chmod 600 " + config.ShellWord(name)
}

// stateWords says how a state directory is closed that others can read.
func stateWords(c *config.Config) string { return "chmod 700 " + config.ShellWord(c.Agent.StateDir) }
