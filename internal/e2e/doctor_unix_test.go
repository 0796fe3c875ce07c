//go:build unix

package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

// TestDoctorLooksWithTheRightsOfTheService finds what the service's account may not, although root may.
func TestDoctorLooksWithTheRightsOfTheService(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can look with the rights of others")
	}
	r := newRig(t, `to = ["acme"]`)
	if err := os.Chmod(filepath.Dir(r.dir), 0o755); err != nil { // made by testing, for its own account
		t.Fatal(err)
	}
	give(t, r.mkdir("state"))
	chmod(t, r.state, 0o700)
	chmod(t, r.config, 0o644)
	finds(t, r.doctor(1), "fault", "configuration", "", "key_file: ", "") // root's, and nobody else's
	give(t, r.sshd.KeyFile)
	give(t, filepath.Dir(r.sshd.KeyFile))
	r.doctor(0)
	below := r.mkdir("outbox/below")
	chmod(t, below, 0o700)
	finds(t, r.doctor(1), "fault", "folder", "outbox", "permission denied", "setfacl")
	r.doctor(0, "--as-is") // with root's own
	chmod(t, r.config, 0o600)
	finds(t, r.doctor(5), "fault", "configuration", "", "permission denied", "chgrp")
}
