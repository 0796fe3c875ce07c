package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/internal/sftptest"
)

// churnSeeds are random histories that are always played; one that has once failed is added here. A fresh one is played
// besides.
var churnSeeds = []uint64{1}

// TestChurn changes a tree at random while the agent runs; the fresh histories go to a server that hashes nothing, or is odder still. When it is quiet, the other side has every file as it is here;
// what was ever visible there was some whole version; each version has at most one receipt; no temp is left.
func TestChurn(t *testing.T) {
	t.Parallel()
	play := func(mode string, seed uint64, server churnServer) {
		t.Run(fmt.Sprintf("%s/%s, seed %d", mode, server.name, seed), func(t *testing.T) {
			t.Parallel()
			playChurn(t, mode, seed, server)
		})
	}
	for _, mode := range []string{"outbox", "mirror"} {
		for _, seed := range churnSeeds {
			play(mode, seed, hashing)
		}
		if !testing.Short() {
			seed := freshSeed()
			play(mode, seed, drawServer(t, rand.New(rand.NewPCG(seed, 3))))
		}
	}
}

func playChurn(t *testing.T, mode string, seed uint64, server churnServer) {
	r, inbox := server.churnRig(t, fmt.Sprintf("mode = %q\nto = [\"acme:in\"]", mode))
	seen := sftptest.Observe(t, inbox)
	running := r.start()
	c := &churn{t: t, root: r.outbox, random: rand.New(rand.NewPCG(seed, 0)), versions: map[string]map[string]bool{}, server: server}
	for range 120 {
		c.step()
	}
	local := tree(t, r.outbox)
	eventually(t, "every file arrives as it is here", time.Minute, func() bool {
		return len(missing(local, tree(t, inbox))) == 0
	})
	eventually(t, "nothing is left to do", 20*time.Second, func() bool { return r.planIsEmpty() })
	if code := running.stop(); code != 0 {
		t.Errorf("the agent ended with %d", code)
	}
	for name := range tree(t, inbox) {
		if file.IsPrivate(filepath.Base(name)) {
			t.Errorf("a temp is left: %s", name)
		}
	}
	for _, s := range seen.Seen() {
		if s.SHA256 != "" && !c.versions[s.Name][s.SHA256] {
			t.Errorf("%s was seen with %d bytes that no version had", s.Name, s.Size)
		}
	}
	r.wantOneReceiptEach(local)
}

// missing returns the names whose content differs on the other side.
func missing(local, remote map[string]string) []string {
	var names []string
	for name, content := range local {
		if got, ok := remote[name]; !ok || got != content {
			names = append(names, name)
		}
	}
	return names
}

func (r *rig) planIsEmpty() bool {
	r.t.Helper()
	var plan struct{ Operations, Waiting []any }
	told := r.run("plan", "--json")
	if err := json.Unmarshal([]byte(told.stdout), &plan); err != nil {
		r.t.Fatalf("%v: %s", err, told.text())
	}
	return told.code == 0 && len(plan.Operations)+len(plan.Waiting) == 0
}

func (r *rig) wantOneReceiptEach(local map[string]string) {
	r.t.Helper()
	var h struct {
		Deliveries []struct {
			Path, SHA256 string
			Size         int64
		}
	}
	if err := json.Unmarshal([]byte(r.expect(0, "history", "--json").stdout), &h); err != nil {
		r.t.Fatal(err)
	}
	count := map[string]int{}
	for _, d := range h.Deliveries {
		count[d.Path+" "+d.SHA256]++
	}
	for version, n := range count {
		if n != 1 {
			r.t.Errorf("%d receipts for %s", n, version)
		}
	}
	for name, content := range local {
		if count[name+" "+sum(content)] == 0 {
			r.t.Errorf("no receipt for %s", name)
		}
	}
}

func sum(content string) string {
	s := sha256.Sum256([]byte(content))
	return hex.EncodeToString(s[:])
}

// churn is a random history of a tree. No content ever comes twice under one name, so that a receipt belongs to one
// version.
type churn struct {
	t        *testing.T
	root     string
	random   *rand.Rand
	files    []string
	count    int
	versions map[string]map[string]bool // every content that a name has had between two steps
	server   churnServer
}

func (c *churn) step() {
	c.count++
	switch n := c.random.IntN(10); {
	case n < 4 || len(c.files) == 0:
		c.create()
	case n < 6:
		c.add()
	case n < 8:
		c.rewrite()
	case n < 9:
		c.rename()
	default:
		c.replace()
	}
	time.Sleep(time.Duration(c.random.IntN(60)) * time.Millisecond) // the history has pauses: some shorter than the quiet time
}

// content is new at each step, of a size from one line to some packets. Where nothing is hashed the sizes are three, so that many files are
// told apart by nothing but what they hold.
func (c *churn) content() string {
	line, lines := fmt.Sprintf("step %d %x\n", c.count, c.random.Uint64()), 1+c.random.IntN(4)*c.random.IntN(8000)
	if c.server.name != hashing.name {
		line, lines = fmt.Sprintf("step %08d %016x\n", c.count, sha256.Sum256([]byte(line)))[:30]+"\n", 1+lines%3*6000
	}
	return strings.Repeat(line, lines)
}

func (c *churn) create() {
	name := fmt.Sprintf("file %d", c.count)
	for range c.random.IntN(4) {
		name = filepath.Join(fmt.Sprintf("dir%d", c.random.IntN(3)), name)
	}
	c.write(name, c.content(), os.O_TRUNC)
	c.files = append(c.files, name)
}

func (c *churn) pick() string { return c.files[c.random.IntN(len(c.files))] }

func (c *churn) add()     { c.write(c.pick(), c.content(), os.O_APPEND) }
func (c *churn) rewrite() { c.write(c.pick(), c.content(), os.O_TRUNC) }

func (c *churn) rename() {
	i := c.random.IntN(len(c.files))
	to := filepath.Join(filepath.Dir(c.files[i]), fmt.Sprintf("renamed %d", c.count))
	if err := os.Rename(filepath.Join(c.root, c.files[i]), filepath.Join(c.root, to)); err != nil {
		c.t.Fatal(err)
	}
	c.files[i] = to
	c.note(to)
}

// replace saves as editors do: a temporary file that is renamed over the old one.
func (c *churn) replace() {
	name := c.pick()
	c.write(name+".tmp", c.content(), os.O_TRUNC)
	if err := os.Rename(filepath.Join(c.root, name+".tmp"), filepath.Join(c.root, name)); err != nil {
		c.t.Fatal(err)
	}
	c.note(name)
}

func (c *churn) write(name, content string, flag int) {
	full := filepath.Join(c.root, name)
	if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
		c.t.Fatal(err)
	}
	f, err := os.OpenFile(full, os.O_CREATE|os.O_WRONLY|flag, 0o600)
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := f.WriteString(content); err != nil {
		c.t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		c.t.Fatal(err)
	}
	c.note(name)
}

// note remembers what a name holds now.
func (c *churn) note(name string) {
	content, err := os.ReadFile(filepath.Join(c.root, name))
	if err != nil {
		c.t.Fatal(err)
	}
	key := c.server.key(name)
	if c.versions[key] == nil {
		c.versions[key] = map[string]bool{}
	}
	c.versions[key][sum(string(content))] = true
}
