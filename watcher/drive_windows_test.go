package watcher

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/windows/registry"
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

// A letter that no disk has ever had is somebody's, and the registry of who is logged on says which share it stands for.
func TestPersonsDrive(t *testing.T) {
	if unc, is := PersonsDrive(os.TempDir()); is {
		t.Errorf("%s is somebody's: %q", os.TempDir(), unc)
	}
	letter := ""
	for l := 'Y'; l >= 'B' && letter == ""; l-- {
		if drive := string(l) + ":"; NoDrive(drive+`\out`) && !wasOfDisk(drive) {
			letter = string(l)
		}
	}
	if letter == "" {
		t.Skip("every letter is, or was, that of a disk")
	}
	if _, is := PersonsDrive(letter + `:\out`); !is {
		t.Errorf("%s: is of a disk", letter)
	}
	key, _, err := registry.CreateKey(registry.CURRENT_USER, `Network\`+letter, registry.SET_VALUE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = registry.DeleteKey(registry.CURRENT_USER, `Network\`+letter) })
	err = key.SetStringValue("RemotePath", `\\nas\erp`)
	if err := errors.Join(err, key.Close()); err != nil {
		t.Fatal(err)
	}
	if unc, is := PersonsDrive(letter + `:\out\invoices`); !is || unc != `\\nas\erp\out\invoices` {
		t.Errorf("%s: is %q, %v", letter, unc, is)
	}
}

func TestNothingIsMapped(t *testing.T) {
	if unc, mapped := MappedDrive(os.TempDir()); mapped {
		t.Errorf("%s is mapped to %s", os.TempDir(), unc)
	}
}
