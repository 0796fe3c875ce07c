package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// configureAgent writes a configuration with these lines of [agent].
func (r *rig) configureAgent(lines, rest string) {
	r.t.Helper()
	r.configure(rest)
	r.edit(`name = "rig"`, "name = \"rig\"\n"+lines)
}

// sparse puts a large file of zeroes into the outbox.
func (r *rig) sparse(name string, size int64) {
	r.t.Helper()
	r.drop(name+".tmp", "")
	if err := os.Truncate(filepath.Join(r.outbox, name+".tmp"), size); err != nil {
		r.t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(r.outbox, name+".tmp"), filepath.Join(r.outbox, name)); err != nil {
		r.t.Fatal(err)
	}
}

// partsOf returns how many bytes of uploads under way servers have.
func partsOf(t *testing.T, dirs ...string) (total int64) {
	t.Helper()
	for _, dir := range dirs {
		names, err := filepath.Glob(filepath.Join(dir, ".*large*.part"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if info, err := os.Stat(name); err == nil {
				total += info.Size()
			}
		}
	}
	return total
}

// small drops a small file and returns how long it takes until it is in all of dirs.
func (r *rig) small(name string, dirs ...string) time.Duration {
	r.t.Helper()
	content, dropped := noise(4<<10), time.Now()
	r.drop(name, content)
	eventually(r.t, name+" is everywhere", time.Minute, func() bool {
		for _, dir := range dirs {
			if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != content {
				return false
			}
		}
		return true
	})
	return time.Since(dropped)
}

// TestBandwidth has more large files for two servers than are sent at once. What comes in keeps to the limits of all and of
// one, and small files that are dropped meanwhile are there soon.
func TestBandwidth(t *testing.T) {
	t.Parallel()
	const total, acme, seconds = 2 << 20, 512 << 10, 6
	r := bareRig(t)
	r.sshd = sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	second := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	r.grace = "100ms"
	r.configureAgent(`bandwidth = "2MiB"`, r.acme()+"bandwidth = \"512KiB\"\n"+second.TOML("second")+patient+
		r.folder("outbox", r.outbox, `to = ["acme", "second"]`))
	for i := range 10 {
		r.sparse(fmt.Sprintf("large-%d.bin", i), 1<<30)
	}
	a := r.watching()
	eventually(t, "uploads are under way to both", 30*time.Second, func() bool {
		return partsOf(t, r.sshd.Dir) > acme && partsOf(t, second.Dir) > 1<<20
	})
	// The bytes that come in are those that the agent lets pass but for what waits between: a machine that stands still for
	// a second spoils one measurement, and not three.
	var slowest time.Duration
	var fault string
	for try := 0; try == 0 || fault != "" && try < 3; try++ {
		fault = ""
		wasAcme, wasSecond, began := partsOf(t, r.sshd.Dir), partsOf(t, second.Dir), time.Now()
		for i := 0; time.Since(began) < seconds*time.Second; i++ {
			slowest = max(slowest, r.small(fmt.Sprintf("small-%d-%d.txt", try, i), r.sshd.Dir, second.Dir))
			time.Sleep(500 * time.Millisecond) // small files come now and then: the bytes that are counted are those of the large ones
		}
		toAcme, toSecond, took := partsOf(t, r.sshd.Dir)-wasAcme, partsOf(t, second.Dir)-wasSecond, time.Since(began).Seconds()
		t.Logf("in %.1f s %.0f KiB/s to the one with a limit of 512, and %.0f KiB/s to both with a limit of 2048; small files were there after %v at most, 200ms of that for settling",
			took, float64(toAcme)/took/1024, float64(toAcme+toSecond)/took/1024, slowest.Round(time.Millisecond))
		if got := float64(toAcme) / took; got > 1.1*acme || got < 0.7*acme {
			fault = fmt.Sprintf("%.0f bytes a second to acme, want %d", got, acme)
		}
		if got := float64(toAcme+toSecond) / took; got > 1.1*total || got < 0.7*total {
			fault = fmt.Sprintf("%.0f bytes a second to both, want %d", got, total)
		}
	}
	if fault != "" {
		t.Error(fault)
	}
	if slowest > 20*time.Second {
		t.Errorf("a small file has taken %v", slowest)
	}
	// No transfer was given up while it waited for its turn.
	lacks(t, a.text(), "stall_timeout", "level=WARN", "level=ERROR")
}

// TestBandwidthReload changes the limit in the middle of an upload, which goes on over the same connection.
func TestBandwidthReload(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	wire := sftptest.StartWire(t, r.sshd.Addr)
	acme := sftptest.Through(wire, r.acme())
	folder := r.folder("outbox", r.outbox, `to = ["acme"]`)
	content := noise(16 << 20)
	r.configure(acme + "bandwidth = \"512KiB\"\n" + folder)
	r.drop("large.bin", content)
	r.watching()
	r.underWay(r.sshd.Dir, 1<<18)
	connected := connections(wire)
	before := r.status()
	contains(t, r.expect(0, "status").stdout, "512.0 KiB a second at most")
	contains(t, r.expect(0, "status", "--json").stdout, `"bandwidth": 524288`)

	r.configureAgent(`bandwidth = "1MiB"`, acme+folder)
	r.reload("destination acme: changed bandwidth", "agent.bandwidth: changed")
	var got float64
	for try := 0; try < 3 && (got < 600<<10 || got > 1300<<10); try++ {
		was, began := partsOf(t, r.sshd.Dir), time.Now()
		time.Sleep(2 * time.Second) // for so long the rate is measured, once more where the machine stood still
		got = float64(partsOf(t, r.sshd.Dir)-was) / time.Since(began).Seconds()
	}
	if got < 600<<10 || got > 1300<<10 {
		t.Errorf("%.0f bytes a second, want 1 MiB", got)
	}
	r.configure(acme + folder)
	r.reload("agent.bandwidth: changed")
	r.arrives("large.bin", content)
	lacks(t, r.expect(0, "status").stdout, "a second at most")
	if n := connections(wire); n != connected {
		t.Errorf("%d connections, %d before the reload", n, connected)
	}
	if sent, _, _ := wire.Stats(); sent > 17<<20 {
		t.Errorf("%d bytes were sent", sent)
	}
	if after := r.status(); !after.Folders[0].LastScan.Equal(*before.Folders[0].LastScan) {
		t.Error("the folder was scanned again")
	}
}

// TestBandwidthBelowAPacket sends files that take longer than the connection may be silent, at a rate of less than a packet in a
// second.
func TestBandwidthBelowAPacket(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	content := noise(48 << 10)
	r.configure(replaced(t, r.sshd.TOML("acme")+hasty, "stall_timeout = \"2s\"", "stall_timeout = \"1s\"") + "bandwidth = \"16KiB\"\n" +
		r.folder("outbox", r.outbox, "verify = \"content\"\nto = [\"acme\"]"))
	r.drop("a.bin", content)
	r.drop("b.bin", "b")
	began := time.Now()
	r.deliver(2)
	if took := time.Since(began); took < 2*time.Second {
		t.Errorf("48 KiB at 16 KiB/s took %v", took)
	}
	wantTree(t, r.sshd.Dir, map[string]string{"a.bin": content, "b.bin": "b"})
	for _, d := range r.history() {
		if d.Attempts != 1 {
			t.Errorf("%s: %d attempts", d.Path, d.Attempts)
		}
	}
}

// TestBandwidthOfAPut holds for uploads by hand too.
func TestBandwidthOfAPut(t *testing.T) {
	t.Parallel()
	r := putRig(t)
	r.configureAgent(`bandwidth = "4MiB"`, r.acme()+"bandwidth = \"1MiB\"\n")
	content := noise(3 << 20)
	for name, put := range map[string]func(){
		"file.bin": func() { r.expect(0, "put", r.source("file.bin", content), "acme:") },
		"stream.bin": func() {
			r.stdin = strings.NewReader(content)
			r.expect(0, "put", "-", "acme:stream.bin")
			r.stdin = nil
		},
	} {
		began := time.Now()
		put()
		if took := time.Since(began); took < 2500*time.Millisecond { // but for what passes at once after a rest
			t.Errorf("%s: 3 MiB at 1 MiB/s took %v", name, took)
		}
		if got := tree(t, r.sshd.Dir)[name]; got != content {
			t.Errorf("%s has %d bytes of %d", name, len(got), len(content))
		}
	}
}
