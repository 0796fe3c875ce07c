package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dropferry/dropferry/internal/mounted"
	"github.com/dropferry/dropferry/internal/sftptest"
)

// smallDisk mounts a file system of that size, which only root may.
func smallDisk(t *testing.T, dir, size string) {
	t.Helper()
	mounted.Mount(t, "dropferry-e2e", dir, "tmpfs", 0, "size="+size)
}

// TestFullDiskAtTheServer names it, publishes nothing, leaves nothing, and delivers when there is room.
func TestFullDiskAtTheServer(t *testing.T) {
	t.Parallel()
	r, root := smallServer(t, "2m", `to = ["acme"]`)
	seen := sftptest.Observe(t, root)
	content := noise(3 << 20)
	r.drop("large.bin", content)
	all, summary := r.once(3)
	if summary.Delivered != 0 || summary.Failed != 1 {
		t.Errorf("summary: %+v", summary)
	}
	if !slices.ContainsFunc(all, func(e eventJSON) bool {
		return e.Type == "failed" && e.Path == "large.bin" && strings.Contains(e.Error, "disk is full")
	}) {
		t.Errorf("events: %+v", all)
	}
	contains(t, r.expect(3, "once").text(), "the server's disk is full", "make room at the server")
	wantTree(t, root, map[string]string{})
	if len(seen.Seen()) > 0 {
		t.Errorf("published: %+v", seen.Seen())
	}

	if err := unix.Mount("", root, "", unix.MS_REMOUNT, "size=8m"); err != nil {
		t.Fatal(err)
	}
	r.deliver(1)
	wantTree(t, root, map[string]string{"large.bin": content})
}

// smallServer is a rig whose server has a disk of a size at root. folder are lines of the configuration.
func smallServer(t *testing.T, size, folder string) (r *rig, root string) {
	t.Helper()
	r = bareRig(t)
	r.sshd = sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	root = r.mkdir("small")
	smallDisk(t, root, size)
	r.outboxTo(replaced(t, r.acme(), fmt.Sprintf("root = %q", r.sshd.Dir), fmt.Sprintf("root = %q", root)), folder)
	return r, root
}

// TestFullDiskAtTheServerThatCopies is found although the server says that it has copied: the version that is there stays, and what has changed
// goes when there is room.
func TestFullDiskAtTheServerThatCopies(t *testing.T) {
	t.Parallel()
	r, root := smallServer(t, "9m", mirror+"\ndelta = \"always\"")
	was := noise(6 << 20)
	r.drop("large.bin", was)
	r.deliver(1)
	seen := sftptest.Observe(t, root)
	now := was[:1<<20] + "new" + was[1<<20:]
	r.drop("large.bin", now)
	r.settled(0)
	if _, summary := r.once(3); summary.Delivered != 0 || summary.Failed != 1 {
		t.Errorf("summary: %+v", summary)
	}
	contains(t, r.expect(3, "once").text(), "the server's disk is full", "make room at the server")
	wantTree(t, root, map[string]string{"copy/large.bin": was})
	if err := unix.Mount("", root, "", unix.MS_REMOUNT, "size=16m"); err != nil {
		t.Fatal(err)
	}
	r.deliver(1)
	wantTree(t, root, map[string]string{"copy/large.bin": now})
	if h := r.history(); len(h) != 2 || h[0].Sent > 1<<20 {
		t.Errorf("receipts: %+v", h)
	}
	for _, s := range seen.Seen() {
		if s.SHA256 != sum(was) && s.SHA256 != sum(now) {
			t.Errorf("seen: %+v", s)
		}
	}
}

// TestArchiveOnAnotherFileSystem copies, and removes the source only then.
func TestArchiveOnAnotherFileSystem(t *testing.T) {
	t.Parallel()
	r := newRig(t, "after = \"archive\"\narchive = \"archive/{name}\"\nto = [\"acme\"]")
	smallDisk(t, r.mkdir("archive"), "2m")
	r.drop("a.txt", "a")
	r.deliver(1)
	wantTree(t, r.archive, map[string]string{"a.txt": "a"})
	wantTree(t, r.outbox, map[string]string{})

	large := noise(3 << 20)
	r.drop("large.bin", large) // more than fits
	if _, summary := r.once(3); summary.Delivered != 1 || summary.Kept != 1 {
		t.Errorf("summary: %+v", summary)
	}
	wantTree(t, r.archive, map[string]string{"a.txt": "a"})
	kept := tree(t, r.outbox)
	if len(kept) != 1 {
		t.Errorf("the outbox holds %d files", len(kept))
	}
	for name, content := range kept {
		if content != large {
			t.Errorf("%s has %d other bytes", name, len(content))
		}
	}
	if err := unix.Mount("", r.archive, "", unix.MS_REMOUNT, "size=8m"); err != nil {
		t.Fatal(err)
	}
	r.deliver(0)
	wantTree(t, r.archive, map[string]string{"a.txt": "a", "large.bin": large})
	wantTree(t, r.outbox, map[string]string{})
}

// TestFolderThatIsUnmounted takes nothing for gone: an emptied mount must not wipe the other side.
func TestFolderThatIsUnmounted(t *testing.T) {
	t.Parallel()
	r := newRig(t, mirror)
	smallDisk(t, r.outbox, "2m")
	r.drop("a.txt", "a")
	a := r.watching()
	a.wait("delivered")
	if err := unix.Unmount(r.outbox, unix.MNT_DETACH); err != nil {
		t.Fatal(err)
	}
	a.wait("Nothing is mounted at " + r.outbox + " any more")
	wantTree(t, r.inbox("copy"), map[string]string{"a.txt": "a"})
	if f := r.status().Folders[0]; f.State != "waiting" {
		t.Errorf("status: %+v", f)
	}
	smallDisk(t, r.outbox, "2m")
	r.drop("b.txt", "b")
	awaitTree(t, r.inbox("copy"), 20*time.Second, map[string]string{"a.txt": "a", "b.txt": "b"})
}
