package e2e

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// verifies waits until verify finds nothing.
func (r *rig) verifies(args ...string) {
	r.t.Helper()
	eventually(r.t, "verify finds nothing", 15*time.Second, func() bool { return r.run(append([]string{"verify"}, args...)...).code == 0 })
}

// TestVerifyRepair brings a mirror back byte for byte, and leaves what somebody has changed to a person.
func TestVerifyRepair(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, w *way) {
		w.with(newRig(t, mirror))
		want := map[string]string{}
		for _, name := range []string{"a.txt", "sub/b.bin", "sub/deeper/c.bin", "d.txt", "e.txt", "same.txt"} {
			want[name] = noise(100_000) + name
			w.drop(name, want[name])
		}
		w.until(0, "all of it is there", func() bool { return maps.Equal(tree(t, w.inbox("copy")), want) && len(w.history()) == len(want) })
		w.verifies("--content")

		remove(t, w.inbox("copy/a.txt"))
		remove(t, w.inbox("copy/sub"))
		for name, size := range map[string]int64{"d.txt": 70_000, "e.txt": 0} {
			if err := os.Truncate(w.inbox("copy/"+name), size); err != nil {
				t.Fatal(err)
			}
		}
		w.write(w.inbox("copy/same.txt"), "theirs")
		found, s := w.verify(3, "--repair")
		wantFound(t, found, map[string]string{
			"a.txt": "missing", "sub/b.bin": "missing", "sub/deeper/c.bin": "missing", "d.txt": "truncated", "e.txt": "truncated",
			"same.txt": "different", // what is there is not the beginning of ours
		})
		if s.Planned != 5 || s.Held != 1 || found["a.txt"].Outcome != "planned" || found["a.txt"].ID == "" {
			t.Errorf("summary: %+v, %+v", s, found["a.txt"])
		}
		held := found["same.txt"]
		if held.Outcome != "held" || held.ID == "" || held.Repair != "hold" {
			t.Errorf("same.txt: %+v", held)
		}
		theirs := maps.Clone(want)
		theirs["same.txt"] = "theirs"
		w.until(3, "it is repaired", func() bool { return maps.Equal(tree(t, w.inbox("copy")), theirs) })
		e := w.explain(w.file("same.txt"))
		if e.State != "held" || e.Routes[0].ID != held.ID {
			t.Errorf("explain: %+v", e)
		}
		contains(t, e.Reason, "same.txt holds a file of 6 bytes from", "and not what dropferry put there: 100008 bytes", "SHA-256", "dropferry retry "+held.ID)

		if x := w.attention("same.txt"); x.Theirs == nil || x.Theirs.Kind != "file" || x.Theirs.Size != 6 || x.Ours == nil || x.Ours.Size != 100008 {
			t.Errorf("the status shows %+v and %+v", x.Ours, x.Theirs)
		}

		// It stays held, and verify goes on telling.
		eventually(t, "the rest is recorded", 10*time.Second, func() bool { return len(w.history()) == len(want)+5 })
		found, s = w.verify(3, "--repair", "--content")
		wantFound(t, found, map[string]string{"same.txt": "truncated"})
		if f := found["same.txt"]; f.ID != held.ID || f.Repair != "none" || s.Planned+s.Held != 0 || !strings.Contains(f.Hint, "dropferry retry "+held.ID) {
			t.Errorf("same.txt: %+v", f)
		}
		found, s = w.verify(3, "--repair", "--overwrite")
		if f := found["same.txt"]; f.Outcome != "planned" || f.ID != held.ID || s.Planned != 1 {
			t.Errorf("same.txt: %+v", f)
		}
		w.until(0, "their change is replaced", func() bool { return maps.Equal(tree(t, w.inbox("copy")), want) })
		w.verifies("--content")
		if e := w.explain(w.file("same.txt")); e.State != "delivered" {
			t.Errorf("explain: %+v", e)
		}
		w.until(0, "nothing more to do", func() bool { return len(w.history()) == len(want)+6 })
	})
}

// TestVerifyRepairOfAChange holds it or replaces it at once, and never a directory.
func TestVerifyRepairOfAChange(t *testing.T) {
	t.Parallel()
	r := newRig(t, mirror)
	for _, name := range []string{"held.txt", "silent.txt", "grown.txt", "directory.txt"} {
		r.drop(name, "content of ours")
	}
	r.once(0)
	for name, do := range map[string]func(string) error{
		"held.txt": other, "silent.txt": keepTime(other),
		"grown.txt":     func(name string) error { return os.WriteFile(name, []byte("content of ours, and more"), 0o600) },
		"directory.txt": func(name string) error { return joinErr(os.Remove(name), os.Mkdir(name, 0o755)) },
	} {
		if err := do(r.inbox("copy/" + name)); err != nil {
			t.Fatal(err)
		}
	}
	found, s := r.verify(3, "--content", "--repair", "--overwrite")
	wantFound(t, found, map[string]string{"held.txt": "different", "silent.txt": "different", "grown.txt": "different", "directory.txt": "different"})
	if s.Planned != 3 || s.Held != 1 || found["directory.txt"].Outcome != "held" {
		t.Errorf("summary: %+v, %+v", s, found["directory.txt"])
	}
	r.once(3)
	ours := map[string]string{"held.txt": "content of ours", "silent.txt": "content of ours", "grown.txt": "content of ours"}
	wantTree(t, r.inbox("copy"), ours)
	remove(t, r.inbox("copy/directory.txt"))
	r.command("retry", found["directory.txt"].ID)
	r.once(0)
	ours["directory.txt"] = "content of ours"
	wantTree(t, r.inbox("copy"), ours)
	r.verify(0, "--content")
}

