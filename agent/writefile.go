package agent

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dropferry/dropferry/config"
)

// writeFileAs replaces a private file of the state directory in one step. The file, and a directory that is made for it,
// belong to the owner of the state directory: root runs `trust` and `secret set` for a service that has its own account.
func writeFileAs(c *config.Config, name string, text []byte) error {
	stateDir := c.Agent.StateDir
	if err := makeState(c); err != nil {
		return err
	}
	if err := makeDirAs(stateDir, filepath.Dir(name)); err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) //nolint:errcheck // renamed away when all went well
	_, err = temp.Write(text)
	if err == nil {
		err = temp.Sync()
	}
	if closeErr := temp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = giveTo(stateDir, temp.Name())
	}
	if err != nil {
		return err
	}
	return os.Rename(temp.Name(), name)
}

// makeDirAs makes a directory of the state directory, for its owner only.
func makeDirAs(stateDir, dir string) error {
	err := os.Mkdir(dir, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return giveTo(stateDir, dir)
}
