package watcher

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dropferry/dropferry/file"
)

// A link that may not be followed stands for something unknown, whatever is included; one that leads nowhere for nothing.
func TestScanOfLinksThatCannotBeFollowed(t *testing.T) {
	if !asNobody(t) {
		return
	}
	root := t.TempDir()
	write(t, filepath.Join(root, "closed/dir/x.xml"), "")
	write(t, filepath.Join(root, "a.xml"), "")
	link(t, "closed/dir", filepath.Join(root, "to-dir"))
	link(t, "closed/dir/x.xml", filepath.Join(root, "to-file.xml"))
	link(t, "nothing", filepath.Join(root, "nowhere.xml"))
	link(t, strings.Repeat("n", 300), filepath.Join(root, "too-long.xml"))
	if err := os.Chmod(filepath.Join(root, "closed"), 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(root, "closed"), 0o700) })
	rules := Rules{Root: root, Symlinks: SymlinksInside, Include: []string{"*.xml"}}
	got, sum := scanOnce(t, rules)
	for p, want := range map[file.Path]error{"to-dir": fs.ErrPermission, "to-file.xml": fs.ErrPermission, "nowhere.xml": nil, "too-long.xml": nil} {
		if e, found := find(got, p); !found || !errors.Is(e.Err, want) || want == nil && (e.Kind != Other || e.Err != nil) {
			t.Errorf("%s: %+v", p, e)
		}
	}
	if sum.Complete || sum.Files != 1 {
		t.Errorf("summary: %+v", sum)
	}
	unread := 0
	err := newQuick(t, rules).Survey(t.Context(), "", func(e Entry) bool {
		if e.Err != nil {
			unread++
		}
		return true
	})
	if err != nil || unread != 3 { // with the directory itself
		t.Errorf("a survey finds %d places that it cannot read: %v", unread, err)
	}
}
