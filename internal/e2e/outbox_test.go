package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// TestArchive moves a delivered file away, and takes the same name dropped again for a new delivery: daily trigger files
// depend on that.
func TestArchive(t *testing.T) {
	t.Parallel()
	r := newRig(t, "after = \"archive\"\narchive = \"archive/{yyyy}/{mm}\"\nto = [\"acme:in/{yyyy}{mm}{dd}-{name}\"]")
	day := time.Now().UTC()
	r.drop("trigger", "go")
	r.drop("sub/b.txt", "b")
	r.deliver(2)
	dir := day.Format("2006/01")
	remote := map[string]string{day.Format("in/20060102-") + "trigger": "go", day.Format("in/sub/20060102-") + "b.txt": "b"}
	wantTree(t, r.sshd.Dir, remote)
	wantTree(t, r.archive, map[string]string{dir + "/trigger": "go", dir + "/sub/b.txt": "b"})
	wantTree(t, r.outbox, map[string]string{})
	if _, err := os.Stat(filepath.Join(r.outbox, "sub")); err != nil {
		t.Error("the producer's directory is gone")
	}

	for i := range 2 { // the archive's name is taken: both stay
		r.drop("trigger", "go")
		age(t, filepath.Join(r.outbox, "trigger"), time.Duration(i+1)*time.Hour)
		r.deliver(1)
	}
	wantTree(t, r.sshd.Dir, remote)
	archived := tree(t, r.archive)
	if len(archived) != 4 {
		t.Errorf("the archive holds %d files, want 4", len(archived))
	}
	for name, content := range archived {
		if strings.HasPrefix(filepath.Base(name), "trigger") && content != "go" {
			t.Errorf("%s holds %q", name, content)
		}
	}
	if n := len(r.history()); n != 4 {
		t.Errorf("%d receipts, want 4", n)
	}
	r.deliver(0)
}

func TestArchiveNamesTheFile(t *testing.T) {
	t.Parallel()
	r := newRig(t, "after = \"archive\"\narchive = \"archive/{folder}/{stem}.sent{ext}\"\nto = [\"acme\"]")
	r.drop("sub/a.tar.gz", "a")
	r.deliver(1)
	wantTree(t, r.archive, map[string]string{"outbox/sub/a.tar.sent.gz": "a"})
}

// TestArchiveThatCannotBeWritten delivers once, says what is wrong, and archives when it can.
func TestArchiveThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	r := newRig(t, "after = \"archive\"\narchive = \"archive/sent\"\nto = [\"acme\"]")
	r.write(r.archive, "a file where a directory should be")
	r.drop("a.txt", "a")
	all, summary := r.once(3)
	if summary.Delivered != 1 || summary.Kept != 1 || summary.Failed != 0 {
		t.Errorf("summary: %+v", summary)
	}
	if !slices.ContainsFunc(all, func(e eventJSON) bool {
		return e.Type == "failed" && strings.Contains(e.Error, "archive ") && strings.Contains(e.Error, "a.txt")
	}) {
		t.Errorf("events: %+v", all)
	}
	contains(t, r.expect(3, "once").text(), "a.txt", "not a directory", "1 delivered, but not put away")
	if err := os.Remove(r.archive); err != nil {
		t.Fatal(err)
	}
	r.deliver(0)
	wantTree(t, r.archive, map[string]string{"sent/a.txt": "a"})
	wantTree(t, r.outbox, map[string]string{})
	if n := len(r.history()); n != 1 {
		t.Errorf("%d receipts, want 1", n)
	}
}

// TestDeleteNeedsProofOfContent deletes a source on a hash or on reading back, and on the size only where that is
// written.
func TestDeleteNeedsProofOfContent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, lines, evidence string
		noExec                bool
	}{
		{"hash at the server", "", "remote-hash", false},
		{"no command at the server", "", "read-back", true},
		{"size that was asked for", "verify = \"size\"\n", "size", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := bareRig(t)
			r.sshd = sftptest.StartSSHD(t, sftptest.SSHDOptions{NoExec: c.noExec})
			r.outboxTo(r.acme(), c.lines+"after = \"delete\"\nto = [\"acme\"]")
			content := noise(300 << 10) // a small file is read back wherever it is
			r.drop("sub/a.txt", content)
			all, _ := r.once(0)
			if got := types(all); !slices.Equal(got, []string{"delivered", "deleted"}) {
				t.Errorf("events: %q", got)
			}
			if h := r.history(); len(h) != 1 || h[0].Evidence != c.evidence {
				t.Errorf("receipts: %+v", h)
			}
			wantTree(t, r.outbox, map[string]string{})
			wantTree(t, r.sshd.Dir, map[string]string{"sub/a.txt": content})
			r.drop("sub/a.txt", content)
			r.deliver(1)
		})
	}
}

