package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// fill leaves so many bytes free on the disk of a directory.
func fill(t *testing.T, dir string, leave int64) (ballast string) {
	t.Helper()
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		t.Fatal(err)
	}
	ballast = filepath.Join(dir, "ballast")
	f, err := os.Create(ballast)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // its size was set before
	if err := unix.Fallocate(int(f.Fd()), 0, 0, int64(fs.Bavail)*fs.Bsize-leave); err != nil {
		t.Fatal(err)
	}
	return ballast
}

// TestNoRoomForTheState sends nothing that could not be recorded, says so, and goes on by itself.
func TestNoRoomForTheState(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		free int64
	}{{"none at all", 0}, {"little", 4 << 20}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, `to = ["acme:in"]`)
			smallDisk(t, r.mkdir("state"), "40m")
			r.drop("a.txt", "a")
			r.deliver(1)
			ballast := fill(t, r.state, c.free)
			const told = "deliveries wait until there is room"
			r.drop("b.txt", "b")
			contains(t, r.expect(1, "once").stderr, "no room in state_dir "+r.state, told)
			wantTree(t, r.sshd.Dir, map[string]string{"in/a.txt": "a"})

			// The agent starts where it can, and waits.
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
			a := r.watching()
			awaitTree(t, r.sshd.Dir, 10*time.Second, map[string]string{"in/a.txt": "a", "in/b.txt": "b"})
			eventually(t, "the receipt", 5*time.Second, func() bool { return len(r.history()) == 2 })
			fill(t, r.state, c.free)
			r.drop("c.txt", "c")
			if c.free > 0 { // else it cannot even be planned
				a.wait("nothing is sent: there is no room to record it")
			}
			a.wait(told)
			eventually(t, "the status tells", 5*time.Second, func() bool {
				d := r.status().Destinations[0]
				return d.State == "waiting" && strings.Contains(d.Reason, told)
			})
			wantTree(t, r.sshd.Dir, map[string]string{"in/a.txt": "a", "in/b.txt": "b"})
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
			awaitTree(t, r.sshd.Dir, 40*time.Second, map[string]string{"in/a.txt": "a", "in/b.txt": "b", "in/c.txt": "c"})
			eventually(t, "the receipt", 5*time.Second, func() bool { return len(r.history()) == 3 })
			if code := a.stop(); code != 0 {
				t.Errorf("exit code %d", code)
			}
			r.deliver(0)
		})
	}
}
