package remote

import (
	"cmp"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/windows"
)

// openSSHPipe is where the agent of Windows' OpenSSH listens.
const openSSHPipe = `\\.\pipe\openssh-ssh-agent`

// agentPlace prefers what the environment names, as Windows' ssh does: the pipe of Pageant, say.
func agentPlace() string { return cmp.Or(os.Getenv("SSH_AUTH_SOCK"), openSSHPipe) }

// busyFor is how long a pipe of which all instances are taken is tried.
const busyFor = 2 * time.Second

// dialAgent opens an agent's named pipe. It is opened so that closing it frees whoever reads from it.
func dialAgent(place string) (io.ReadWriteCloser, error) {
	place = strings.ReplaceAll(place, "/", `\`)
	for deadline := time.Now().Add(busyFor); ; time.Sleep(20 * time.Millisecond) { // nothing tells when an instance is free
		pipe, err := os.OpenFile(place, os.O_RDWR|windows.FILE_FLAG_OVERLAPPED, 0)
		if !errors.Is(err, windows.ERROR_PIPE_BUSY) || time.Now().After(deadline) {
			return pipe, err
		}
	}
}
