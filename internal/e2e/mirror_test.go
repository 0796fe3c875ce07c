package e2e

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

const mirror = "mode = \"mirror\"\nto = [\"acme:copy\"]"

// noise returns n bytes that do not compress.
func noise(n int) string {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b) // never fails
	return string(b)
}

// TestMirror follows new and changed files, and removes nothing.
func TestMirror(t *testing.T) {
	t.Parallel()
	r := newRig(t, mirror)
	r.write(r.inbox("copy/theirs/x.txt"), "there only")
	r.write(r.inbox("beside.txt"), "not in the mirror")
	want := map[string]string{"copy/theirs/x.txt": "there only", "beside.txt": "not in the mirror"}
	for _, name := range []string{"a.txt", "sub/b.txt", "sub/deeper/c.txt"} {
		r.drop(name, name)
		want["copy/"+name] = name
	}
	r.deliver(3)
	wantTree(t, r.sshd.Dir, want)
	r.drop("sub/b.txt", "changed")
	want["copy/sub/b.txt"] = "changed"
	r.deliver(1)
	wantTree(t, r.sshd.Dir, want)
	if err := os.RemoveAll(filepath.Join(r.outbox, "sub")); err != nil {
		t.Fatal(err)
	}
	wantPlan(t, r.plan(0))
	r.deliver(0)
	wantTree(t, r.sshd.Dir, want)
}

// TestMirrorAdoptsWhatIsThere takes over a copy that another program has made, without sending it again.
func TestMirrorAdoptsWhatIsThere(t *testing.T) {
	t.Parallel()
	r := newRig(t, mirror)
	wire := sftptest.StartWire(t, r.sshd.Addr)
	r.outboxTo(sftptest.Through(wire, r.acme()), mirror)
	large := noise(8 << 20)
	for _, dir := range []string{r.outbox, r.inbox("copy")} {
		r.write(filepath.Join(dir, "large.bin"), large)
		r.write(filepath.Join(dir, "sub/small.txt"), "small")
	}
	age(t, r.inbox("copy/large.bin"), time.Hour) // as a copy without its time
	all, summary := r.once(0)
	if got := types(all); !slices.Equal(got, []string{"adopted", "adopted"}) || summary.Delivered != 0 {
		t.Errorf("events: %q, %+v", got, summary)
	}
	if sent, _, _ := wire.Stats(); sent > 1<<20 {
		t.Errorf("%d bytes were sent", sent)
	}
	if n := len(r.history()); n != 0 {
		t.Errorf("%d receipts for what was never delivered", n)
	}
	if e := r.explain(filepath.Join(r.outbox, "large.bin")); e.State != "adopted" {
		t.Errorf("explain: %+v", e)
	}
	if all, _ := r.once(0); len(all) != 0 {
		t.Errorf("adopted again: %+v", all)
	}
	// What was adopted is followed from then on.
	r.drop("sub/small.txt", "larger by now")
	r.deliver(1)
	wantTree(t, r.inbox("copy"), map[string]string{"large.bin": large, "sub/small.txt": "larger by now"})
}

// TestMirrorAdoptsWithoutHashes takes over what another program has copied to a server that cannot hash: by size and time, and where the
// time is another, by what it holds. Of what differs both sides are shown.
func TestMirrorAdoptsWithoutHashes(t *testing.T) {
	t.Parallel()
	r := bareRig(t)
	r.sshd = sftptest.StartSSHD(t, sftptest.SSHDOptions{NoExec: true})
	r.outboxTo(r.acme(), mirror)
	then := time.Now().Add(-time.Hour)
	for _, name := range []string{"same.txt", "later.txt", "other.txt"} {
		for _, dir := range []string{r.outbox, r.inbox("copy")} {
			r.write(filepath.Join(dir, name), "equal bytes")
			if err := os.Chtimes(filepath.Join(dir, name), then, then); err != nil {
				t.Fatal(err)
			}
		}
	}
	r.write(r.inbox("copy/other.txt"), "other bytes")
	age(t, r.inbox("copy/later.txt"), time.Minute)
	time.Sleep(3 * time.Second) // what changed a moment ago may change again unseen, and is compared once more
	all, _ := r.once(3)
	got := map[string]string{}
	for _, e := range all {
		got[e.Path] = e.Type
	}
	if len(got) != 3 || got["same.txt"] != "adopted" || got["later.txt"] != "adopted" || got["other.txt"] != "held" {
		t.Errorf("events: %v", got)
	}
	r.wantSides("other.txt", "equal bytes", "other bytes")
	wantPlan(t, r.plan(0), "hold other.txt held")
}

// TestMirrorKeepsItsHandsOffWhatChangedThere holds a file that somebody has changed since it was adopted.
func TestMirrorKeepsItsHandsOffWhatChangedThere(t *testing.T) {
	t.Parallel()
	r := newRig(t, mirror)
	for _, dir := range []string{r.outbox, r.inbox("copy")} {
		r.write(filepath.Join(dir, "a.txt"), "the same")
	}
	r.once(0)
	r.write(r.inbox("copy/a.txt"), "changed there by somebody")
	r.drop("a.txt", "changed here")
	if all, _ := r.once(3); len(all) != 1 || all[0].Type != "held" {
		t.Errorf("events: %+v", all)
	}
	wantTree(t, r.inbox("copy"), map[string]string{"a.txt": "changed there by somebody"})
}

// TestFileMode sets permissions before a file can be seen under its name.
func TestFileMode(t *testing.T) {
	t.Parallel()
	r := newRig(t, mirror+"\nfile_mode = \"0604\"")
	r.drop("a.txt", "a")
	r.deliver(1)
	info, err := os.Stat(r.inbox("copy/a.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o604 {
		t.Errorf("mode %o", got)
	}
}