// TestDeleteNotOnAnInference crashes the agent after publishing, and lets the partner take the file: nobody can prove
// any more that it was whole.
func TestDeleteNotOnAnInference(t *testing.T) {
	t.Parallel()
	r := newRig(t, "after = \"delete\"\nto = [\"acme\"]")
	r.drop("a.txt", "a")
	r.env = append(r.env, "DROPFERRY_CRASH=published")
	if got := r.run("once"); got.code != -1 {
		t.Fatalf("exit code %d\n%s", got.code, got.text())
	}
	r.env = r.env[:len(r.env)-1]
	if err := os.Remove(r.inbox("a.txt")); err != nil {
		t.Fatal(err)
	}
	r.once(0)
	if h := r.history(); len(h) != 1 || h[0].Evidence != "inferred" {
		t.Errorf("receipts: %+v", h)
	}
	wantTree(t, r.outbox, map[string]string{"a.txt": "a"})
	wantTree(t, r.sshd.Dir, map[string]string{})
	r.deliver(0)
	e := r.explain(filepath.Join(r.outbox, "a.txt"))
	if e.State != "delivered" {
		t.Errorf("explain: %+v", e)
	}
}

// TestKeepIsTheDefault leaves every source where and as it is.
func TestKeepIsTheDefault(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme"]`)
	r.drop("a.txt", "a")
	name := filepath.Join(r.outbox, "a.txt")
	age(t, name, time.Hour)
	before, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	r.deliver(1)
	after, err := os.Stat(name)
	if err != nil || !os.SameFile(before, after) || !before.ModTime().Equal(after.ModTime()) {
		t.Errorf("the source is another: %v", err)
	}
	remote, err := os.Stat(r.inbox("a.txt"))
	if err != nil || !remote.ModTime().Equal(before.ModTime().Truncate(time.Second)) {
		t.Errorf("the time at the server: %v, want %v", remote.ModTime(), before.ModTime())
	}
	// Gone from the folder is not gone from the destination, nor from memory.
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	r.deliver(0)
	wantTree(t, r.sshd.Dir, map[string]string{"a.txt": "a"})
	r.drop("a.txt", "a")
	r.deliver(0)
}

// TestTemplates fills every placeholder, in the folder's time zone.
func TestTemplates(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	folders, want := "", map[string]string{}
	// These two zones are 26 hours apart: it is never the same day in both.
	for _, zone := range []string{"Pacific/Kiritimati", "Etc/GMT+12"} {
		place, err := time.LoadLocation(zone)
		if err != nil {
			t.Skipf("no time zones here: %v", err)
		}
		name := "z" + fmt.Sprint(len(want))
		r.write(r.at(name+"/sub/a.tar.gz"), zone)
		folders += r.folder(name, r.at(name), fmt.Sprintf("timezone = %q\nto = [\"acme:{agent}/{folder}/{yyyy}/{mm}/{dd}/{stem}-x{ext}.{name}\"]", zone))
		// Close to midnight the day may change while the test runs.
		now := time.Now().In(place)
		if now.Add(time.Minute).Day() != now.Day() {
			t.Skip("it is midnight somewhere")
		}
		want["rig/"+name+now.Format("/2006/01/02/sub/")+"a.tar-x.gz.a.tar.gz"] = zone
	}
	r.write(r.at("abs/b.txt"), "b")
	folders += r.folder("abs", r.at("abs"), fmt.Sprintf("to = [\"acme:%s/elsewhere/{folder}\"]", r.sshd.Dir))
	r.write(r.at("root/{name}.txt"), "braces in a name are only a name")
	folders += r.folder("root", r.at("root"), `to = ["acme"]`)
	want["elsewhere/abs/b.txt"], want["{name}.txt"] = "b", "braces in a name are only a name"
	r.configure(r.acme() + folders)
	r.deliver(4)
	wantTree(t, r.sshd.Dir, want)
}

// TestPatterns sends what the rules choose and nothing else.
func TestPatterns(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.configureWith("stable_for = \"200ms\"\nexclude = [\"Thumbs.db\", \"*.bak\"]", r.acme()+r.folder("outbox", r.outbox,
		`include = ["*.xml", "2026/**/*.csv"]
exclude = ["draft-*", "tmp", "logs/*.xml"]
to = ["acme"]`))
	want := map[string]string{}
	for _, name := range []string{"a.xml", "deep/er/b.xml", "2026/c.csv", "2026/x/y/d.csv", "logs/sub/e.xml", "*.xml", ".hidden.xml"} {
		want[name] = name
		r.drop(name, name)
	}
	for _, name := range []string{
		"a.pdf", "x.csv", "2025/c.csv", "draft-a.xml", "deep/draft-b.xml", "tmp/a.xml", "deep/tmp/x/b.xml", "logs/e.xml", "a.xml.bak", "Thumbs.db",
		// Names of files that programs have not finished.
		"a.xml.part", "a.xml.tmp", "~a.xml", ".~lock.a.xml#", "a.xml.filepart", "a.xml.crdownload", "a.xml.partial", ".a.xml.swp",
		".a.xml.0123456789abcdef.part", ".a.xml.0123456789abcdef.taken",
	} {
		r.drop(name, name)
	}
	r.deliver(len(want))
	wantTree(t, r.sshd.Dir, want)
}
