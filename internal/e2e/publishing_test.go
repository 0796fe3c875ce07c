package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// publishingServer is a server with its own way of giving files their names.
type publishingServer struct {
	name   string
	faults []sftptest.Fault
	lines  string // of the destination
	steps  string // requests that a crash can come before or after
	direct bool   // part of a file is seen under its final name
	most   int    // steps, and more than it takes
}

func publishingServers() []publishingServer {
	const renames = sftptest.OpRename + "," + sftptest.OpPosixRename + "," + sftptest.OpRemove
	faults := func(all ...sftptest.Fault) []sftptest.Fault { return all }
	return []publishingServer{
		{name: "posix-rename", steps: renames, most: 12},
		{name: "no posix-rename", faults: faults(sftptest.NoPosixRename()), steps: renames, most: 12},
		{name: "rename replaces", faults: faults(sftptest.NoPosixRename(), sftptest.OverwritingRename()), steps: renames, most: 12},
		{name: "temp_dir", lines: "temp_dir = \".up/temps\"\n", steps: renames, most: 12},
		{
			name: "direct", faults: faults(sftptest.RefuseRename()), lines: "publish = \"direct\"\n", direct: true, most: 12,
			steps: sftptest.OpOpen + "," + sftptest.OpFsync + "," + sftptest.OpClose + "," + sftptest.OpSetstat,
		},
		{name: "stat after close refused", faults: faults(sftptest.RefuseStatAfterClose()), steps: renames, most: 5},
		{
			name: "stat after close refused, no posix-rename", faults: faults(sftptest.RefuseStatAfterClose(), sftptest.NoPosixRename()),
			steps: renames, most: 9,
		},
		{name: "setstat refused", faults: faults(sftptest.RefuseSetstat()), steps: renames, most: 5},
		{name: "setstat discards", faults: faults(sftptest.DiscardOnSetstat()), steps: renames, most: 5},
		{
			name: "no resume", faults: faults(sftptest.RefuseResume()), most: 30,
			steps: sftptest.OpOpen + "," + sftptest.OpFsync + "," + renames,
		},
		{name: "one open file", faults: faults(sftptest.OneOpenFile()), steps: renames, most: 5},
	}
}

// publishing is an agent that mirrors to such a server, and what was seen there.
type publishing struct {
	*rig
	server *sftptest.TestServer
	seen   *sftptest.Observer
	want   map[string]string // at the server
	whole  map[string]bool   // hashes of all versions so far
}

func newPublishing(t *testing.T, p publishingServer) *publishing {
	t.Helper()
	r := &publishing{rig: bareRig(t), want: map[string]string{}, whole: map[string]bool{}}
	r.server = sftptest.StartServer(t, sftptest.ServerOptions{}, p.faults...)
	r.outboxTo(r.server.TOML("acme")+hasty+p.lines, mirror+"\ncheckpoint = { size = \"1MiB\" }")
	r.seen = sftptest.Observe(t, r.server.Dir)
	return r
}

// version drops the next version of a file.
func (r *publishing) version(name, content string) {
	r.t.Helper()
	r.drop(name, content)
	r.want["copy/"+name] = content
	sum := sha256.Sum256([]byte(content))
	r.whole[hex.EncodeToString(sum[:])] = true
}

// wantWhole checks that the server has the last versions, and that nobody ever saw part of one there.
func (r *publishing) wantWhole(p publishingServer) {
	r.t.Helper()
	got := tree(r.t, r.server.Dir)
	if p.lines != "" && !p.direct {
		wantTree(r.t, r.server.Dir, r.want)
	}
	for name, content := range r.want {
		if got[name] != content {
			r.t.Errorf("%s: %d bytes at the server, want %d", name, len(got[name]), len(content))
		}
		delete(got, name)
	}
	for name := range got {
		r.t.Errorf("left at the server: %s", name)
	}
	for _, s := range r.seen.Seen() {
		if s.SHA256 != "" && !r.whole[s.SHA256] && !p.direct {
			r.t.Errorf("part of a file was seen: %+v", s)
		}
	}
}

