package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/service"
)

// secretIn names the file of a secret of the state directory.
func secretIn(stateDir, name string) string { return filepath.Join(stateDir, "secrets", name) }

func secretReader(c *config.Config, s config.Secret) func() (string, error) {
	return func() (string, error) {
		return s.Read(func(credential string) (string, error) { return readCredential(c, credential) })
	}
}

// readCredential reads a secret of the state directory.
func readCredential(c *config.Config, name string) (string, error) {
	path := secretIn(c.Agent.StateDir, name)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%w: `dropferry secret set %s` stores it, where systemd does not hand it to the service alone", err, name)
	}
	if err != nil {
		return "", err
	}
	if who, mend := othersRead(c, path, info); who != "" {
		return "", fmt.Errorf("%s can be read by %s: %s", path, who, mend)
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
	dir := filepath.Dir(path)
	if err = makeState(c); err == nil {
		err = makeDirAs(c.Agent.StateDir, dir)
	}
	if err == nil {
		err = narrow(c, dir)
	}
	if err == nil {
		err = writeFileAs(c, path, stored)
	}
	if err == nil {
		err = narrow(c, path)
	}
	if err != nil {
		return "", fmt.Errorf("secret %s: %w", name, err)
	}
	return path, nil
}
