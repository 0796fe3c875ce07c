package e2e

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// deleting is a mirror that removes, soon.
const deleting = "mode = \"mirror\"\ndelete = true\ndelete_delay = \"100ms\"\nto = [\"acme:copy\"]"

// removalJSON is what `once --json` says besides, spelled out as the other shapes are.
type removalJSON struct {
	Type, Path, Trash, Reason, Error string
	RemotePath                       string `json:"remote_path"`
	Removed, Halted                  int
}

// removing runs `once --json`, which has to end with a code, and returns its events but for the summary, which comes apart.
func (r *rig) removing(code int) (all []removalJSON, summary removalJSON) {
	r.t.Helper()
	for line := range strings.Lines(r.expect(code, "once", "--json").stdout) {
		all = append(all, decode[removalJSON](r.t, line))
	}
	return all[:len(all)-1], all[len(all)-1]
}

// kinds counts events by their type.
func kinds(all []removalJSON) map[string]int {
	n := map[string]int{}
	for _, e := range all {
		n[e.Type]++
	}
	return n
}

// wantKinds compares the events of a run with what should have happened.
func wantKinds(t *testing.T, all []removalJSON, want map[string]int) {
	t.Helper()
	if got := kinds(all); !maps.Equal(got, want) {
		t.Errorf("events %v, want %v: %+v", got, want, all)
	}
}

// lose removes files or directories from the outbox.
func (r *rig) lose(names ...string) {
	r.t.Helper()
	for _, name := range names {
		if err := os.RemoveAll(filepath.Join(r.outbox, name)); err != nil {
			r.t.Fatal(err)
		}
	}
}

// miss has what is gone missed by a first scan, and waits until it has been missing for long enough.
func (r *rig) miss(code int) {
	r.t.Helper()
	if all, _ := r.removing(code); kinds(all)["trashed"]+kinds(all)["removed"] > 0 {
		r.t.Fatalf("removed by the first scan that missed it: %+v", all)
	}
	eventually(r.t, "nothing waits to be missing for long enough", 10*time.Second, func() bool { return len(r.plan(0).Waiting) == 0 })
}

// stamp is the time of a cycle in the name of a directory of the trash.
var stamp = regexp.MustCompile(`\d{8}T\d{6}Z`)