// TestPublishing sends two versions of files to every kind of server: they arrive whole, the second over the first,
// and nothing else is left.
func TestPublishing(t *testing.T) {
	t.Parallel()
	for _, p := range publishingServers() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			r := newPublishing(t, p)
			for version := range 2 {
				for _, name := range []string{"a.txt", "sub/deeper/b.bin", "sub/small"} {
					content := strings.Repeat(fmt.Sprintf("%s %d;", name, version), 100_000)
					if name == "sub/small" {
						content = content[:version*10]
					}
					r.version(name, content)
				}
				r.deliver(3)
				r.wantWhole(p)
			}
			if n := len(r.history()); n != 6 {
				t.Errorf("%d receipts for 6 versions", n)
			}
		})
	}
}

// TestCrashWhilePublishing replaces a version, and kills the agent before and after each request by which that is done, and
// half of the time the recovery too: the next run ends with the new version whole, once in the ledger, and nothing beside it.
func TestCrashWhilePublishing(t *testing.T) {
	t.Parallel()
	for i, p := range publishingServers() {
		for _, late := range drawnOf(i) {
			t.Run(fmt.Sprintf("%s/late %v", p.name, late), func(t *testing.T) {
				t.Parallel()
				r, random := newPublishing(t, p), seeded(t)
				r.version("a.bin", strings.Repeat("first version;", 200_000))
				r.deliver(1)
				receipts := 1
				kills := 0
				for step := range p.most {
					if !isDrawn(step) {
						continue
					}
					r.version("a.bin", strings.Repeat(fmt.Sprintf("version %02d;", step), 250_000))
					if r.killAt(p, step, late) {
						kills++
						if random.IntN(2) == 0 { // and the recovery
							r.killAt(p, random.IntN(4), random.IntN(2) == 0)
						}
						r.expect(0, "once")
					}
					receipts++
					r.wantWhole(p)
					if t.Failed() {
						t.Fatalf("at step %d", step)
					}
				}
				if steps := receipts - 1; kills == 0 && !late && isDrawn(0) || kills == steps && isDrawn(p.most-1) {
					t.Errorf("%d kills in %d steps", kills, steps)
				}
				if got := r.history(); len(got) != receipts {
					t.Errorf("%d receipts for %d versions: %+v", len(got), receipts, got)
				}
				wantPlan(t, r.plan(0))
			})
		}
	}
}

// TestCrashWhilePublishingToAPartner does so where a partner takes each file the moment it appears: each version is taken
// once, and whole. Where files are written at their final names nothing of this is promised.
func TestCrashWhilePublishingToAPartner(t *testing.T) {
	t.Parallel()
	const most = 6
	for i, p := range publishingServers() {
		if p.direct {
			continue
		}
		for _, late := range drawnOf(i + 1) {
			t.Run(fmt.Sprintf("%s/late %v", p.name, late), func(t *testing.T) {
				t.Parallel()
				r, random := newPublishing(t, p), seeded(t)
				consumed := r.mkdir("consumed")
				if err := os.MkdirAll(r.server.Dir+"/copy", 0o755); err != nil {
					t.Fatal(err)
				}
				r.version("first", "so that the server is known")
				r.deliver(1)
				taker := startPartner(t, r.server.Dir+"/copy", consumed)
				kills := 0
				for step := range most {
					r.version("a.bin", strings.Repeat(fmt.Sprintf("version %02d;", step), 250_000))
					if r.killAt(p, step, late) {
						kills++
						if random.IntN(2) == 0 { // and the recovery
							r.killAt(p, random.IntN(3), random.IntN(2) == 0)
						}
						r.expect(0, "once")
					}
				}
				taker.stop()
				count := map[string]int{}
				for _, content := range tree(t, consumed) {
					count[sum(content)]++
				}
				for s := range r.whole {
					if count[s] != 1 {
						t.Errorf("a version was taken %d times", count[s])
					}
					delete(count, s)
				}
				if len(count) > 0 {
					t.Errorf("%d files were taken that are no version", len(count))
				}
				if kills == 0 && !late { // a step that fails is over before its late fault
					t.Error("nothing was killed")
				}
				wantTree(t, r.server.Dir, map[string]string{})
			})
		}
	}
}

