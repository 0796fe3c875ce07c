package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// slowRig has a wire before its server that lets so many bytes through in a second.
func slowRig(t *testing.T, rate int, timeouts, folder string) (*rig, *sftptest.Wire) {
	t.Helper()
	r := newRig(t, folder)
	wire := sftptest.StartWire(t, r.sshd.Addr)
	wire.SetRate(rate)
	r.outboxTo(sftptest.Through(wire, r.sshd.TOML("acme")+timeouts), folder)
	return r, wire
}

// underWay waits until so many bytes of a file have reached its temp at the server.
func (r *rig) underWay(dir string, bytes int64) {
	r.t.Helper()
	eventually(r.t, "the upload is under way", 20*time.Second, func() bool {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return false
		}
		return slices.ContainsFunc(entries, func(e os.DirEntry) bool {
			info, err := e.Info()
			return err == nil && strings.HasSuffix(e.Name(), ".part") && !strings.Contains(e.Name(), "probe") && info.Size() >= bytes
		})
	})
}

// TestStopInMidUpload stops within the grace and leaves only a temp that a later run knows of.
func TestStopInMidUpload(t *testing.T) {
	t.Parallel()
	for _, s := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			r, wire := slowRig(t, 1<<20, patient, `to = ["acme"]`)
			r.grace = "1s"
			r.outboxTo(sftptest.Through(wire, r.acme()), `to = ["acme"]`)
			content := noise(12 << 20)
			r.drop("large.bin", content)
			seen := sftptest.Observe(t, r.sshd.Dir)
			a := r.start()
			r.underWay(r.sshd.Dir, 1<<19)
			started := time.Now()
			if code := a.signal(s); code != 0 {
				t.Errorf("exit code %d", code)
			}
			if took := time.Since(started); took > 10*time.Second {
				t.Errorf("stopping took %v with a grace of 1s", took)
			}
			if len(seen.Seen()) > 0 {
				t.Errorf("seen: %+v", seen.Seen())
			}
			wire.SetRate(0)
			r.deliver(1)
			wantTree(t, r.sshd.Dir, map[string]string{"large.bin": content})
			if n := len(seen.Seen()); n != 1 {
				t.Errorf("%d publications", n)
			}
		})
	}
}

// TestStopLetsUploadsFinish uses the grace for what is under way, and begins nothing new.
func TestStopLetsUploadsFinish(t *testing.T) {
	t.Parallel()
	r, wire := slowRig(t, 2<<20, patient, `to = ["acme"]`)
	r.grace = "30s"
	r.outboxTo(sftptest.Through(wire, r.acme()), `to = ["acme"]`)
	content := noise(4 << 20)
	r.drop("large.bin", content)
	a := r.start()
	r.underWay(r.sshd.Dir, 1<<19)
	r.drop("late.txt", "late")
	if code := a.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	wantTree(t, r.sshd.Dir, map[string]string{"large.bin": content})
	r.deliver(1)
}

// TestInterruptedOnce ends with 130, and the next run goes on.
func TestInterruptedOnce(t *testing.T) {
	t.Parallel()
	r, wire := slowRig(t, 1<<20, patient, `to = ["acme"]`)
	r.grace = "500ms"
	r.outboxTo(sftptest.Through(wire, r.acme()), `to = ["acme"]`)
	content := noise(12 << 20)
	r.drop("large.bin", content)
	a := r.launch("-c", r.config, "once")
	r.underWay(r.sshd.Dir, 1<<19)
	if code := a.signal(os.Interrupt); code != 130 {
		t.Errorf("exit code %d, want 130", code)
	}
	contains(t, a.text(), "interrupted")
	wire.SetRate(0)
	r.deliver(1)
	wantTree(t, r.sshd.Dir, map[string]string{"large.bin": content})
}

// TestStopWhileNothingHappens is at once, connected or waiting for a dead server.
func TestStopWhileNothingHappens(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		begin func(r *rig) *agent
	}{
		{"idle", func(r *rig) *agent { return r.watching() }},
		{"connected", func(r *rig) *agent {
			r.drop("a.txt", "a")
			a := r.watching()
			a.wait("delivered")
			return a
		}},
		{"server away", func(r *rig) *agent {
			r.sshd.Stop()
			r.drop("a.txt", "a")
			a := r.watching()
			a.wait("cannot be used for now")
			return a
		}},
		{"server silent", func(r *rig) *agent {
			wire := sftptest.StartWire(r.t, r.sshd.Addr)
			wire.Blackhole(true)
			r.outboxTo(sftptest.Through(wire, r.acme()), `to = ["acme"]`)
			r.drop("a.txt", "a")
			a := r.watching()
			eventually(r.t, "it connects", 10*time.Second, func() bool { _, _, n := wire.Stats(); return n > 0 })
			return a
		}},
		{"folder away", func(r *rig) *agent {
			if err := os.Remove(r.outbox); err != nil {
				r.t.Fatal(err)
			}
			a := r.start()
			a.wait("does not exist")
			return a
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, `to = ["acme"]`)
			a := c.begin(r)
			started := time.Now()
			if code := a.stop(); code != 0 {
				t.Errorf("exit code %d", code)
			}
			if took := time.Since(started); took > 10*time.Second {
				t.Errorf("stopping took %v", took)
			}
			if _, err := os.Lstat(filepath.Join(r.state, "control.sock")); err == nil {
				t.Error("the socket is left")
			}
		})
	}
}