// wantCopy compares the mirror at the server with what should be in it; the times in the trash are written as TIME.
func (r *rig) wantCopy(want map[string]string) {
	r.t.Helper()
	got := map[string]string{}
	for name, content := range tree(r.t, r.inbox("copy")) {
		got[stamp.ReplaceAllString(name, "TIME")] = content
	}
	if !maps.Equal(got, want) {
		r.t.Errorf("the mirror holds %q, want %q", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
}

// TestDeleteFollowsAfterItsDelay removes what two scans have missed, into the trash, and directories after their files.
func TestDeleteFollowsAfterItsDelay(t *testing.T) {
	t.Parallel()
	r := newRig(t, deleting)
	r.write(r.inbox("copy/theirs/x.txt"), "there only")
	for _, name := range []string{"a.txt", "b.txt", "sub/deep/c.txt", "sub/d.txt"} {
		r.drop(name, name)
	}
	r.deliver(4)
	r.lose("b.txt", "sub")
	r.miss(0)
	wantPlan(t, r.plan(0), "delete b.txt removed", "delete sub/d.txt removed", "delete sub/deep/c.txt removed", "rmdir sub removed", "rmdir sub/deep removed")
	all, summary := r.removing(0)
	wantKinds(t, all, map[string]int{"trashed": 3, "removed-dir": 2})
	if summary.Removed != 3 {
		t.Errorf("the summary says %d removed", summary.Removed)
	}
	r.wantCopy(map[string]string{
		"theirs/x.txt": "there only", "a.txt": "a.txt", ".trash/TIME/b.txt": "b.txt", ".trash/TIME/sub/deep/c.txt": "sub/deep/c.txt",
		".trash/TIME/sub/d.txt": "sub/d.txt",
	})
	if slices.Contains(names(t, r.inbox("copy")), "sub/") {
		t.Error("the directory is still there")
	}
	if e := r.explain(filepath.Join(r.outbox, "b.txt")); e.State != "removed" || !strings.Contains(e.Reason, ".trash/") {
		t.Errorf("explain: %+v", e)
	}
	h := decode[struct {
		Removals []struct {
			Path, Trash, SHA256 string
			RemotePath          string `json:"remote_path"`
			Size                int64
		}
	}](t, r.expect(0, "history", "--json").stdout)
	if len(h.Removals) != 3 {
		t.Fatalf("removals on record: %+v", h.Removals)
	}
	for _, on := range h.Removals {
		if on.SHA256 != sum(on.Path) || on.Size != int64(len(on.Path)) || on.RemotePath != r.inbox("copy/"+on.Path) {
			t.Errorf("on record: %+v", on)
		}
	}
	contains(t, r.expect(0, "history").stdout, "REMOVED", "sub/deep/c.txt", ".trash/")
	wantPlan(t, r.plan(0))
	if all, _ := r.removing(0); len(all) != 0 {
		t.Errorf("a further run did %+v", all)
	}
	// The same name is a new file.
	r.drop("b.txt", "b.txt")
	r.deliver(1)
}

// TestDeleteWhileTheAgentRuns needs nobody to ask for the second scan.
func TestDeleteWhileTheAgentRuns(t *testing.T) {
	t.Parallel()
	r := newRig(t, deleting)
	for _, name := range []string{"a.txt", "b.txt", "sub/c.txt"} {
		r.drop(name, name)
	}
	if err := os.MkdirAll(filepath.Join(r.outbox, "empty/inner"), 0o700); err != nil {
		t.Fatal(err)
	}
	a := r.watching()
	awaitTree(t, r.inbox("copy"), 15*time.Second, map[string]string{"a.txt": "a.txt", "b.txt": "b.txt", "sub/c.txt": "sub/c.txt"})
	eventually(t, "empty directories are made", 10*time.Second, func() bool {
		return slices.Contains(names(t, r.inbox("copy")), "empty/inner/")
	})
	r.lose("b.txt", "sub", "empty")
	eventually(t, "what has left is gone, and its directories", 40*time.Second, func() bool {
		cycle := ".trash/" + r.stampOf(0) + "/"
		return slices.Equal(names(t, r.inbox("copy")), []string{".trash/", cycle, cycle + "b.txt", cycle + "sub/", cycle + "sub/c.txt", "a.txt"})
	})
	eventually(t, "nothing is left to do", 10*time.Second, func() bool { return r.planIsEmpty() })
	contains(t, a.text(), "moved to the trash: the file has left the folder")
	if code := a.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// stampOf returns the n-th directory of the trash.
func (r *rig) stampOf(n int) string {
	entries, err := os.ReadDir(r.inbox("copy/.trash"))
	if err != nil || len(entries) <= n {
		return "none"
	}
	return entries[n].Name()
}

// TestUndeleteWithinTheDelay removes nothing.
func TestUndeleteWithinTheDelay(t *testing.T) {
	t.Parallel()
	r := newRig(t, strings.Replace(deleting, "100ms", "1h", 1))
	for _, name := range []string{"a.txt", "b.txt", "dir/c.txt", "dir/d.txt"} {
		r.drop(name, name)
	}
	r.deliver(4)
	r.lose("b.txt")
	if err := os.Rename(filepath.Join(r.outbox, "dir"), r.at("aside")); err != nil {
		t.Fatal(err)
	}
	r.removing(0)
	if w := r.plan(0).Waiting; len(w) < 3 || w[0].Reason != "removed" || w[0].Until == nil {
		t.Errorf("waiting: %+v", w)
	}
	r.drop("b.txt", "b.txt")
	if err := os.Rename(r.at("aside"), filepath.Join(r.outbox, "dir")); err != nil {
		t.Fatal(err)
	}
	r.removing(0)
	r.configure(r.acme() + r.folder("outbox", r.outbox, deleting)) // all that had to be missing for an hour is due now
	r.lose("dir/d.txt")
	r.miss(0)
	all, _ := r.removing(0)
	wantKinds(t, all, map[string]int{"trashed": 1})
	r.wantCopy(map[string]string{"a.txt": "a.txt", "b.txt": "b.txt", "dir/c.txt": "dir/c.txt", ".trash/TIME/dir/d.txt": "dir/d.txt"})
}

// TestWhatOthersHaveThereStays: what was changed there, adopted, and never ours.
func TestWhatOthersHaveThereStays(t *testing.T) {
	t.Parallel()
	r := newRig(t, deleting)
	r.write(r.inbox("copy/adopted.txt"), "the same")
	r.write(r.inbox("copy/sub/theirs.txt"), "theirs")
	r.drop("adopted.txt", "the same")
	for _, name := range []string{"stays.txt", "changed.txt", "touched.txt", "taken.txt", "sub/ours.txt"} {
		r.drop(name, name)
	}
	r.deliver(5)
	r.write(r.inbox("copy/changed.txt"), "by them ...") // of the same size
	age(t, r.inbox("copy/touched.txt"), time.Hour)
	if err := os.Remove(r.inbox("copy/taken.txt")); err != nil {
		t.Fatal(err)
	}
	r.lose("adopted.txt", "changed.txt", "touched.txt", "taken.txt", "sub")
	r.miss(0)
	wantPlan(t, r.plan(0), "delete sub/ours.txt removed", "delete touched.txt removed", "keep changed.txt conflict", "rmdir sub removed")
	all, _ := r.removing(0)
	wantKinds(t, all, map[string]int{"trashed": 2, "kept": 1, "gone": 1})
	for _, e := range all {
		if e.Type == "kept" && (e.Path != "changed.txt" || !strings.Contains(e.Reason, "it was changed there: 11 bytes")) {
			t.Errorf("kept: %+v", e)
		}
	}
	r.wantCopy(map[string]string{
		"adopted.txt": "the same", "sub/theirs.txt": "theirs", "stays.txt": "stays.txt", "changed.txt": "by them ...",
		".trash/TIME/touched.txt": "touched.txt", ".trash/TIME/sub/ours.txt": "sub/ours.txt",
	})
	if all, _ := r.removing(0); len(all) != 0 {
		t.Errorf("a further run did %+v", all)
	}
	// What was kept is somebody else's now, if it has another size or time than ours had.
	age(t, r.inbox("copy/changed.txt"), time.Hour)
	r.drop("changed.txt", "ours again")
	if all, _ := r.once(3); len(all) != 1 || all[0].Type != "held" {
		t.Errorf("events: %+v", all)
	}
}

// TestTrash is removed after its time, with its directories; "" needs none.
func TestTrash(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		lines, trash string
		removed      string
		off          bool // nothing is removed any more then
	}{
		"kept for a while": {"trash_keep = \"1s\"", "copy/.trash", "trashed", false},
		"of the server":    {"trash_keep = \"1s\"\ntrash = \"DIR/bin\"", "bin/outbox", "trashed", false},
		"without deletes":  {"trash_keep = \"1s\"\ntrash = \"DIR/bin\"", "bin/outbox", "trashed", true},
		"none":             {`trash = ""`, "", "removed", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, deleting)
			r.outboxTo(r.acme(), deleting+"\n"+strings.Replace(row.lines, "DIR", r.sshd.Dir, 1))
			r.drop("a.txt", "a")
			r.drop("sub/b.txt", "b")
			r.deliver(2)
			r.lose("sub")
			r.miss(0)
			all, _ := r.removing(0)
			wantKinds(t, all, map[string]int{row.removed: 1, "removed-dir": 1})
			if row.trash != "" {
				if got := tree(t, r.inbox(row.trash)); len(got) != 1 {
					t.Errorf("the trash holds %v", got)
				}
				if row.off {
					r.outboxTo(r.acme(), replaced(t, deleting, "delete = true", "delete = false")+"\n"+strings.Replace(row.lines, "DIR", r.sshd.Dir, 1))
				}
				eventually(t, "the trash is emptied", 15*time.Second, func() bool {
					all, _ := r.removing(0)
					return kinds(all)["removed"] == 1
				})
				if _, err := os.Stat(r.inbox(row.trash)); err == nil {
					t.Error("the trash is still there, empty")
				}
			}
			wantTree(t, r.inbox("copy"), map[string]string{"a.txt": "a"})
			wantPlan(t, r.plan(0))
		})
	}
}