// TestKilledWhileProbing kills the agent as it finds out what a server can do: the next run leaves nothing of that there.
func TestKilledWhileProbing(t *testing.T) {
	t.Parallel()
	p := publishingServers()[0]
	p.steps = strings.Join([]string{sftptest.OpClose, sftptest.OpRename, sftptest.OpPosixRename, sftptest.OpSetstat, sftptest.OpRemove}, ",")
	for _, step := range []int{0, 2, 4, 6, 8} {
		t.Run(fmt.Sprint(step), func(t *testing.T) {
			t.Parallel()
			r := newPublishing(t, p)
			r.version("a.txt", "content")
			if !r.killAt(p, step, false) {
				t.Fatal("it was not killed")
			}
			r.expect(0, "once")
			r.wantWhole(p)
		})
	}
}

// seeded returns random numbers that are the same each time for a test.
func seeded(t *testing.T) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(t.Name())) // never fails
	return rand.New(rand.NewPCG(h.Sum64(), 0))
}

// killAt runs `once` and kills it at one of the server's steps, the n-th from 0, before it is carried out or after. It
// returns false where there were fewer.
func (r *publishing) killAt(p publishingServer, n int, late bool) bool {
	r.t.Helper()
	defer r.server.Faults.Set(p.faults...)
	var running atomic.Pointer[agent]
	started := make(chan struct{})
	hit := make(chan struct{})
	r.server.Faults.Add(sftptest.Fault{Op: p.steps, After: n, Times: 1, Late: late, Cut: true, Do: func() {
		<-started
		running.Load().kill()
		close(hit)
	}})
	a := r.launch("-c", r.config, "once")
	running.Store(a)
	close(started)
	<-a.done
	if code := a.command.ProcessState.ExitCode(); code == 0 {
		return false
	}
	<-hit
	return true
}

// TestDirectKeepsStrangersFiles: what stands at a final name is not touched where files are written there at once, too.
func TestDirectKeepsStrangersFiles(t *testing.T) {
	t.Parallel()
	p := publishingServers()[4]
	r := newPublishing(t, p)
	r.write(r.server.Dir+"/copy/theirs.txt", "somebody else's")
	r.drop("theirs.txt", "ours")
	r.once(3)
	wantTree(t, r.server.Dir, map[string]string{"copy/theirs.txt": "somebody else's"})
}

// TestDirectRemovesWhatIsPart gives a file up in the middle: part of it does not stay under its final name.
func TestDirectRemovesWhatIsPart(t *testing.T) {
	t.Parallel()
	p := publishingServers()[4]
	r := newPublishing(t, p)
	r.server.Faults.Add(sftptest.DiskFullAfter(1 << 20))
	r.drop("a.bin", noise(3<<20))
	r.once(3)
	wantTree(t, r.server.Dir, map[string]string{})
	r.server.Faults.Clear()
	r.server.Faults.Add(p.faults...)
	r.deliver(1)
}

// TestDirectLeavesNoPart is killed in the middle, and its source removed: part of it does not stay under its final name,
// although nothing else is to be done there.
func TestDirectLeavesNoPart(t *testing.T) {
	t.Parallel()
	r := newPublishing(t, publishingServers()[4])
	r.drop("a.bin", noise(4<<20))
	r.crashes("uploading:2", "once")
	if len(tree(t, r.server.Dir)) != 1 {
		t.Fatalf("there is %q: nothing of the file to be removed", names(t, r.server.Dir))
	}
	r.lose("a.bin")
	r.once(0)
	wantTree(t, r.server.Dir, map[string]string{})
}

// TestRefusedRename says what to do where a server renames nothing.
func TestRefusedRename(t *testing.T) {
	t.Parallel()
	r := bareRig(t)
	s := sftptest.StartServer(t, sftptest.ServerOptions{}, sftptest.RefuseRename())
	r.outboxTo(s.TOML("acme")+hasty, mirror)
	r.drop("a.txt", "content")
	got := r.expect(3, "once")
	contains(t, got.text(), "rename", `publish = \"direct\"`)
	wantTree(t, s.Dir, map[string]string{})
}
