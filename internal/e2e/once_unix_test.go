//go:build unix

package e2e

import (
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestOnceWithoutReadPermission says what it may not read, delivers the rest, and takes nothing for gone.
func TestOnceWithoutReadPermission(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme:in"]`)
	closed := r.mkdir("closed")
	r.configure(r.acme() + r.folder("closed", closed, `to = ["acme:closed"]`) + r.folder("outbox", r.outbox, `to = ["acme:in"]`))
	r.write(filepath.Join(closed, "x.txt"), "x")
	r.drop("a.txt", "a")
	r.drop("secret.txt", "s")
	r.drop("locked/b.txt", "b")
	give(t, r.dir)
	r.asNobody(filepath.Dir(r.sshd.KeyFile))
	chmod(t, closed, 0)
	chmod(t, filepath.Join(r.outbox, "secret.txt"), 0)
	chmod(t, filepath.Join(r.outbox, "locked"), 0)

	all, summary := r.once(3)
	if summary.Delivered != 1 || summary.Unread != 2 || summary.Failed != 1 {
		t.Errorf("summary: %+v", summary)
	}
	for _, want := range []string{"closed", filepath.Join("outbox", "locked"), "secret.txt"} {
		if !slices.ContainsFunc(all, func(e eventJSON) bool {
			return strings.Contains(e.Error, want) && strings.Contains(e.Error, "permission denied")
		}) {
			t.Errorf("nothing is said of %s: %+v", want, all)
		}
	}
	contains(t, r.expect(3, "once").text(), "permission denied")
	wantTree(t, r.sshd.Dir, map[string]string{"in/a.txt": "a"})
	for _, name := range []string{closed, filepath.Join(r.outbox, "secret.txt"), filepath.Join(r.outbox, "locked")} {
		chmod(t, name, 0o700)
	}
	r.deliver(3)
	r.deliver(0)
}

// TestOnceSendsRegularFilesOnly never opens what is no file, and follows no link.
func TestOnceSendsRegularFilesOnly(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme"]`)
	r.write(r.at("elsewhere/secret.txt"), "outside of the folder")
	r.drop("real.txt", "real")
	for to, from := range map[string]string{
		"link.txt": "real.txt", "out.txt": r.at("elsewhere/secret.txt"), "dir": r.at("elsewhere"), "dangling": "nowhere", "loop": ".",
	} {
		if err := syscall.Symlink(from, filepath.Join(r.outbox, to)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(r.outbox, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.deliver(1)
	wantTree(t, r.sshd.Dir, map[string]string{"real.txt": "real"})
}
