//go:build !linux

package remote

import (
	"net"
	"time"
)

// setUserTimeout does nothing: the session finds silence by itself, and keepalives of TCP find it too.
func setUserTimeout(net.Conn, time.Duration) error { return nil }
