//go:build !windows

package remote

import (
	"io"
	"net"
	"os"
)

func agentPlace() string { return os.Getenv("SSH_AUTH_SOCK") }

// dialAgent connects to an agent's Unix socket.
func dialAgent(place string) (io.ReadWriteCloser, error) { return net.Dial("unix", place) }
