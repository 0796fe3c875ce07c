package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/service"
)

// secretIn names the file of a secret of the state directory.
func secretIn(stateDir, name string) string { return filepath.Join(stateDir, "secrets", name) }

func secretReader(c *config.Config, s config.Secret) func() (string, error) {
	return func() (string, error) {
		return s.Read(func(credential string) (string, error) { return readCredential(c.Agent.StateDir, credential) })
	}
}

// readCredential reads a secret of the state directory.
func readCredential(stateDir, name string) (string, error) {
	path := secretIn(stateDir, name)
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("%s can be read by others (mode %04o): chmod 600 %s", path, info.Mode().Perm(), path)
	}
	stored, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	text, err := service.Unprotect(stored)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return string(text), nil
}

// SetSecret keeps a secret in the state directory, for `{ credential = "NAME" }`, and returns its file.
func SetSecret(c *config.Config, name string, secret []byte) (string, error) {
	stored, err := service.Protect(secret)
	if err != nil {
		return "", fmt.Errorf("secret %s: %w", name, err)
	}
	path := secretIn(c.Agent.StateDir, name)
	if err := writeFileAs(c.Agent.StateDir, path, stored); err != nil {
		return "", fmt.Errorf("secret %s: %w", name, err)
	}
	return path, nil
}
