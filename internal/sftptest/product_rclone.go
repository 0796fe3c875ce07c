package sftptest

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"golang.org/x/crypto/ssh"
)

// StartRclone starts `rclone serve sftp`, a server with parallel workers whose files are written through a layer of its own.
func StartRclone(tb TB, o ProductOptions) *Product {
	tb.Helper()
	return recipe{
		name: "rclone serve", program: "rclone", install: "rclone", user: "partner", banner: "SSH-2.0-rclone",
		version: []string{"version"}, tells: regexp.MustCompile(`rclone v(\S+)`), jailed: true,
		arguments: (*Product).rclone,
	}.start(tb, o)
}

func (p *Product) rclone() ([]string, error) {
	keys := filepath.Join(p.home, "keys")
	if err := os.WriteFile(keys, ssh.MarshalAuthorizedKey(p.public), 0o600); err != nil {
		return nil, err
	}
	return append([]string{
		"serve", "sftp", p.Dir, "--addr", p.Host + ":" + strconv.Itoa(p.Port), "--user", p.User,
		"--key", p.hostKey, "--authorized-keys", keys, "--config", filepath.Join(p.home, "rclone.conf"), "--cache-dir", filepath.Join(p.home, "cache"),
	}, p.options.Config...), nil
}
