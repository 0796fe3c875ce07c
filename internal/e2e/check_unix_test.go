//go:build unix

package e2e

import (
	"os"
	"syscall"
	"testing"
)

func TestCheckAsAnAccountWithoutRights(t *testing.T) {
	t.Parallel()
	r := bareRig(t)
	r.write(r.at("key"), "x")
	destination := "[[destination]]\nname = \"acme\"\nhost = \"127.0.0.1\"\nuser = \"u\"\nkey_file = \"key\"\n"
	r.outboxTo(destination, `to = ["acme"]`)
	r.asNobody(r.config, r.at("key"))
	r.expect(0, "check")

	t.Run("folder", func(t *testing.T) {
		chmod(t, r.outbox, 0o300)
		give(t, r.outbox)
		contains(t, r.expect(5, "check").stderr, r.outbox, "permission denied")
	})
	t.Run("configuration", func(t *testing.T) {
		chmod(t, r.config, 0o000)
		for _, command := range []string{"check", "once", "status", "trust"} {
			args := []string{command}
			if command == "trust" {
				args = append(args, "acme")
			}
			contains(t, r.expect(5, args...).stderr, r.config, "permission denied", " -c "+r.config+" doctor")
		}
	})
}

// TestTrustByRootForAService leaves what root has written to the account that the state belongs to.
func TestTrustByRootForAService(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root writes for other accounts")
	}
	r := strangerRig(t)
	give(t, r.mkdir("state"))
	r.expect(0, "trust", "acme", "--fingerprint", r.sshd.Fingerprints[0])
	info, err := os.Stat(r.at("state/known_hosts"))
	if err != nil {
		t.Fatal(err)
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; owner != nobody {
		t.Errorf("known_hosts belongs to %d", owner)
	}
	r.drop("a.txt", "a")
	r.asNobody(r.dir, r.sshd.KeyFile)
	r.deliver(1)
}