// TestWhatWasChangedInTheTrashStays there: what is expired is what was put there, by its content.
func TestWhatWasChangedInTheTrashStays(t *testing.T) {
	t.Parallel()
	r := newRig(t, deleting)
	r.outboxTo(r.acme(), deleting+"\ntrash_keep = \"1s\"")
	r.drop("anchor.txt", "a")
	r.drop("changed.txt", "ours")
	r.drop("ours.txt", "ours")
	r.deliver(3)
	r.lose("changed.txt")
	r.lose("ours.txt")
	r.miss(0)
	all, _ := r.removing(0)
	wantKinds(t, all, map[string]int{"trashed": 2})
	var changed string
	for name := range tree(t, r.inbox("copy/.trash")) {
		if strings.HasSuffix(name, "changed.txt") {
			changed = r.inbox(filepath.Join("copy/.trash", name))
		}
	}
	r.write(changed, "hers") // as long as it was
	seen := map[string]int{}
	eventually(t, "the trash is looked through", 30*time.Second, func() bool {
		all, _ := r.removing(0)
		maps.Copy(seen, kinds(all))
		return seen["removed"] == 1 && seen["kept"] == 1
	})
	if got, err := os.ReadFile(changed); err != nil || string(got) != "hers" {
		t.Errorf("the changed file: %q, %v", got, err)
	}
	if left := tree(t, r.inbox("copy/.trash")); len(left) != 1 {
		t.Errorf("the trash holds %v", left)
	}
}

