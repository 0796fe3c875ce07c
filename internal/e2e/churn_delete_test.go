package e2e

import (
	"cmp"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/internal/sftptest"
)

// How long and how often the test below is played, besides its fixed seeds: see `make churn`.
var (
	churnDeletes = flag.Int("churn-deletes", 1, "random histories of a mirror that deletes")
	churnMinutes = flag.Int("churn-minutes", 0, "one random history, of so many minutes, in place of the short ones")
	churnSeed    = flag.Uint64("churn-seed", 0, "of that one; 0 draws one. Without -churn-minutes it is played in place of the others")
)

// churnDeleteSeeds are random histories that are always played; one that has once failed is added here.
var churnDeleteSeeds = []uint64{1795983801102103555, 1796011667882679206, 1796078512090712844}

// churnSlowSeeds are such histories of a mirror whose files settle for longer than it waits until it removes.
var churnSlowSeeds = []uint64{31}

const settlesSlowly = "stable_for = \"1500ms\"\n"

// TestChurnWithDeletes changes a mirror at random while the agent runs, and is killed now and then: files are created,
// appended to, rewritten, renamed, swapped, removed and come again, directories too; links come and go, and where that is
// allowed, file systems are mounted over directories. Whenever it is quiet, the other side is as this one, with its
// directories, and the plan is empty; what was ever visible there was some whole version.
func TestChurnWithDeletes(t *testing.T) {
	if *churnMinutes > 0 {
		seed, server := cmp.Or(*churnSeed, freshSeed()), hashing
		if *churnServerNamed != "" {
			server = drawServer(t, nil)
		}
		t.Logf("seed %d", seed)
		playDeletes(t, seed, time.Now().Add(time.Duration(*churnMinutes)*time.Minute), "", server)
		return
	}
	t.Parallel()
	seeds := churnDeleteSeeds
	if !testing.Short() {
		seeds = slices.Clone(seeds)
		for range *churnDeletes {
			seeds = append(seeds, freshSeed())
		}
	}
	if *churnSeed != 0 {
		seeds = []uint64{*churnSeed}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			playDeletes(t, seed, noEnd, "", hashing)
		})
	}
	if *churnSeed != 0 {
		return
	}
	for _, seed := range churnSlowSeeds {
		t.Run(fmt.Sprintf("slow, seed %d", seed), func(t *testing.T) {
			t.Parallel()
			playDeletes(t, seed, noEnd, settlesSlowly, hashing)
		})
	}
}

// churnRound is how many steps pass until the history pauses, and all has to be the same.
const churnRound = 150

// noEnd has one round played.
var noEnd time.Time

// freshSeed draws a seed that no run has had.
func freshSeed() uint64 { return uint64(time.Now().UnixNano()) + rand.Uint64N(1<<20) }

// playDeletes plays rounds until a time has come, one at least, with a mirror that has these lines besides the usual ones.
func playDeletes(t *testing.T, seed uint64, until time.Time, lines string, server churnServer) {
	random := rand.New(rand.NewPCG(seed, 1))
	trash := []string{`trash = ""`, `trash_keep = "2s"`, ""}[random.IntN(3)]
	r, inbox := server.churnRig(t, "mode = \"mirror\"\ndelete = true\ndelete_delay = \"300ms\"\nmax_delete = 10000\n"+lines+trash+"\nto = [\"acme:in\"]")
	seen := sftptest.Observe(t, inbox)
	c := &deletes{churn: churn{t: t, root: r.outbox, random: random, versions: map[string]map[string]bool{}, server: server}}
	c.write("anchor", "an emptied folder would halt", os.O_TRUNC)
	running := r.start()
	for again := true; again; again = time.Now().Before(until) {
		for range churnRound {
			c.step()
			if random.IntN(50) == 0 {
				running.kill()
				running = r.start()
			}
		}
		for len(c.mounts) > 0 {
			c.unmountOne()
		}
		c.awaitQuiet(r, inbox)
	}
	if code := running.stop(); code != 0 {
		t.Errorf("the agent ended with %d", code)
	}
	for _, s := range seen.Seen() {
		if s.SHA256 != "" && !strings.HasPrefix(s.Name, ".trash/") && !c.versions[server.key(s.Name)][s.SHA256] {
			t.Errorf("%s was seen with %d bytes that no version had", s.Name, s.Size)
		}
	}
}

