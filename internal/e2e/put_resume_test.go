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

// slack is what a put that goes on may send twice: what was in flight, and SSH's own.
const slack = 8 << 20

// TestPutGoesOnAfterACut goes on within one call, and sends little twice.
func TestPutGoesOnAfterACut(t *testing.T) {
	t.Parallel()
	const size, cut, checkpoint = 96 << 20, 70 << 20, 64 << 20
	r, wire := wiredPutRig(t)
	content := noise(size)
	name := r.source("large.bin", content)
	seen := sftptest.Observe(t, r.sshd.Dir)
	wire.CutAfter(cut)
	contains(t, r.expect(0, "put", name, "acme:in/").stderr, "attempt failed", "next_attempt")
	if sent, _, n := wire.Stats(); sent > size+cut-checkpoint+slack || n != 2 {
		t.Errorf("%d bytes were sent for %d, over %d connections", sent, size, n)
	}
	wantTree(t, r.sshd.Dir, map[string]string{"in/large.bin": content})
	if n := len(seen.Seen()); n != 1 {
		t.Errorf("seen: %+v", seen.Seen())
	}
}

// TestPutGoesOnInAnotherCall continues an upload that was killed, interrupted or given up when the same words are said
// again.
func TestPutGoesOnInAnotherCall(t *testing.T) {
	t.Parallel()
	const size = 80 << 20
	for name, stop := range map[string]func(r *rig, wire *sftptest.Wire, args []string){
		"killed": func(r *rig, _ *sftptest.Wire, args []string) { r.crashes("checkpoint", args...) },
		"interrupted": func(r *rig, wire *sftptest.Wire, args []string) {
			wire.SetRate(30 << 20)
			a := r.launch(append([]string{"-c", r.config}, args...)...)
			r.underWay(r.inbox("in"), 66<<20)
			wire.SetRate(1 << 20)
			time.Sleep(3 * time.Second) // a busy server's disk takes its time for the checkpoint
			started := time.Now()
			if code := a.signal(os.Interrupt); code != 130 {
				r.t.Errorf("exit code %d, want 130\n%s", code, a.text())
			}
			if took := time.Since(started); took > 20*time.Second {
				r.t.Errorf("it took %v to stop", took)
			}
			contains(r.t, a.text(), "interrupted")
			wire.SetRate(0)
		},
		"given up": func(r *rig, wire *sftptest.Wire, args []string) {
			wire.SetRate(30 << 20)
			cut := wire.CutAfter(78 << 20)
			refusing := make(chan struct{})
			go func() {
				defer close(refusing)
				<-cut
				wire.Refuse(true)
			}()
			contains(r.t, r.expect(14, append(args, "--timeout", "500ms")...).stderr, "acme")
			<-refusing
			wire.Refuse(false)
			wire.SetRate(0)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, wire := wiredPutRig(t)
			content := noise(size)
			args := []string{"put", r.source("large.bin", content), "acme:in/"}
			stop(r, wire, args)
			wantTemps(t, r.inbox("in"), 1)
			before, _, _ := wire.Stats()
			contains(t, r.expect(0, args...).stdout, "delivered large.bin")
			most := int64(size - (16 << 20)) // there may be an earlier checkpoint, where the machine is slow
			if name == "killed" {
				most = size - (64 << 20) + slack
			}
			if after, _, _ := wire.Stats(); after-before > most {
				t.Errorf("the second call sent %d bytes, with a checkpoint at 64 MiB of 80", after-before)
			}
			wantTree(t, r.inbox("in"), map[string]string{"large.bin": content})
		})
	}
}

// wantTemps makes sure that a directory holds so many temps and nothing else.
func wantTemps(t *testing.T, dir string, n int) {
	t.Helper()
	found := tree(t, dir)
	for name := range found {
		if !strings.HasSuffix(name, ".part") {
			t.Errorf("%s is there", name)
		}
	}
	if len(found) != n {
		t.Errorf("%d temps, want %d", len(found), n)
	}
}

// TestPutOfAChangedFile begins anew, and leaves nothing of what was sent before.
func TestPutOfAChangedFile(t *testing.T) {
	t.Parallel()
	for _, between := range []bool{false, true} {
		r := putRig(t)
		name := r.source("large.bin", noise(4<<20))
		r.crashes("uploaded", "put", name, "acme:in/")
		wantTemps(t, r.inbox("in"), 1)
		r.write(name, "another")
		if between { // what nobody can go on with is swept by any put to the destination
			r.expect(0, "put", r.source("small.txt", "small"), "acme:")
			wantTree(t, r.inbox("in"), map[string]string{})
		}
		r.expect(0, "put", name, "acme:in/")
		wantTree(t, r.inbox("in"), map[string]string{"large.bin": "another"})
	}
}

// TestPutOfAFileThatChanges publishes nothing of a file that changes while it is sent, and leaves nothing there.
func TestPutOfAFileThatChanges(t *testing.T) {
	t.Parallel()
	for what, change := range map[string]func(name string) error{
		"written": func(name string) error { return os.WriteFile(name, []byte("other"), 0o600) },
		"touched": func(name string) error { now := time.Now(); return os.Chtimes(name, now, now) },
		"replaced": func(name string) error {
			if err := os.WriteFile(name+".new", []byte("new"), 0o600); err != nil {
				return err
			}
			return os.Rename(name+".new", name)
		},
		"removed": os.Remove,
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			r, wire := wiredPutRig(t)
			wire.SetRate(4 << 20)
			name := r.source("large.bin", noise(6<<20))
			past := time.Now().Add(-time.Hour)
			if err := os.Chtimes(name, past, past); err != nil {
				t.Fatal(err)
			}
			a := r.launch("-c", r.config, "put", name, "acme:in/")
			r.underWay(r.inbox("in"), 1<<20)
			if err := change(name); err != nil {
				t.Fatal(err)
			}
			wire.SetRate(0)
			<-a.done
			if code := a.command.ProcessState.ExitCode(); code != 3 {
				t.Errorf("exit code %d, want 3", code)
			}
			contains(t, a.text(), name, "changed")
			wantTree(t, r.inbox("in"), map[string]string{})
		})
	}
}

