package e2e

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// setSecret hands a secret to the program by its standard input.
func (r *rig) setSecret(code int, name, secret string) string {
	r.t.Helper()
	r.stdin = strings.NewReader(secret)
	defer func() { r.stdin = nil }()
	return r.expect(code, "secret", "set", name).text()
}

// TestSecretSet keeps a password where only the account can read it, and the next login uses it.
func TestSecretSet(t *testing.T) {
	t.Parallel()
	const password = "correct horse battery staple"
	r, server := passwordRig(t, password, `{ credential = "acme-pass" }`)
	r.secrets = []string{"battery"}
	file := filepath.Join(r.state, "secrets", "acme-pass")
	contains(t, r.setSecret(0, "acme-pass", "not the battery\n"), "acme-pass is stored in "+file)
	contains(t, r.expect(12, "once").text(), "check user, key_file and password")
	contains(t, r.setSecret(0, "acme-pass", password+"\r\n"), file)
	r.everywhere() // the block of the wrong one ends with it
	wantTree(t, server.Dir, map[string]string{"a.txt": "a"})
	if info, err := os.Stat(file); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if entries, err := os.ReadDir(filepath.Dir(file)); err != nil || len(entries) != 1 {
		t.Errorf("the directory holds %v, %v", entries, err)
	}
}

func TestSecretSetRefuses(t *testing.T) {
	t.Parallel()
	r, _ := passwordRig(t, "unused unused", `{ credential = "acme-pass" }`)
	r.setSecret(0, "acme-pass", "the old one")
	for _, c := range []struct {
		code               int
		name, secret, says string
	}{
		{1, "acme-pass", "", "is empty"},
		{1, "acme-pass", "\n", "is empty"},
		{1, "acme-pass", strings.Repeat("x", 65<<10), "which is no secret"},
		{4, "../acme-pass", "x", "is a path, not a name"},
		{4, "..", "x", "is a path, not a name"},
		{4, "a\tb", "x", "is no name"},
	} {
		contains(t, r.setSecret(c.code, c.name, c.secret), c.says)
	}
	if got := tree(t, filepath.Join(r.state, "secrets"))["acme-pass"]; runtime.GOOS != "windows" && got != "the old one" {
		t.Errorf("the secret is %q now", got)
	}
	contains(t, r.expect(4, "secret").stderr, "secret set NAME")
}