// TestWhatLiesInTheTrashHereIsNotSent: it would get in the way there.
func TestWhatLiesInTheTrashHereIsNotSent(t *testing.T) {
	t.Parallel()
	r := newRig(t, deleting)
	r.drop(".trash/x.txt", "x")
	r.drop("sub/.trash/y.txt", "y")
	r.deliver(1)
	r.wantCopy(map[string]string{"sub/.trash/y.txt": "y"})
	if e := r.explain(filepath.Join(r.outbox, ".trash/x.txt")); e.State != "excluded" {
		t.Errorf("explain: %+v", e)
	}
}

// TestEmptyDirectoriesFollow both ways, and nothing else.
func TestEmptyDirectoriesFollow(t *testing.T) {
	t.Parallel()
	r := newRig(t, deleting)
	r.drop("a.txt", "a")
	for _, dir := range []string{"empty/inner", "soon", "theirs"} {
		if err := os.MkdirAll(filepath.Join(r.outbox, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	wantPlanSoon(t, r, "mkdir empty new", "mkdir empty/inner new", "mkdir soon new", "mkdir theirs new", "upload a.txt new")
	all, _ := r.removing(0)
	wantKinds(t, all, map[string]int{"delivered": 1, "made-dir": 4})
	want := []string{"a.txt", "empty/", "empty/inner/", "soon/", "theirs/"}
	if got := names(t, r.inbox("copy")); !slices.Equal(got, want) {
		t.Errorf("there are %q, want %q", got, want)
	}
	if all, _ := r.removing(0); len(all) != 0 {
		t.Errorf("a further run did %+v", all)
	}
	r.write(r.inbox("copy/theirs/x.txt"), "x")
	r.drop("soon/b.txt", "b")
	r.lose("empty", "theirs")
	r.miss(0)
	all, _ = r.removing(0)
	wantKinds(t, all, map[string]int{"removed-dir": 2})
	want = []string{"a.txt", "soon/", "soon/b.txt", "theirs/", "theirs/x.txt"}
	if got := names(t, r.inbox("copy")); !slices.Equal(got, want) {
		t.Errorf("there are %q, want %q", got, want)
	}
	// A directory whose last file has gone stays as long as it is in the folder.
	r.lose("soon/b.txt")
	r.miss(0)
	r.removing(0)
	if got := names(t, r.inbox("copy")); !slices.Contains(got, "soon/") {
		t.Errorf("there are %q", got)
	}
	wantPlan(t, r.plan(0))
	r.lose("soon")
	r.miss(0)
	r.removing(0)
	if got := names(t, r.inbox("copy")); slices.Contains(got, "soon/") {
		t.Errorf("there are %q", got)
	}
}

// settled waits until the plan leaves nothing but what the test expects to wait.
func (r *rig) settled(waiting int) {
	r.t.Helper()
	eventually(r.t, "what can settle has settled", 10*time.Second, func() bool { return len(r.plan(0).Waiting) == waiting })
}

// wantPlanSoon compares a plan when nothing settles any more.
func wantPlanSoon(t *testing.T, r *rig, want ...string) {
	t.Helper()
	r.settled(0)
	wantPlan(t, r.plan(0), want...)
}

// TestFileAndDirectoryTradePlaces: what stands in the way is removed first.
func TestFileAndDirectoryTradePlaces(t *testing.T) {
	t.Parallel()
	r := newRig(t, deleting)
	r.drop("a.txt", "a")
	r.drop("was-file", "file")
	r.drop("was-dir/x", "in a directory")
	r.deliver(3)
	r.lose("was-file", "was-dir")
	r.drop("was-file/x", "now in a directory")
	r.drop("was-dir", "now a file")
	a := r.watching()
	eventually(t, "the mirror is as the folder", 40*time.Second, func() bool {
		got := tree(t, r.inbox("copy"))
		return got["was-file/x"] == "now in a directory" && got["was-dir"] == "now a file" && got["a.txt"] == "a"
	})
	eventually(t, "nothing is left to do", 20*time.Second, func() bool { return r.planIsEmpty() })
	a.stop()
}

// TestDeleteSwitchedOff forgets what was about to be removed, and a halt.
func TestDeleteSwitchedOff(t *testing.T) {
	t.Parallel()
	r := newRig(t, deleting)
	r.drop("a.txt", "a")
	r.drop("b.txt", "b")
	r.deliver(2)
	r.lose("a.txt", "b.txt")
	r.miss(0)
	r.removing(3)
	r.outboxTo(r.acme(), mirror)
	r.drop("c.txt", "c")
	r.deliver(1)
	if r.haltOf() != nil {
		t.Error("it is still halted")
	}
	r.wantCopy(map[string]string{"a.txt": "a", "b.txt": "b", "c.txt": "c"})
	// What was missing before is missed anew.
	r.outboxTo(r.acme(), deleting)
	r.miss(0)
	all, _ := r.removing(0)
	wantKinds(t, all, map[string]int{"trashed": 2})
}
