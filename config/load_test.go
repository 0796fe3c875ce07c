package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestLoadFaultsOfTheFileItself(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "agent.toml")
	_, err := Load(missing)
	if want := missing + ": "; err == nil || !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), "dropferry demo") {
		t.Errorf("missing file: %v", err)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v is not ErrNotExist", err)
	}
	if _, err = Load(dir); err == nil || err.Error() != dir+": is a directory, not a file" {
		t.Errorf("directory: %v", err)
	}
	if runtime.GOOS == "windows" || os.Geteuid() == 0 {
		t.Skip("nothing is unreadable to this account")
	}
	if err := os.WriteFile(missing, []byte(least), 0o000); err != nil {
		t.Fatal(err)
	}
	if _, err = Load(missing); err == nil || err.Error() != missing+": permission denied" || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("unreadable file: %v", err)
	}
}
