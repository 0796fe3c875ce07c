//go:build unix

package e2e

import "testing"

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
		contains(t, r.expect(5, "check").stderr, r.config, "permission denied")
		contains(t, r.expect(5, "once").stderr, r.config, "permission denied")
	})
}
