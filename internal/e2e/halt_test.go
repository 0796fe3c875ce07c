package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

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
		contains(t, text, "halted since", "no file is left", r.typed("resume folder:outbox"), "--accept-deletes")
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
	r.settled(0)
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
	r.settled(0)
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
