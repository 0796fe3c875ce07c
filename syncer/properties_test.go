package syncer

import (
	"cmp"
	"context"
	"fmt"
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
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// theirs is the content of somebody else's files: no file here has its length.
const theirs = "what somebody else has put there, and wants to keep"

// randomMirror is a mirror that deletes, with a server at which some files are before, and random changes.
type randomMirror struct {
	*rig
	server *sftptest.TestServer
	random *rand.Rand
	count  int
}

func newRandomMirror(t *testing.T, seed uint64) *randomMirror {
	t.Helper()
	r := newRig(t)
	w := &randomMirror{rig: r, server: r.to("acme", sftptest.ServerOptions{CheckFile: &sftptest.CheckFile{Draft: true}}), random: rand.New(rand.NewPCG(seed, 6))}
	r.mirrors([]string{"", "in/.trash"}[w.random.IntN(2)])
	r.drop("stays", "x")
	for range 4 + w.random.IntN(6) {
		w.create()
	}
	for name := range w.local() { // some are there already, the same or another
		there := filepath.Join(w.server.Dir, "in", name)
		switch w.random.IntN(5) {
		case 0:
			w.must(os.MkdirAll(filepath.Dir(there), 0o755))
			content, err := os.ReadFile(w.source(name))
			w.must(err)
			w.must(os.WriteFile(there, content, 0o644))
		case 1:
			w.must(os.MkdirAll(filepath.Dir(there), 0o755))
			w.must(os.WriteFile(there, []byte(theirs), 0o644))
		}
	}
	return w
}

func (w *randomMirror) name() string {
	w.count++
	return filepath.Join([]string{".", "a", "a/b", "c"}[w.random.IntN(4)], fmt.Sprintf("file %d", w.count))
}

func (w *randomMirror) create() {
	content := fmt.Sprintf("content %d", w.random.IntN(1000))
	if w.random.IntN(4) == 0 {
		content = strings.Repeat(content, leastCopy/4)
	}
	w.drop(w.name(), content)
}

// pick returns a file that is here, but for the one that stays.
func (w *randomMirror) pick() (string, bool) {
	all := slices.DeleteFunc(slices.Sorted(maps.Keys(w.local())), func(name string) bool { return name == "stays" })
	if len(all) == 0 {
		return "", false
	}
	return all[w.random.IntN(len(all))], true
}

// change does one thing that people do.
func (w *randomMirror) change() {
	name, ok := w.pick()
	if !ok {
		w.create()
		return
	}
	switch w.random.IntN(9) {
	case 0:
		w.create()
	case 1:
		w.drop(name, fmt.Sprintf("changed %d", w.random.IntN(1000)))
	case 2:
		w.must(os.Remove(w.source(name)))
	case 3:
		w.rename(name, w.name())
	case 4: // a copy
		content, err := os.ReadFile(w.source(name))
		w.must(err)
		w.drop(w.name(), string(content))
	case 5: // a whole directory
		dirs := w.directories()
		if len(dirs) > 0 {
			w.count++
			w.rename(dirs[w.random.IntN(len(dirs))], fmt.Sprintf("moved %d", w.count))
		}
	case 6:
		dirs := w.directories()
		if len(dirs) > 0 {
			w.must(os.RemoveAll(w.source(dirs[w.random.IntN(len(dirs))])))
		}
	case 7:
		w.must(os.MkdirAll(w.source(fmt.Sprintf("empty %d/deep", w.random.IntN(3))), 0o755))
	case 8:
		now := time.Now().Add(-time.Duration(w.random.IntN(1000)) * time.Second)
		w.must(os.Chtimes(w.source(name), now, now))
	}
}

func (w *randomMirror) directories() []string {
	var all []string
	for _, e := range w.entries() {
		if e.Kind == watcher.Dir {
			all = append(all, string(e.Path))
		}
	}
	return all
}

// plan is what would be done now, but for what waits for a person.
func (w *randomMirror) plan() []string {
	w.Helper()
	view, err := w.options.Destinations[0].Dial(w.Context())
	w.must(err)
	defer view.Close()
	_, err = learn(w.Context(), w.store, "acme", view, time.Now())
	w.must(err)
	_, all := w.preview(view, w.entries())
	var told []string
	for _, o := range all {
		if o.Op != Hold {
			told = append(told, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", o.Op, o.Path, o.Reason, o.From)))
		}
	}
	return told
}

// changes are the events that say that something was done.
func (w *randomMirror) changes() (n int) {
	for _, t := range []EventType{
		EventPlanned, EventDelivered, EventAdopted, EventUnchanged, EventTrashed, EventRemoved, EventKept, EventGone, EventMadeDir, EventRemovedDir, EventDropped, EventHeld,
	} {
		n += w.events.count(t)
	}
	return n
}

// settle runs until a run does nothing: what is missing has to be missed twice, and directories go after their files.
func (w *randomMirror) settle() {
	w.Helper()
	for range 12 {
		before := w.changes()
		if w.once(); w.changes() == before && len(w.plan()) == 0 { // what was missed once may wait for the second time
			return
		}
	}
	w.Fatal("it does not come to an end")
}

// TestAPlanThatIsAppliedLeavesNothing: after random changes, and some runs, there is nothing more to plan, be it an upload, a move, a
// directory, a removal or an adoption; what would be done is nothing; the other side is as this one, but for what is somebody
// else's.
func TestAPlanThatIsAppliedLeavesNothing(t *testing.T) {
	t.Parallel()
	seeds := 12
	if testing.Short() {
		seeds = 3
	}
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := newRandomMirror(t, seed)
			w.settle()
			for range 3 {
				for range 1 + w.random.IntN(8) {
					w.change()
				}
				w.settle()
				if left := w.plan(); len(left) != 0 {
					t.Fatalf("left to do: %q", left)
				}
				before := w.changes()
				w.once()
				if n := w.changes() - before; n != 0 {
					t.Fatalf("%d things were done when nothing had changed", n)
				}
				w.compare()
			}
		})
	}
}

