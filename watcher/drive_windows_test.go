package watcher

import (
	"os"
	"testing"
)

func TestNoDrive(t *testing.T) {
	if NoDrive(os.TempDir()) {
		t.Errorf("%s is on no drive", os.TempDir())
	}
	if NoDrive(`\\nas\share\out`) {
		t.Error("a share is taken for a drive")
	}
	for letter := 'B'; letter <= 'Y'; letter++ { // nobody has all of them
		if _, err := os.Stat(string(letter) + `:\`); err == nil {
			continue
		}
		if NoDrive(string(letter) + `:\out`) {
			return
		}
	}
	t.Error("every letter is a drive")
}

func TestNothingIsMapped(t *testing.T) {
	if unc, mapped := MappedDrive(os.TempDir()); mapped {
		t.Errorf("%s is mapped to %s", os.TempDir(), unc)
	}
}