// TestPutOfAFileThatIsWritten does not send what somebody still writes to.
func TestPutOfAFileThatIsWritten(t *testing.T) {
	t.Parallel()
	r := putRig(t)
	name := r.source("a.txt", "a")
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	contains(t, r.expect(3, "put", name, "acme:").stderr, "being written")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	r.expect(0, "put", name, "acme:")
}

// TestPutCrashAtEveryStep kills a put at each step of the protocol, and says the same words again: it arrives, once.
func TestPutCrashAtEveryStep(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	for i, point := range []string{"started", "uploading", "uploading:3", "uploaded", "verified", "committed", "published", "delivered"} {
		for _, takes := range drawnOf(i) {
			name := map[bool]string{false: point, true: point + " with a partner"}[takes]
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				r := bareRig(t)
				r.sshd = sshd
				inbox := r.mkdir("server")
				r.configure(replaced(t, r.acme(), sshd.Dir, inbox))
				content := noise(4 << 20)
				args := []string{"put", r.source("payment.xml", content), "acme:"}
				published, want := inbox, 1
				var p *partner
				if takes {
					published = r.mkdir("consumed")
					p = startPartner(t, inbox, published)
					if point == "delivered" { // the receipt is written: the second call is a wish of its own
						want = 2
					}
				}
				r.crashes(point, args...)
				r.expect(0, args...)
				if p != nil {
					p.stop()
					wantTree(t, inbox, map[string]string{})
				}
				found := tree(t, published)
				if len(found) != want {
					t.Errorf("published %d times, want %d", len(found), want)
				}
				for name, got := range found {
					if got != content || strings.HasPrefix(filepath.Base(name), ".") {
						t.Errorf("%s with %d bytes", name, len(got))
					}
				}
			})
		}
	}
}

// TestPutCrashDuringRecovery kills a put, and the next one that goes on with it: the third brings it to its end.
func TestPutCrashDuringRecovery(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	for i, first := range []string{"uploading:3", "committed", "published"} {
		for j, second := range []string{"started", "uploaded", "verified", "committed", "published", "delivered"} {
			if !isDrawn(i + j/2) {
				continue
			}
			takes := (i+j)%2 == 0
			t.Run(fmt.Sprintf("%s then %s, partner takes %v", first, second, takes), func(t *testing.T) {
				t.Parallel()
				r := bareRig(t)
				r.sshd = sshd
				inbox := r.mkdir("server")
				r.configure(replaced(t, r.acme(), sshd.Dir, inbox))
				content := noise(4 << 20)
				args := []string{"put", r.source("payment.xml", content), "acme:"}
				published := inbox
				var p *partner
				if takes {
					published = r.mkdir("consumed")
					p = startPartner(t, inbox, published)
				}
				r.crashes(first, args...)
				r.env = append(r.env, "DROPFERRY_CRASH="+second)
				killed := r.run(args...).code == -1
				r.env = r.env[:len(r.env)-1]
				if killed && second != "delivered" { // behind the receipt another put is a wish of its own
					r.expect(0, args...)
				}
				if p != nil {
					p.stop()
					wantTree(t, inbox, map[string]string{})
				}
				found := tree(t, published)
				if len(found) != 1 {
					t.Errorf("published %d times, want once", len(found))
				}
				for name, got := range found {
					if got != content || strings.HasPrefix(filepath.Base(name), ".") {
						t.Errorf("%s with %d bytes", name, len(got))
					}
				}
			})
		}
	}
}

// TestPutThatLosesTheAnswerOfItsRename finds out that it was published, over another connection, and publishes nothing twice.
func TestPutThatLosesTheAnswerOfItsRename(t *testing.T) {
	t.Parallel()
	for _, stream := range []bool{false, true} {
		for _, late := range []bool{false, true} {
			t.Run(fmt.Sprintf("stream %v, renamed %v", stream, late), func(t *testing.T) {
				t.Parallel()
				r := bareRig(t)
				s := sftptest.StartServer(t, sftptest.ServerOptions{})
				r.configure(s.TOML("acme") + patient)
				r.expect(0, "put", r.source("first.txt", "so that the server is known"), "acme:")
				seen := sftptest.Observe(t, s.Dir)
				s.Faults.Add(sftptest.Fault{Op: sftptest.OpRename, Late: late, Cut: true, Times: 1, Path: "a.txt"})
				if stream {
					r.stdin = strings.NewReader("content")
					contains(t, r.expect(0, "put", "-", "acme:a.txt").text(), "attempt failed", "delivered standard input")
				} else {
					contains(t, r.expect(0, "put", r.source("a.txt", "content"), "acme:").text(), "attempt failed", "delivered a.txt")
				}
				wantTree(t, s.Dir, map[string]string{"first.txt": "so that the server is known", "a.txt": "content"})
				n := 0
				for _, sighting := range seen.Seen() {
					if sighting.Name == "a.txt" {
						n++
					}
				}
				if n != 1 {
					t.Errorf("it appeared %d times", n)
				}
			})
		}
	}
}