// compare holds that the server has what is here, but for files that are held, and nothing of ours besides.
func (w *randomMirror) compare() {
	w.Helper()
	there := map[string]string{}
	in := filepath.Join(w.server.Dir, "in")
	w.must(filepath.WalkDir(in, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(name, "/.trash/") {
			return err
		}
		content, err := os.ReadFile(name)
		rel, _ := file.Rel(in, name)
		there[string(rel)] = string(content)
		return err
	}))
	for name, content := range w.local() {
		held := slices.ContainsFunc(w.record(name).Intents, func(i state.Intent) bool { return i.Phase == state.Held })
		if !held && there[name] != content {
			w.Errorf("%s: the server has %q", name, brief(map[string]string{name: there[name]}))
		}
		delete(there, name)
	}
	for name, content := range there {
		if content != theirs && len(w.receiptsOf(name)) > 0 {
			w.Errorf("%s is left there, and was ours", name)
		}
	}
}

func (w *randomMirror) receiptsOf(name string) []state.Delivery {
	return slices.DeleteFunc(w.receipts(), func(d state.Delivery) bool { return d.RemotePath != "in/"+name })
}

// TestOrderOfInputDoesNotMatter: files that are handed over in any order, in any portions, are planned as by one scan.
func TestOrderOfInputDoesNotMatter(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		w := newRandomMirror(t, seed)
		w.settle()
		for range 6 {
			w.change()
		}
		copied, err := w.store.Backup(t.Context(), time.Now())
		w.must(err)
		entries := slices.DeleteFunc(w.entries(), func(e watcher.Entry) bool { return e.Kind != watcher.File })
		var want []string
		for n := range 4 {
			dir := w.at(fmt.Sprintf("copy %d", n))
			w.must(os.Mkdir(dir, 0o700))
			w.must(copyFile(t.Context(), copied, filepath.Join(dir, "dropferry.db")))
			store, err := state.Open(t.Context(), dir)
			w.must(err)
			t.Cleanup(func() { w.must(store.Close()) })
			options := w.options
			options.Store = store
			p := New(options).Planner(w.folder.Name)
			if n == 0 {
				w.must(p.Scan(t.Context(), slices.Values(w.entries())))
				want = plannedIn(t, store)
				continue
			}
			shuffled := slices.Clone(entries)
			w.random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			for len(shuffled) > 0 {
				portion := 1 + w.random.IntN(len(shuffled))
				w.must(p.Ready(t.Context(), shuffled[:portion]))
				shuffled = shuffled[portion:]
			}
			if got := plannedIn(t, store); !slices.Equal(got, want) {
				t.Errorf("seed %d, order %d:\n%q, want\n%q", seed, n, got, want)
			}
		}
	}
}

// plannedIn returns what is planned in a store and not held, without ids.
func plannedIn(t *testing.T, store *state.Store) []string {
	t.Helper()
	all, err := store.Intents(context.Background(), "", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(all, func(a, b state.Intent) int { return cmp.Compare(a.Path, b.Path) })
	var told []string
	for _, i := range all {
		if i.Phase == state.Held { // of a file that is gone it is, which only a scan tells
			continue
		}
		told = append(told, fmt.Sprintf("%s %s %s %s from %q", i.Path, i.Final, i.Phase, i.Reason, i.MovedFrom))
	}
	return told
}
