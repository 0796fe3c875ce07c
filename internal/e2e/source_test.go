package e2e

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/internal/sftptest"
)

// published is tree without the private names of uploads.
func published(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := tree(t, dir)
	maps.DeleteFunc(files, func(name, _ string) bool { return file.IsPrivate(filepath.Base(name)) })
	return files
}

// TestSourceChangesWhileItIsSent publishes whole versions only.
func TestSourceChangesWhileItIsSent(t *testing.T) {
	t.Parallel()
	first, second := noise(6<<20), noise(7 << 20)[1<<20:]
	for _, c := range []struct {
		name   string
		change func(r *rig, name string)
		want   string // in the end; "" is gone
	}{
		{"rewritten in place", func(r *rig, name string) { r.write(name, second) }, second},
		{"a byte in its middle", func(r *rig, name string) {
			f, err := os.OpenFile(name, os.O_WRONLY, 0)
			if err == nil {
				_, err = f.WriteAt([]byte("x"), 5<<20)
			}
			if err != nil || f.Close() != nil {
				r.t.Fatal(err)
			}
		}, first[:5<<20] + "x" + first[5<<20+1:]},
		{"appended to", func(r *rig, name string) {
			f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
			if err == nil {
				_, err = f.WriteString("more")
			}
			if err != nil || f.Close() != nil {
				r.t.Fatal(err)
			}
		}, first + "more"},
		{"truncated", func(r *rig, name string) {
			if err := os.Truncate(name, 1000); err != nil {
				r.t.Fatal(err)
			}
		}, first[:1000]},
		{"renamed over", func(r *rig, name string) {
			r.write(r.at("next"), second)
			if err := os.Rename(r.at("next"), name); err != nil {
				r.t.Fatal(err)
			}
		}, second},
		{"removed", func(r *rig, name string) {
			if err := os.Remove(name); err != nil {
				r.t.Fatal(err)
			}
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, wire := slowRig(t, 6<<20, patient, "after = \"archive\"\narchive = \"archive\"\nto = [\"acme\"]")
			seen := sftptest.Observe(t, r.sshd.Dir)
			a := r.watching()
			name := filepath.Join(r.outbox, "f.bin")
			r.drop("f.bin", first)
			r.underWay(r.sshd.Dir, 1<<20)
			c.change(r, name)
			wire.SetRate(0)
			want := map[string]string{}
			if c.want != "" {
				want["f.bin"] = c.want
			}
			eventually(t, "the last version is published", 20*time.Second, func() bool { return maps.Equal(published(t, r.sshd.Dir), want) })
			awaitTree(t, r.mkdir("archive"), 5*time.Second, want)
			for _, s := range seen.Seen() {
				if s.SHA256 != sum(first) && s.SHA256 != sum(c.want) {
					t.Errorf("published: %d bytes that never were a version", s.Size)
				}
			}
			if code := a.stop(); code != 0 {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

// TestSourceChangesWhileOnceSendsIt does not call a file delivered that nobody has sent.
func TestSourceChangesWhileOnceSendsIt(t *testing.T) {
	t.Parallel()
	r, wire := slowRig(t, 4<<20, patient, `to = ["acme"]`)
	r.drop("f.bin", noise(6<<20))
	a := r.launch("-c", r.config, "once", "--json")
	r.underWay(r.sshd.Dir, 1<<20)
	r.drop("f.bin", "changed")
	wire.SetRate(0)
	select {
	case <-a.done:
	case <-time.After(20 * time.Second):
		t.Fatal("once does not end")
	}
	if code := a.command.ProcessState.ExitCode(); code != 3 {
		t.Errorf("exit code %d, want 3", code)
	}
	wantTree(t, r.sshd.Dir, map[string]string{})
	r.deliver(1)
	wantTree(t, r.sshd.Dir, map[string]string{"f.bin": "changed"})
}

// TestNoTempStaysOfAChangedSource sweeps the temp of an upload that was given up, while the session goes on.
func TestNoTempStaysOfAChangedSource(t *testing.T) {
	t.Parallel()
	r, wire := slowRig(t, 6<<20, patient, `to = ["acme"]`)
	r.watching()
	r.drop("f.bin", noise(6<<20))
	r.underWay(r.sshd.Dir, 1<<20)
	r.drop("f.bin", "changed")
	wire.SetRate(0)
	awaitTree(t, r.sshd.Dir, 10*time.Second, map[string]string{"f.bin": "changed"})
}
