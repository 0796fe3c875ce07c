package watcher

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/dropferry/dropferry/file"
)

func TestExplain(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "dir/a.xml"), "x")
	write(t, filepath.Join(root, "a.tmp"), "x")
	write(t, filepath.Join(root, "a.txt"), "x")
	w := newQuick(t, Rules{Root: root, Include: []string{"*.xml"}})
	if e := w.Explain("dir/a.xml"); !e.Exists || e.Kind != File || e.Excluded != "" || e.Settling || e.Err != nil ||
		e.Fingerprint != lstat(t, filepath.Join(root, "dir/a.xml")) {
		t.Errorf("file: %+v", e)
	}
	if e := w.Explain("dir"); !e.Exists || e.Kind != Dir || e.Excluded != "" {
		t.Errorf("directory: %+v", e)
	}
	if e := w.Explain(""); !e.Exists || e.Kind != Dir || e.Err != nil {
		t.Errorf("root: %+v", e)
	}
	if e := w.Explain("a.tmp"); !e.Exists || e.Excluded != "*.tmp" {
		t.Errorf("temporary: %+v", e)
	}
	if e := w.Explain("a.txt"); !e.Exists || e.Excluded != NotIncluded {
		t.Errorf("not included: %+v", e)
	}
	for _, p := range []file.Path{"none.xml", "none/a.xml", "../a.xml"} {
		if e := w.Explain(p); e.Exists || e.Err != nil {
			t.Errorf("%s: %+v", p, e)
		}
	}
	if err := os.Symlink("dir", filepath.Join(root, "link")); err == nil {
		if e := w.Explain("link"); !e.Exists || e.Kind != Other || e.Reason == "" {
			t.Errorf("link: %+v", e)
		}
		if e := w.Explain("link/a.xml"); e.Exists || e.Reason == "" {
			t.Errorf("behind a link: %+v", e)
		}
	}
}
