package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// crashPoints are the places of the delivery protocol where a test build can kill itself, in their order.
var crashPoints = []string{
	"before-plan", "planned", "started", "uploading", "before-checkpoint", "checkpoint", "uploading:3", "checkpoint:2",
	"uploaded", "verified", "committed", "published", "delivered", "taken", "put-away", "closed",
}

// crashCase is a world of its own at a shared server.
type crashCase struct {
	*rig
	inbox    string // where files are published
	consumed string // where the partner takes them; "" with a partner who takes nothing
	content  string
	seen     *sftptest.Observer
	partner  *partner
}

func newCrashCase(t *testing.T, sshd *sftptest.SSHD, takes bool, lines string) *crashCase {
	t.Helper()
	r := &rig{t: t, sshd: sshd, dir: t.TempDir()}
	r.outbox, r.archive, r.state = r.mkdir("outbox"), filepath.Join(r.dir, "archive"), filepath.Join(r.dir, "state")
	r.config = filepath.Join(r.dir, "agent.toml")
	c := &crashCase{rig: r, inbox: r.mkdir("server"), content: strings.Repeat("0123456789abcdef", 4<<16)} // 4 MiB
	destination := strings.Replace(sshd.TOML("acme"), sshd.Dir, c.inbox, 1)
	r.configure(destination + r.folder("outbox", r.outbox, lines))
	r.drop("payment.xml", c.content)
	if takes {
		c.consumed = r.mkdir("consumed")
		c.partner = startPartner(t, c.inbox, c.consumed)
	} else {
		c.seen = sftptest.Observe(t, c.inbox)
	}
	return c
}

// crash runs `once` and expects it to be killed at the point; false where it came to its end without passing it.
func (c *crashCase) crash(point string) bool {
	c.t.Helper()
	c.env = []string{"DROPFERRY_CRASH=" + point}
	defer func() { c.env = nil }()
	got := c.run("once")
	if got.code == 0 {
		return false
	}
	if got.code != -1 { // killed by a signal
		c.t.Fatalf("crash at %s: exit code %d\n%s", point, got.code, got.stderr)
	}
	return true
}

// wantOnce checks the promise: one whole publication, one receipt, one archived copy, nothing left over.
func (c *crashCase) wantOnce(archived bool) {
	c.t.Helper()
	c.expect(0, "once")
	sum := sha256.Sum256([]byte(c.content))
	want := hex.EncodeToString(sum[:])
	if c.partner != nil {
		c.partner.stop()
		taken := tree(c.t, c.consumed)
		if len(taken) != 1 {
			c.t.Errorf("the partner took %d files, want 1", len(taken))
		}
		for name, content := range taken {
			if content != c.content {
				c.t.Errorf("the partner took %s with %d other bytes", name, len(content))
			}
		}
		wantTree(c.t, c.inbox, map[string]string{})
	} else {
		sightings := c.seen.Seen()
		if len(sightings) != 1 || sightings[0].SHA256 != want {
			c.t.Errorf("publications: %+v, want one of %s", sightings, want)
		}
		wantTree(c.t, c.inbox, map[string]string{"payment.xml": c.content})
	}
	if archived {
		wantTree(c.t, c.archive, map[string]string{"payment.xml": c.content})
		wantTree(c.t, c.outbox, map[string]string{})
	}
	c.wantReceipts(want)
	var again struct{ Delivered int }
	if err := json.Unmarshal([]byte(c.expect(0, "once", "--json").stdout), &again); err != nil {
		c.t.Fatal(err)
	}
	if again.Delivered != 0 {
		c.t.Errorf("a further run delivered %d files", again.Delivered)
	}
}

func (c *crashCase) wantReceipts(sha256 string) {
	c.t.Helper()
	var h struct {
		Deliveries []struct{ SHA256, Evidence string }
	}
	if err := json.Unmarshal([]byte(c.expect(0, "history", "--json").stdout), &h); err != nil {
		c.t.Fatal(err)
	}
	if len(h.Deliveries) != 1 || h.Deliveries[0].SHA256 != sha256 {
		c.t.Errorf("receipts: %+v, want one of %s", h.Deliveries, sha256)
	}
}

// TestCrashAtEveryStep kills the agent at each step of a delivery, and at each step again during the recovery.
func TestCrashAtEveryStep(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	for i, first := range crashPoints {
		for _, takes := range drawnOf(i) {
			name := fmt.Sprintf("partner takes %v/%s", takes, first)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				c := newCrashCase(t, sshd, takes, crashFolder(t))
				if !c.crash(first) {
					t.Fatalf("a delivery does not come to %s", first)
				}
				c.wantOnce(true)
			})
		}
	}
}

// TestCrashDuringRecovery kills the agent at a step, and the recovery at every step that it comes to: where the file may be
// visible meanwhile with a partner and without, else with one for every other pair.
func TestCrashDuringRecovery(t *testing.T) {
	if testing.Short() {
		t.Skip("every pair of crashes takes a minute")
	}
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	for i, first := range []string{"checkpoint", "committed", "published", "delivered", "taken"} {
		for j, second := range crashPoints {
			for k, takes := range []bool{false, true} {
				if !isPairDrawn(first, i+j, k) {
					continue
				}
				t.Run(fmt.Sprintf("%s then %s, partner takes %v", first, second, takes), func(t *testing.T) {
					t.Parallel()
					c := newCrashCase(t, sshd, takes, crashFolder(t))
					if !c.crash(first) {
						t.Fatalf("a delivery does not come to %s", first)
					}
					c.crash(second) // where the recovery does not pass it, the file is delivered by now
					c.wantOnce(true)
				})
			}
		}
	}
}

// TestCrashWithKeep kills the agent where nothing is archived: the source alone says nothing about what was sent.
func TestCrashWithKeep(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	for _, point := range []string{"uploading", "verified", "committed", "published", "delivered"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			c := newCrashCase(t, sshd, true, `to = ["acme"]`)
			if !c.crash(point) {
				t.Fatalf("a delivery does not come to %s", point)
			}
			c.wantOnce(false)
		})
	}
}

// crashFolder archives beside the outbox: the test's own directory holds both.
func crashFolder(*testing.T) string {
	return "after = \"archive\"\narchive = \"archive\"\ncheckpoint = { size = \"1MiB\" }\nto = [\"acme\"]"
}

// partner takes every published file the moment it appears.
type partner struct {
	inbox, consumed string
	end             chan struct{}
	running         sync.WaitGroup
	once            sync.Once
	faults          []error
}

func startPartner(t *testing.T, inbox, consumed string) *partner {
	t.Helper()
	p := &partner{inbox: inbox, consumed: consumed, end: make(chan struct{})}
	p.running.Go(func() {
		for n := 0; ; n++ {
			p.take(n)
			select {
			case <-p.end:
				p.take(n + 1)
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	})
	t.Cleanup(func() {
		p.stop()
		if err := errors.Join(p.faults...); err != nil {
			t.Error(err)
		}
	})
	return p
}

func (p *partner) stop() {
	p.once.Do(func() { close(p.end) })
	p.running.Wait()
}

func (p *partner) take(n int) {
	entries, err := os.ReadDir(p.inbox)
	if err != nil {
		p.faults = append(p.faults, err)
		return
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		to := filepath.Join(p.consumed, fmt.Sprintf("%d-%s", n, e.Name()))
		if err := os.Rename(filepath.Join(p.inbox, e.Name()), to); err != nil && !errors.Is(err, fs.ErrNotExist) {
			p.faults = append(p.faults, err)
		}
	}
}
