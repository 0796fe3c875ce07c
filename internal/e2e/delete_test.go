package e2e

import (
	"fmt"
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

// TestEmptiedFolderHalts and goes on when a person accepts it.
func TestEmptiedFolderHalts(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, w *way) {
		r := newRig(t, deleting)
		r.drop("a.txt", "a")
		r.drop("sub/b.txt", "b")
		w.with(r)
		w.arrives(0, "copy/sub/b.txt", "b")
		w.arrives(0, "copy/a.txt", "a")
		r.lose("a.txt", "sub")
		halted := func() bool { f := r.haltOf(); return f != nil && f.Reason == "emptied" }
		if !w.running {
			r.miss(0)
		}
		w.until(3, "it halts", halted)
		h := r.haltOf()
		if h.Count != 2 || !slices.Equal(h.Examples, []string{"a.txt", "sub/b.txt"}) || !strings.Contains(h.Detail, "no file is left") {
			t.Errorf("halt: %+v", h)
		}
		text := r.expect(0, "status").stdout
		contains(t, text, "halted since", "no file is left", "dropferry resume folder:outbox", "--accept-deletes")
		wantPlan(t, r.plan(0), "hold  halted")
		// Nothing else is sent either.
		r.drop("new.txt", "new")
		w.until(3, "it is told why", func() bool { return r.explain(w.file("new.txt")).State == "halted" })
		if got := tree(t, r.inbox("copy")); len(got) != 2 {
			t.Errorf("a halted folder has sent: %v", got)
		}
		contains(t, r.explain(w.file("new.txt")).Reason, "halted since", "--accept-deletes")
		// A person who accepts too few is asked again.
		o := r.command("resume", "folder:outbox", "--accept-deletes", "1")
		if o.Count != 1 {
			t.Errorf("resume: %+v", o)
		}
		w.until(3, "it halts again", func() bool { f := r.haltOf(); return f != nil && f.Reason == "too-many" })
		r.command("resume", "folder:outbox", "--accept-deletes", "2")
		w.until(0, "both are gone", func() bool {
			got := tree(t, r.inbox("copy"))
			return got["a.txt"] == "" && got["sub/b.txt"] == "" && got["new.txt"] == "new"
		})
		if r.haltOf() != nil {
			t.Error("it is still halted")
		}
	})
}

type haltJSON struct {
	Reason, Detail string
	Count          int
	Examples       []string
}

// haltOf returns the halt of the outbox; nil where it is not halted.
func (r *rig) haltOf() *haltJSON {
	r.t.Helper()
	s := decode[struct {
		Folders []struct {
			Name, State string
			Halted      *haltJSON
		}
	}](r.t, r.expect(0, "status", "--json").stdout)
	for _, f := range s.Folders {
		if f.Name == "outbox" {
			if (f.Halted != nil) != (f.State == "halted") {
				r.t.Errorf("it is %s, with %+v", f.State, f.Halted)
			}
			return f.Halted
		}
	}
	r.t.Fatal("no outbox")
	return nil
}

// TestTooManyDeletesHalt removes 50 files by itself, and not 51.
func TestTooManyDeletesHalt(t *testing.T) {
	t.Parallel()
	r := newRig(t, deleting)
	for i := range 102 {
		r.drop(fmt.Sprintf("d%d/%03d.txt", i%3, i), "x")
	}
	r.deliver(102)
	for i := range 50 {
		r.lose(fmt.Sprintf("d%d/%03d.txt", i%3, i))
	}
	r.miss(0)
	if _, summary := r.removing(0); summary.Removed != 50 {
		t.Fatalf("%d were removed, want 50", summary.Removed)
	}
	for i := 50; i < 101; i++ {
		r.lose(fmt.Sprintf("d%d/%03d.txt", i%3, i))
	}
	r.miss(0)
	all, summary := r.removing(3)
	wantKinds(t, all, map[string]int{"halted": 1})
	if summary.Halted != 1 || !strings.Contains(all[0].Reason, "51 files are missing") || !strings.Contains(all[0].Reason, "more than 50") {
		t.Errorf("it says %+v", all)
	}
	// It is still so for the next run, which sends nothing either.
	r.drop("new.txt", "new")
	eventually(t, "nothing settles", 10*time.Second, func() bool { return len(r.plan(0).Waiting) == 0 })
	if _, summary := r.once(3); summary.Delivered != 0 {
		t.Error("a halted folder has sent something")
	}
	contains(t, r.expect(0, "resume", "folder:outbox", "--accept-deletes", "51").stdout, "it was halted", "looked at again")
	all, summary = r.removing(0)
	if summary.Removed != 51 {
		t.Errorf("%d were removed, want 51: %+v", summary.Removed, kinds(all))
	}
	r.refused(1, []string{"is not halted"}, "resume", "folder:outbox", "--accept-deletes", "1")
	r.refused(4, []string{"is for a folder"}, "resume", "destination:acme", "--accept-deletes", "1")
	// The permission is used up.
	for i := range 51 {
		r.drop(fmt.Sprintf("%03d.txt", i), "x")
	}
	r.deliver(51)
	for i := range 51 {
		r.lose(fmt.Sprintf("%03d.txt", i))
	}
	r.miss(0)
	r.removing(3)
}

