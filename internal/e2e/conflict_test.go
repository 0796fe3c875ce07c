package e2e

import (
	"os"
	"path"
	"testing"
	"time"
)

// TestOnConflict lets a folder decide about somebody else's file at a final name.
func TestOnConflict(t *testing.T) {
	t.Parallel()
	const outbox = "to = [\"acme:copy\"]"
	for _, row := range []struct{ name, folder, onConflict, final, beside string }{
		{"an outbox overwrites", outbox, "overwrite", "ours", ""},
		{"a mirror overwrites", mirror, "overwrite", "ours", ""},
		{"an outbox keeps both", outbox, "keep-both", "theirs, longer", "ours"},
		{"a mirror keeps both", mirror, "keep-both", "ours", "theirs, longer"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, row.folder+"\non_conflict = \""+row.onConflict+"\"")
			r.write(r.inbox("copy/sub/a.tar.gz"), "theirs, longer")
			r.drop("sub/a.tar.gz", "ours")
			r.deliver(1)
			got := tree(t, r.sshd.Dir)
			if got["copy/sub/a.tar.gz"] != row.final {
				t.Errorf("the final name holds %q, want %q", got["copy/sub/a.tar.gz"], row.final)
			}
			delete(got, "copy/sub/a.tar.gz")
			for name, content := range got {
				if ok, _ := path.Match("copy/sub/a.tar.conflict-*Z.gz", name); !ok || content != row.beside {
					t.Errorf("beside it: %s with %q, want %q", name, content, row.beside)
				}
			}
			if (len(got) > 0) != (row.beside != "") {
				t.Errorf("beside it: %q", got)
			}
			r.deliver(0)
			r.drop("sub/a.tar.gz", "ours again")
			r.deliver(1)
			again := tree(t, r.sshd.Dir)
			if row.final == "ours" && (again["copy/sub/a.tar.gz"] != "ours again" || len(again) != len(got)+1) {
				t.Errorf("the next version: %q", again)
			}
		})
	}
}

// TestOnConflictReplacesNoDirectory whatever the folder wants.
func TestOnConflictReplacesNoDirectory(t *testing.T) {
	t.Parallel()
	for _, wish := range []string{"overwrite", "keep-both"} {
		r := newRig(t, mirror+"\non_conflict = \""+wish+"\"")
		r.write(r.inbox("copy/a.txt/inside"), "theirs")
		r.drop("a.txt", "ours")
		r.once(3)
		wantTree(t, r.sshd.Dir, map[string]string{"copy/a.txt/inside": "theirs"})
	}
}

// TestOnConflictAdoptsTheSame: what is there already is not sent over itself.
func TestOnConflictAdoptsTheSame(t *testing.T) {
	t.Parallel()
	r := newRig(t, mirror+"\non_conflict = \"overwrite\"")
	r.write(r.inbox("copy/a.txt"), "the same")
	r.drop("a.txt", "the same")
	all, _ := r.once(0)
	if len(all) != 1 || all[0].Type != "adopted" {
		t.Errorf("events: %+v", all)
	}
}

// TestHeldShowsBothSides with what a person needs to decide.
func TestHeldShowsBothSides(t *testing.T) {
	t.Parallel()
	r := newRig(t, mirror)
	r.write(r.inbox("copy/a.txt"), "theirs, longer")
	age(t, r.inbox("copy/a.txt"), 48*time.Hour)
	r.drop("a.txt", "ours")
	r.once(3)
	why := r.explain(r.outbox + "/a.txt").Routes[0].LastError
	contains(t, why, "14 bytes from", "SHA-256 "+sum("theirs, longer"), "ours is 4 bytes from", "with SHA-256 "+sum("ours"))
	r.wantSides("a.txt", "ours", "theirs, longer")

	// Somebody else's directory has no size to tell of.
	if err := os.Remove(r.inbox("copy/a.txt")); err != nil {
		t.Fatal(err)
	}
	r.write(r.inbox("copy/a.txt/inside"), "theirs")
	r.drop("a.txt", "ours, too")
	r.once(3)
	if a := r.attention("a.txt"); a.Theirs == nil || a.Theirs.Kind != "directory" || a.Theirs.MTime != nil || a.Ours == nil || a.Ours.Size != 9 {
		t.Errorf("held for a directory: %+v", a)
	}
}

// attention returns what `status --json` says of a file that waits for a person.
func (r *rig) attention(path string) attentionJSON {
	r.t.Helper()
	for _, a := range r.status().Attention {
		if a.Path == path {
			return a
		}
	}
	r.t.Fatalf("%s does not wait for a person", path)
	return attentionJSON{}
}

// wantSides compares both sides of a held file, as the status and the history show them, with what they hold.
func (r *rig) wantSides(path, ours, theirs string) {
	r.t.Helper()
	failed := decode[struct{ Failed []attentionJSON }](r.t, r.expect(0, "history", "--failed", "--json", "--path", path).stdout).Failed
	if len(failed) != 1 {
		r.t.Fatalf("the history has %+v", failed)
	}
	for _, a := range []attentionJSON{r.attention(path), failed[0]} {
		for content, c := range map[string]*copyJSON{ours: a.Ours, theirs: a.Theirs} {
			if c == nil || c.Kind != "file" || c.Size != int64(len(content)) || c.SHA256 != sum(content) || c.MTime == nil {
				r.t.Errorf("one side is shown as %+v, and holds %q", c, content)
			}
		}
	}
}
