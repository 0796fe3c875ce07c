package e2e

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// TestARealServerThatFoldsNames holds the second of two files whose names are one there, and never lets it take the place of
// the first. The server is rclone's, which looks for names by either case when it is told to.
func TestARealServerThatFoldsNames(t *testing.T) {
	t.Parallel()
	p := sftptest.StartRclone(t, sftptest.ProductOptions{Config: append([]string{
		"--vfs-case-insensitive", "--vfs-cache-mode", "writes", "--vfs-write-back", "0s",
	}, fresh...)})
	r := bareRig(t)
	r.outboxTo(p.TOML("acme")+patient, mirror)
	contains(t, r.expect(0, "check", "--connect").stdout, "not told apart by case")
	contents := map[string]string{"sub/a.txt": "one", "sub/A.txt": "two, and longer", "other.txt": "other"}
	for name, content := range contents {
		r.drop(name, content)
	}
	all, summary := r.once(3)
	if summary.Delivered != 2 || summary.Held != 1 {
		t.Errorf("%+v", summary)
	}
	want, held := map[string]string{}, ""
	for _, e := range all {
		switch e.Type {
		case "delivered":
			want["copy/"+e.Path] = contents[e.Path]
		case "held":
			held = e.Path
		}
	}
	eventually(t, "the files are there", 20*time.Second, func() bool { return maps.Equal(tree(t, p.Dir), want) })
	if held == "" || want["copy/"+held] != "" || !strings.EqualFold(held, "sub/a.txt") {
		t.Errorf("%q is held, and the server has %q", held, want)
	}
	other := map[string]string{"sub/a.txt": "sub/A.txt", "sub/A.txt": "sub/a.txt"}[held]
	contains(t, r.explain(filepath.Join(r.outbox, held)).Routes[0].LastError, other)

	// Under another name it goes.
	if err := os.Rename(filepath.Join(r.outbox, held), filepath.Join(r.outbox, "sub/b.txt")); err != nil {
		t.Fatal(err)
	}
	r.deliver(1)
	want["copy/sub/b.txt"] = contents[held]
	eventually(t, "it is there", 20*time.Second, func() bool { return maps.Equal(tree(t, p.Dir), want) })
}