// awaitQuiet waits until the server has what is here, and nothing is left to do.
func (c *deletes) awaitQuiet(r *rig, inbox string) {
	c.t.Helper()
	stays := func(name string) bool { return name == ".dropferry" || isLink(name) }
	local := c.server.keys(slices.DeleteFunc(names(c.t, r.outbox), stays))
	var there []string
	var differing []string
	deadline := time.Now().Add(2 * time.Minute)
	for {
		// The server may have made a temp for an agent that was killed when the next one had looked for it already.
		there = c.server.keys(slices.DeleteFunc(names(c.t, inbox), func(name string) bool {
			return strings.HasPrefix(name, ".trash/") || file.IsPrivate(filepath.Base(name))
		}))
		differing = missing(c.server.contents(tree(c.t, r.outbox)), c.server.contents(tree(c.t, inbox)))
		differing = slices.DeleteFunc(differing, stays)
		if slices.Equal(local, there) && len(differing) == 0 {
			break
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("not the same after two minutes:\nhere  %q\nthere %q\nwith other content %q\nplan: %s\nstatus: %s\n%s", without(local, there), without(there, local),
				differing, r.run("plan").text(), r.run("status").text(), c.story(r, slices.Concat(without(local, there), without(there, local), differing)))
		}
		c.acceptUnmounted(r)
		time.Sleep(200 * time.Millisecond)
	}
	for !r.planIsEmpty() {
		if time.Now().After(deadline) {
			c.t.Fatalf("something is left to do after two minutes:\nplan: %s\nstatus: %s", r.run("plan").text(), r.run("status").text())
		}
		c.acceptUnmounted(r)
		time.Sleep(300 * time.Millisecond) // each look costs two processes
	}
}

// story returns what there is to say of names that are not as they should be: what the agent says now, and what all agents have logged.
func (c *deletes) story(r *rig, names []string) string {
	var all []string
	for _, name := range names {
		name = strings.TrimSuffix(name, "/")
		all = append(all, name+": "+r.run("explain", c.at(name)).text())
		for _, a := range r.agents {
			for line := range strings.Lines(a.text()) {
				if strings.Contains(line, name) {
					all = append(all, line)
				}
			}
		}
	}
	return strings.Join(all, "")
}

// without returns what is in a and not in b.
func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(name string) bool { return slices.Contains(b, name) })
}

// deletes is a random history in which names go and come again.
type deletes struct {
	churn
	lost   []string // names that were removed
	links  []string
	mounts []string // directories that a file system is mounted over
}

func (c *deletes) step() {
	c.count++
	c.list()
	switch n := c.random.IntN(22); {
	case n < 4 || len(c.files) < 3:
		c.create()
	case n < 5:
		c.add()
	case n < 6:
		c.rewrite()
	case n < 7:
		c.replace()
	case n < 8:
		c.rename()
	case n < 9:
		c.swap()
	case n < 11:
		c.remove()
	case n < 12:
		c.comeAgain()
	case n < 13:
		c.moveDirectory()
	case n < 14:
		c.removeDirectory()
	case n < 15:
		c.makeDirectory()
	case n < 17:
		c.otherCase()
	case n < 18:
		c.link()
	case n < 19:
		c.unlink()
	case n < 20:
		c.mountOver()
	case n < 21:
		c.unmountOne()
	default:
		c.touch()
	}
	time.Sleep(time.Duration(c.random.IntN(60)) * time.Millisecond) // see churn.step
}

// list makes files what there is, but for what stays.
func (c *deletes) list() {
	c.files = nil
	for name := range tree(c.t, c.root) {
		if name != "anchor" && !strings.HasPrefix(filepath.Base(name), ".") && !isLink(name) {
			c.files = append(c.files, name)
		}
	}
	slices.Sort(c.files)
}

// directories returns those below the root.
func (c *deletes) directories() []string {
	var all []string
	for _, name := range names(c.t, c.root) {
		if dir, ok := strings.CutSuffix(name, "/"); ok {
			all = append(all, dir)
		}
	}
	return all
}

func (c *deletes) do(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *deletes) at(name string) string { return filepath.Join(c.root, name) }

// noteAll remembers what all names below a directory hold now.
func (c *deletes) noteAll(dir string) {
	c.do(filepath.WalkDir(c.at(dir), func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && d.Name() != ".dropferry" && !isLink(name) {
			rel, err := filepath.Rel(c.root, name)
			c.do(err)
			c.note(rel)
		}
		return err
	}))
}

func (c *deletes) swap() {
	a, b := c.pick(), c.pick()
	if a == b || c.mountOf(a) != c.mountOf(b) {
		return
	}
	c.do(os.Rename(c.at(a), c.at(a)+".tmp"))
	c.do(os.Rename(c.at(b), c.at(a)))
	c.note(a)
	c.do(os.Rename(c.at(a)+".tmp", c.at(b)))
	c.note(b)
}

func (c *deletes) remove() {
	name := c.pick()
	c.do(os.Remove(c.at(name)))
	c.lost = append(c.lost, name)
}

// comeAgain makes a file under a name that was removed.
func (c *deletes) comeAgain() {
	if len(c.lost) == 0 {
		return
	}
	name := c.lost[c.random.IntN(len(c.lost))]
	if slices.ContainsFunc(c.files, func(other string) bool { return other != name && c.server.key(other) == c.server.key(name) }) {
		return // it would be held
	}
	for dir := name; dir != "."; dir = filepath.Dir(dir) { // a file may stand where a directory was, or the other way round
		if info, err := os.Lstat(c.at(dir)); err == nil && (dir == name) == info.IsDir() {
			return
		}
	}
	c.write(name, c.content(), os.O_TRUNC)
}