// TestVerifyRepairWhereOursWins replaces a change where the configuration says so.
func TestVerifyRepairWhereOursWins(t *testing.T) {
	t.Parallel()
	r := newRig(t, "on_conflict = \"overwrite\"\n"+mirror)
	r.drop("a.txt", "content of ours")
	r.once(0)
	r.write(r.inbox("copy/a.txt"), "theirs, and far longer")
	found, s := r.verify(3, "--repair")
	if f := found["a.txt"]; f.Repair != "overwrite" || f.Outcome != "planned" || s.Held != 0 {
		t.Errorf("%+v", f)
	}
	r.once(0)
	wantTree(t, r.inbox("copy"), map[string]string{"a.txt": "content of ours"})
	r.verify(0, "--content")
}

// TestVerifyRepairWithoutASource says what cannot be repaired, and forgets what is gone on both sides.
func TestVerifyRepairWithoutASource(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, w *way) {
		w.with(newRig(t, mirror))
		for _, name := range []string{"both.txt", "cut.txt", "kept.txt", "newer.txt"} {
			w.drop(name, "content")
		}
		w.until(0, "all of it is there", func() bool { return len(w.history()) == 4 })
		remove(t, w.file("both.txt"))
		remove(t, w.file("cut.txt"))
		remove(t, w.file("kept.txt"))
		w.verify(0) // a mirror keeps what is gone here
		remove(t, w.inbox("copy/both.txt"))
		if err := os.Truncate(w.inbox("copy/cut.txt"), 2); err != nil {
			t.Fatal(err)
		}
		found, s := w.verify(3)
		wantFound(t, found, map[string]string{"both.txt": "missing", "cut.txt": "truncated"})
		if found["both.txt"].Repair != "forget" || found["cut.txt"].Repair != "none" || !strings.Contains(found["cut.txt"].Hint, "the local file is gone") {
			t.Errorf("%+v", found)
		}
		if _, s = w.verify(3, "--repair"); s.Forgotten != 1 || s.Planned+s.Held != 0 {
			t.Errorf("summary: %+v", s)
		}
		found, _ = w.verify(3)
		wantFound(t, found, map[string]string{"cut.txt": "truncated"})
		// Touched here, deleted there: the content is what is known, and still it has to be sent.
		age(t, w.file("newer.txt"), time.Minute)
		remove(t, w.inbox("copy/newer.txt"))
		eventually(t, "verify has it sent again", 15*time.Second, func() bool { // the touch may be under way at first
			_, s := w.verify(3, "--repair", "folder:outbox")
			return s.Planned == 1
		})
		w.arrives(0, "copy/newer.txt", "content")
	})
}

// TestVerifyRepairOfAPausedRoute plans and says why nothing happens.
func TestVerifyRepairOfAPausedRoute(t *testing.T) {
	t.Parallel()
	r := newRig(t, mirror)
	r.drop("a.txt", "content")
	r.once(0)
	remove(t, r.inbox("copy/a.txt"))
	r.command("pause", "outbox/acme")
	contains(t, r.expect(3, "verify", "--repair").stdout, "it is sent again as", "1 to be sent again", "outbox/acme is paused since")
	found, s := r.verify(0)
	wantFound(t, found, nil)
	if s.UnderWay != 1 || s.Checked != 0 {
		t.Errorf("summary: %+v", s)
	}
	wantPlan(t, r.plan(0), "hold a.txt paused")
	r.command("resume", "outbox/acme")
	r.once(0)
	r.verify(0, "--content")
}

// TestVerifyCancelled leaves to themselves what a person has cancelled and what was given up.
func TestVerifyCancelled(t *testing.T) {
	t.Parallel()
	r := newRig(t, mirror)
	r.drop("a.txt", "content")
	r.once(0)
	r.command("pause", "folder:outbox")
	r.drop("a.txt", "the second content")
	r.once(3)
	_, s := r.verify(0)
	if s.UnderWay != 1 {
		t.Errorf("summary: %+v", s)
	}
	r.command("cancel", "folder:outbox")
	r.verify(0)
	remove(t, r.inbox("copy/a.txt"))
	found, s := r.verify(3, "--repair")
	if f := found["a.txt"]; f.Type != "missing" || f.Repair != "none" || !strings.Contains(f.Hint, "cancelled") || s.Planned != 0 {
		t.Errorf("%+v", f)
	}
}

// TestVerifyWhileOnceRuns does not wait for the store, but to repair.
func TestVerifyWhileOnceRuns(t *testing.T) {
	t.Parallel()
	r, wire := slowRig(t, 1<<20, patient, mirror)
	r.drop("a.txt", "content")
	r.once(0)
	r.drop("large.bin", noise(24<<20))
	a := r.launch("-c", r.config, "once")
	eventually(t, "the upload is under way", 15*time.Second, func() bool { return len(tree(t, r.inbox("copy"))) > 1 })
	remove(t, r.inbox("copy/a.txt"))
	// A young file is compared anew, and counts as under way meanwhile.
	eventually(t, "it is missed", 15*time.Second, func() bool { return r.run("verify").code == 3 })
	contains(t, r.expect(11, "verify", "--repair").text(), "missing", "another agent holds the state directory")
	wire.SetRate(0)
	<-a.done
	r.verify(3, "--repair")
	r.once(0)
	r.verify(0)
}

func remove(t *testing.T, name string) {
	t.Helper()
	if err := os.RemoveAll(filepath.Clean(name)); err != nil {
		t.Fatal(err)
	}
}
