package e2e

import (
	"fmt"
	"io/fs"
	"maps"
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

// churnLinkSeeds are random histories of links that are always played; one that has once failed is added here.
var churnLinkSeeds = []uint64{1795989478553263174, 1796008070511367382, 1796009920311778002, 1796011667885369240, 1796023171684834555}

// TestChurnWithLinks changes a mirror that follows links at random while the agent runs, and is killed now and then: files come, change
// and go in directories that links lead to, one of which is excluded, and links come, go, and are made to lead elsewhere. When it is quiet, the
// other side has what there is by all its names, with its directories, and the plan is empty; what was ever visible there was some whole
// version.
func TestChurnWithLinks(t *testing.T) {
	t.Parallel()
	seeds := churnLinkSeeds
	if !testing.Short() {
		seeds = append(slices.Clone(seeds), uint64(time.Now().UnixNano()))
	}
	if *churnSeed != 0 {
		seeds = []uint64{*churnSeed}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			playLinks(t, rand.New(rand.NewPCG(seed, 2)))
		})
	}
}

func playLinks(t *testing.T, random *rand.Rand) {
	r := newRig(t, "symlinks = \"follow-inside\"\nexclude = [\"hidden\"]\nmode = \"mirror\"\ndelete = true\ndelete_delay = \"300ms\"\n"+
		"max_delete = 10000\nto = [\"acme:in\"]")
	inbox := r.inbox("in")
	if err := os.Mkdir(inbox, 0o700); err != nil {
		t.Fatal(err)
	}
	seen := sftptest.Observe(t, inbox)
	c := &linking{t: t, root: r.outbox, random: random, whole: map[string]bool{}}
	r.drop("anchor", c.content())
	for _, dir := range c.pools() {
		r.mkdir(filepath.Join("outbox", dir))
	}
	running := r.start()
	for range churnRound {
		c.step(r)
		if random.IntN(50) == 0 {
			running.kill()
			running = r.start()
		}
	}
	var here, there map[string]string
	same := func() bool {
		here, there = c.tree(), map[string]string{}
		for _, name := range names(t, inbox) {
			if strings.HasSuffix(name, "/") && !strings.HasPrefix(name, ".trash/") {
				there[name] = ""
			}
		}
		for name, content := range tree(t, inbox) {
			if !strings.HasPrefix(name, ".trash/") && !file.IsPrivate(filepath.Base(name)) {
				there[name] = content
			}
		}
		return maps.Equal(here, there)
	}
	for deadline := time.Now().Add(2 * time.Minute); !same() || !r.planIsEmpty(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not the same after two minutes:\nhere  %q\nthere %q\nplan: %s\nstatus: %s", slices.Sorted(maps.Keys(here)),
				slices.Sorted(maps.Keys(there)), r.run("plan").text(), r.run("status").text())
		}
	}
	if code := running.stop(); code != 0 {
		t.Errorf("the agent ended with %d", code)
	}
	for _, s := range seen.Seen() {
		if s.SHA256 != "" && !strings.HasPrefix(s.Name, ".trash/") && !c.whole[s.SHA256] {
			t.Errorf("%s was seen with %d bytes that no version had", s.Name, s.Size)
		}
	}
}

// linking is a random history of links and of what they lead to.
type linking struct {
	t      *testing.T
	root   string
	random *rand.Rand
	count  int
	whole  map[string]bool // hashes of all versions of all files
}

// pools are the directories that links lead to.
func (c *linking) pools() []string {
	return []string{"pool/1", "pool/2", "pool/2/deep", "hidden/1", "hidden/1/deep"}
}

func (c *linking) pick(of []string) string { return of[c.random.IntN(len(of))] }

func (c *linking) content() string {
	c.count++
	text := strings.Repeat(fmt.Sprintf("version %d\n", c.count), 1+c.random.IntN(2000))
	c.whole[sum(text)] = true
	return text
}

func (c *linking) do(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *linking) step(r *rig) {
	name := filepath.Join(c.pick(c.pools()), fmt.Sprintf("f%d", c.random.IntN(4)))
	link := filepath.Join(c.root, fmt.Sprintf("link%d", c.random.IntN(3)))
	switch c.random.IntN(8) {
	case 0, 1, 2, 3: // written in place, which the agent has to notice
		r.drop(name, c.content())
	case 4, 5:
		if err := os.Remove(filepath.Join(c.root, name)); !os.IsNotExist(err) {
			c.do(err)
		}
	case 6:
		if err := os.Remove(link); !os.IsNotExist(err) {
			c.do(err)
		}
	default:
		to := c.pick(append(c.pools(), "nowhere", ".", "pool/1/f0", "pool/2/deep/f1", "hidden/1/f2"))
		c.do(os.Symlink(to, link+".tmp"))
		c.do(os.Rename(link+".tmp", link))
	}
	time.Sleep(time.Duration(c.random.IntN(60)) * time.Millisecond) // see churn.step
}

// tree is what the mirror should hold: files with their content, and directories, whose names end in "/".
func (c *linking) tree() map[string]string {
	all := map[string]string{}
	add := func(from, as string) {
		c.do(filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
			rel, relErr := filepath.Rel(from, name)
			c.do(relErr)
			at := filepath.ToSlash(filepath.Join(as, rel))
			switch {
			case err != nil:
				return err
			case at == "hidden":
				return filepath.SkipDir
			case d.IsDir() && at != ".":
				all[at+"/"] = ""
			case d.Type().IsRegular() && d.Name() != ".dropferry":
				content, err := os.ReadFile(name)
				c.do(err)
				all[at] = string(content)
			}
			return nil
		}))
	}
	add(c.root, ".")
	for i := range 3 {
		link := fmt.Sprintf("link%d", i)
		real, err := filepath.EvalSymlinks(filepath.Join(c.root, link))
		if err == nil && real != c.root { // which it lies in
			add(real, link)
		}
	}
	return all
}