func (c *deletes) moveDirectory() {
	all := c.movable()
	if len(all) == 0 {
		return
	}
	from := all[c.random.IntN(len(all))]
	to := cmp.Or(strings.TrimPrefix(filepath.Join(filepath.Dir(from), fmt.Sprintf("moved %d", c.count)), "./"), "moved")
	c.do(os.Rename(c.at(from), c.at(to)))
	c.noteAll(to)
}

func (c *deletes) removeDirectory() {
	all := c.movable()
	if len(all) == 0 {
		return
	}
	dir := all[c.random.IntN(len(all))]
	for _, name := range c.files {
		if strings.HasPrefix(name, dir+"/") {
			c.lost = append(c.lost, name)
		}
	}
	c.do(os.RemoveAll(c.at(dir)))
}

func (c *deletes) makeDirectory() {
	c.do(os.MkdirAll(c.at(filepath.Join(fmt.Sprintf("dir%d", c.random.IntN(3)), fmt.Sprintf("empty %d", c.count))), 0o700))
}

func (c *deletes) touch() {
	name := c.at(c.pick())
	if c.random.IntN(2) == 0 {
		c.do(os.Chmod(name, []fs.FileMode{0o600, 0o644, 0o640}[c.random.IntN(3)]))
		return
	}
	now := time.Now().Add(-time.Duration(c.random.IntN(3600)) * time.Second)
	c.do(os.Chtimes(name, now, now))
}

// otherCase changes the case of a name, of a file or a directory.
func (c *deletes) otherCase() {
	from := c.pick()
	if all := c.movable(); len(all) > 0 && c.random.IntN(3) == 0 {
		from = all[c.random.IntN(len(all))]
	}
	dir, base := filepath.Split(from)
	other := strings.ToUpper(base)
	if other == base {
		other = strings.ToLower(base)
	}
	if _, err := os.Lstat(c.at(dir + other)); err == nil || other == base {
		return // there is one already, or it has no letters
	}
	c.do(os.Rename(c.at(from), c.at(dir+other)))
	c.noteAll(dir + other)
}

// isLink tells whether a name is one of the links of the history, which nobody follows.
func isLink(name string) bool { return strings.HasPrefix(filepath.Base(name), "link ") }

// link makes a link to something inside or outside, to nothing, or to where it lies.
func (c *deletes) link() {
	name := filepath.Join(filepath.Dir(c.pick()), fmt.Sprintf("link %d", c.count))
	targets := []string{filepath.Base(c.pick()), ".", "..", "nowhere", os.TempDir(), filepath.Join(c.root, c.pick())}
	if os.Symlink(targets[c.random.IntN(len(targets))], c.at(name)) == nil {
		c.links = append(c.links, name)
	}
}

func (c *deletes) unlink() {
	if len(c.links) == 0 {
		return
	}
	i := c.random.IntN(len(c.links))
	_ = os.Remove(c.at(c.links[i])) // its directory may have gone, or have another name
	c.links = slices.Delete(c.links, i, i+1)
}

// mountOf returns the directory that is mounted over and holds a name, "" where there is none.
func (c *deletes) mountOf(name string) string {
	for _, at := range c.mounts {
		if name == at || strings.HasPrefix(name, at+"/") {
			return at
		}
	}
	return ""
}

// movable returns the directories that hold no mount and are none.
func (c *deletes) movable() []string {
	return slices.DeleteFunc(c.directories(), func(dir string) bool {
		return slices.ContainsFunc(c.mounts, func(at string) bool { return at == dir || strings.HasPrefix(at, dir+"/") })
	})
}

// mountOver mounts an empty file system over a directory, as far as this is allowed.
func (c *deletes) mountOver() {
	all := slices.DeleteFunc(c.movable(), func(dir string) bool { return c.mountOf(dir) != "" })
	if len(all) == 0 || len(c.mounts) > 1 {
		return
	}
	at := all[c.random.IntN(len(all))]
	if mountTemporary(c.t, c.at(at)) {
		c.mounts = append(c.mounts, at)
		c.t.Cleanup(func() { unmountTemporary(c.at(at)) })
		for range 1 + c.random.IntN(3) {
			c.count++
			c.write(filepath.Join(at, fmt.Sprintf("mounted %d", c.count)), c.content(), os.O_TRUNC)
		}
	}
}

func (c *deletes) unmountOne() {
	if len(c.mounts) == 0 {
		return
	}
	i := c.random.IntN(len(c.mounts))
	unmountTemporary(c.at(c.mounts[i]))
	c.mounts = slices.Delete(c.mounts, i, i+1)
}

// acceptUnmounted says that what is not mounted any more is gone, where the agent waits for it.
func (c *deletes) acceptUnmounted(r *rig) {
	if len(r.status().Folders[0].Unmounted) > 0 {
		r.run("resume", "folder:outbox", "--accept-unmounted") // refused where it has noticed that nothing is known of it
	}
}
