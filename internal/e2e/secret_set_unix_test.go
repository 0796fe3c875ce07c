//go:build unix

package e2e

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestRootSetsASecretForTheService gives what root writes to the account that has to read it.
func TestRootSetsASecretForTheService(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can set secrets for another account")
	}
	r, _ := passwordRig(t, "hunter2-hunter2", `{ credential = "acme-pass" }`)
	give(t, r.mkdir("state"))
	r.setSecret(0, "acme-pass", "hunter2-hunter2")
	for _, name := range []string{"secrets", "secrets/acme-pass"} {
		info, err := os.Stat(filepath.Join(r.state, name))
		if err != nil {
			t.Fatal(err)
		}
		if st := info.Sys().(*syscall.Stat_t); st.Uid != nobody || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s belongs to %d, mode %v", name, st.Uid, info.Mode())
		}
	}
}
