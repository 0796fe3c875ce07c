package service

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/windows"
)

func TestMakePrivate(t *testing.T) {
	sid := serviceSID("dropferry-test")
	dir := filepath.Join(t.TempDir(), "home")
	for _, what := range []string{"new", "there already"} {
		if what == "there already" {
			dir = filepath.Join(t.TempDir(), "home")
			if err := os.Mkdir(dir, 0o777); err != nil {
				t.Fatal(err)
			}
		}
		if err := makePrivate(dir, rightsFor(sid, rightsToRead)); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		sd, err := windows.GetNamedSecurityInfo(dir, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION)
		if err != nil {
			t.Fatal(err)
		}
		for _, others := range []string{";WD)", ";BU)", ";AU)", ";IU)"} {
			if what == "there already" && underWine() {
				break // wine keeps rights as Unix modes, and not all of them
			}
			if text := sd.String(); strings.Contains(text, others) {
				t.Errorf("%s: others have rights: %s", what, text)
			}
		}
	}
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := makePrivate(name, rightsFor(sid, rightsToRead)); err == nil {
		t.Error("a file was taken for a directory")
	}
}
