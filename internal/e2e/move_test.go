package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// TestMovedDirectory gives a directory of a mirror that deletes another name: its files are renamed at the server.
func TestMovedDirectory(t *testing.T) {
	t.Parallel()
	const lines = mirror + "\ndelete = true\ndelete_delay = \"100ms\"\ntrash = \"\""
	r := newRig(t, lines)
	wire := sftptest.StartWire(t, r.sshd.Addr)
	r.outboxTo(sftptest.Through(wire, r.acme()), lines)
	want := map[string]string{}
	for n := range 20 {
		content := fmt.Sprint(n, noise(100_000))
		r.drop(fmt.Sprintf("old/%d/file.bin", n), content)
		want[fmt.Sprintf("copy/new/%d/file.bin", n)] = content
	}
	r.deliver(20)
	before, _, _ := wire.Stats()
	if err := os.Rename(filepath.Join(r.outbox, "old"), filepath.Join(r.outbox, "new")); err != nil {
		t.Fatal(err)
	}
	plan := r.plan(0)
	if len(plan.Operations) < 20 {
		t.Errorf("%d operations", len(plan.Operations))
	}
	for _, o := range plan.Operations {
		if o.Op == "upload" {
			t.Errorf("planned: %+v", o)
		}
	}
	r.deliver(20)
	wantTree(t, r.sshd.Dir, want)
	after, _, _ := wire.Stats()
	if sent := after - before; sent > 500_000 {
		t.Errorf("%d bytes were sent for 20 renames", sent)
	}
	for range 3 { // the empty directories go after two scans
		r.deliver(0)
	}
	if _, err := os.Stat(r.inbox("copy/old")); !os.IsNotExist(err) {
		t.Errorf("the old directory is still there: %v", err)
	}
}

// TestMovedByCopy moves a file as programs do that copy and remove: it is recognised by its content.
func TestMovedByCopy(t *testing.T) {
	t.Parallel()
	const lines = mirror + "\ndelete = true"
	r := newRig(t, lines)
	wire := sftptest.StartWire(t, r.sshd.Addr)
	r.outboxTo(sftptest.Through(wire, r.acme()), lines)
	content := noise(8 << 20)
	r.drop("old.bin", content)
	r.deliver(1)
	r.drop("sub/new.bin", content)
	if err := os.Remove(filepath.Join(r.outbox, "old.bin")); err != nil {
		t.Fatal(err)
	}
	before, _, _ := wire.Stats()
	r.deliver(1)
	wantTree(t, r.sshd.Dir, map[string]string{"copy/sub/new.bin": content})
	if after, _, _ := wire.Stats(); after-before > 1<<20 {
		t.Errorf("%d bytes were sent", after-before)
	}
}