// TestHaltEndsWhenTheFilesAreBack needs nobody: nothing is left to be decided.
func TestHaltEndsWhenTheFilesAreBack(t *testing.T) {
	t.Parallel()
	r := newRig(t, deleting)
	r.drop("a.txt", "a")
	r.deliver(1)
	if err := os.Rename(filepath.Join(r.outbox, "a.txt"), r.at("a.txt")); err != nil {
		t.Fatal(err)
	}
	r.miss(0)
	r.removing(3)
	r.expect(0, "resume", "folder:outbox") // looks again, and nothing more
	r.removing(3)
	if err := os.Rename(r.at("a.txt"), filepath.Join(r.outbox, "a.txt")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "nothing settles", 10*time.Second, func() bool { return len(r.plan(0).Waiting) == 0 })
	all, _ := r.removing(0)
	if n := kinds(all); n["resumed"] != 1 || n["trashed"] != 0 {
		t.Errorf("events: %+v", all)
	}
	r.wantCopy(map[string]string{"a.txt": "a"})
}

// TestRootWithoutItsMarkerHalts as a mount point does whose disk is away: nothing is removed, and nothing sent.
func TestRootWithoutItsMarkerHalts(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, w *way) {
		r := newRig(t, deleting)
		r.drop("a.txt", "a")
		r.drop("b.txt", "b")
		w.with(r)
		w.arrives(0, "copy/a.txt", "a")
		w.arrives(0, "copy/b.txt", "b")
		eventually(t, "the marker is there", 10*time.Second, func() bool { _, err := os.Stat(w.file(".dropferry")); return err == nil })
		if err := os.Rename(r.outbox, r.at("disk")); err != nil {
			t.Fatal(err)
		}
		r.mkdir("outbox")
		r.drop("below.txt", "what the mount point holds")
		w.until(3, "it halts", func() bool { f := r.haltOf(); return f != nil && f.Reason == "marker-missing" })
		wantPlan(t, r.plan(0), "hold  halted")
		contains(t, r.haltOf().Detail, ".dropferry", "Is its disk mounted?")
		// Resuming without a word about deletes only looks again.
		r.command("resume", "folder:outbox")
		w.until(3, "it halts again", func() bool { return r.haltOf() != nil })
		if got := tree(t, r.inbox("copy")); len(got) != 2 || got["a.txt"] != "a" {
			t.Errorf("the mirror holds %v", got)
		}
		// With the disk it goes on by itself.
		if err := os.RemoveAll(r.outbox); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(r.at("disk"), r.outbox); err != nil {
			t.Fatal(err)
		}
		w.until(0, "it goes on", func() bool { return r.haltOf() == nil })
		// A person who means it gets a new marker.
		if err := os.Remove(w.file(".dropferry")); err != nil {
			t.Fatal(err)
		}
		r.drop("a.txt", "changed") // so that somebody looks
		w.until(3, "it halts once more", func() bool { return r.haltOf() != nil })
		r.command("resume", "folder:outbox", "--accept-deletes", "0")
		w.arrives(0, "copy/a.txt", "changed")
		if _, err := os.Stat(w.file(".dropferry")); err != nil {
			t.Error(err)
		}
		if got := tree(t, r.inbox("copy")); len(got) != 2 {
			t.Errorf("the mirror holds %v", got)
		}
	})
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
	// What was kept is somebody else's now.
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
	}{
		"kept for a while": {"trash_keep = \"1s\"", "copy/.trash", "trashed"},
		"of the server":    {"trash_keep = \"1s\"\ntrash = \"DIR/bin\"", "bin/outbox", "trashed"},
		"none":             {`trash = ""`, "", "removed"},
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

// wantPlanSoon compares a plan when nothing settles any more.
func wantPlanSoon(t *testing.T, r *rig, want ...string) {
	t.Helper()
	eventually(t, "nothing settles", 10*time.Second, func() bool { return len(r.plan(0).Waiting) == 0 })
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
