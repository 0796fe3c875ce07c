package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// findingJSON is a line of `verify --json`, the summary too, spelled out as the other shapes are.
type findingJSON struct {
	Type, Folder, Destination, Path, Delivery, Reason, Hint, Repair, Outcome, ID string
	At                                                                           time.Time
	PathB64                                                                      []byte `json:"path_b64"`
	RemotePath                                                                   string `json:"remote_path"`
	Files                                                                        int
	Expected, Found                                                              *copyJSON

	// of the last line
	Checked, OK, Missing, Truncated, Different, Touched, Taken, Unreadable, Unknown int
	UnderWay                                                                        int `json:"under_way"`
	Planned, Held, Forgotten                                                        int
	Seconds                                                                         float64
}

type copyJSON struct {
	Kind   string
	Size   int64
	MTime  *time.Time
	SHA256 string
}

// verify runs `verify --json`, which has to end with a code, and returns what it has found by path, or by
// route where a route could not be asked.
func (r *rig) verify(code int, args ...string) (found map[string]findingJSON, summary findingJSON) {
	r.t.Helper()
	out := r.expect(code, append([]string{"verify", "--json"}, args...)...).stdout
	found = map[string]findingJSON{}
	for line := range strings.Lines(out) {
		if summary.Type != "" {
			r.t.Errorf("a line after the summary: %s", line)
		}
		f := decode[findingJSON](r.t, line)
		if f.Type == "summary" {
			summary = f
			continue
		}
		key := f.Path
		if key == "" {
			key = f.Folder + "/" + f.Destination
		}
		if _, twice := found[key]; twice {
			r.t.Errorf("%s is told twice", key)
		}
		found[key] = f
	}
	if summary.Type == "" {
		r.t.Errorf("no summary in:\n%s", out)
	}
	return found, summary
}

// wantFound compares what was found with what should be, by path.
func wantFound(t *testing.T, found map[string]findingJSON, want map[string]string) {
	t.Helper()
	for path, kind := range want {
		if found[path].Type != kind {
			t.Errorf("%s: %q, want %q (%s)", path, found[path].Type, kind, found[path].Reason)
		}
	}
	for path, f := range found {
		if want[path] == "" {
			t.Errorf("%s: %s (%s) should not be told", path, f.Type, f.Reason)
		}
	}
}

// verifyServers runs a test against servers that hash, by OpenSSH, and that do not, by OpenSSH and by the test server. dir
// is where the server's files are.
func verifyServers(t *testing.T, lines string, test func(t *testing.T, r *rig, dir string)) {
	t.Helper()
	t.Run("sshd", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, lines)
		test(t, r, r.sshd.Dir)
	})
	t.Run("sshd without commands", func(t *testing.T) {
		t.Parallel()
		r := bareRig(t)
		r.sshd = sftptest.StartSSHD(t, sftptest.SSHDOptions{NoExec: true})
		r.outboxTo(r.acme(), lines)
		test(t, r, r.sshd.Dir)
	})
	t.Run("test server", func(t *testing.T) {
		t.Parallel()
		r := bareRig(t)
		s := sftptest.StartServer(t, sftptest.ServerOptions{})
		r.outboxTo(s.TOML("acme")+patient, lines)
		test(t, r, s.Dir)
	})
}

// damage is what can happen to a file at a server, with what verify says of it.
type damage struct {
	name    string
	do      func(name string) error
	plain   string // found without --content; "" is nothing
	content string // found with it
	repair  string
}

// keepTime changes a file and leaves it its time.
func keepTime(change func(name string) error) func(string) error {
	return func(name string) error {
		info, err := os.Stat(name)
		if err == nil {
			err = change(name)
		}
		if err == nil {
			err = os.Chtimes(name, time.Time{}, info.ModTime())
		}
		return err
	}
}

// other writes another content of the same size.
func other(name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	return os.WriteFile(name, []byte(strings.Repeat("?", int(info.Size()))), 0o600)
}

// later changes a file's time and nothing else.
func later(name string) error {
	at := time.Now().Add(time.Hour)
	return os.Chtimes(name, at, at)
}

// damages are those; hashes says that the server hashes.
func damages(hashes bool) []damage {
	changed, untouched := "different", "touched"
	if !hashes {
		changed = "touched" // only --content tells
	}
	return []damage{
		{"deleted.txt", os.Remove, "missing", "missing", "upload"},
		{"cut.txt", func(name string) error { return os.Truncate(name, 3) }, "truncated", "truncated", "upload"},
		{"emptied.txt", func(name string) error { return os.Truncate(name, 0) }, "truncated", "truncated", "upload"},
		{"grown.txt", func(name string) error { return os.WriteFile(name, []byte("far more than there was"), 0o600) }, "different", "different", "hold"},
		{"changed.txt", func(name string) error { return joinErr(other(name), later(name)) }, changed, "different", "hold"},
		{"silently.txt", keepTime(other), "", "different", "hold"},
		{"touched.txt", later, untouched, untouched, "none"},
		{"closed.txt", func(name string) error { return os.Chmod(name, 0) }, "unreadable", "unreadable", "none"},
		{"directory.txt", func(name string) error { return joinErr(os.Remove(name), os.Mkdir(name, 0o755)) }, "different", "different", "hold"},
		{"away/deep/gone.txt", func(name string) error { return os.RemoveAll(filepath.Dir(filepath.Dir(name))) }, "missing", "missing", "upload"},
	}
}

func joinErr(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

// TestVerify finds each kind of damage, with and without a look at the content.
func TestVerify(t *testing.T) {
	t.Parallel()
	verifyServers(t, mirror, func(t *testing.T, r *rig, dir string) {
		all := damages(strings.HasSuffix(t.Name(), "/sshd"))
		for _, d := range all {
			r.drop(d.name, "content of "+d.name[:4])
		}
		r.drop("intact.txt", "intact")
		r.drop("empty.txt", "")
		r.once(0)
		r.write(filepath.Join(dir, "copy/theirs.txt"), "there only")
		n := len(all) + 2
		for _, args := range [][]string{nil, {"--content"}, {"folder:outbox"}, {"destination:acme", "outbox/acme"}} {
			found, s := r.verify(0, args...)
			wantFound(t, found, nil)
			if s.Checked != n || s.OK != n || s.UnderWay != 0 || s.Seconds <= 0 {
				t.Errorf("%q: %+v", args, s)
			}
		}
		plain, content := map[string]string{}, map[string]string{}
		for _, d := range all {
			if err := d.do(filepath.Join(dir, "copy", d.name)); err != nil {
				t.Fatal(err)
			}
			if d.plain != "" {
				plain[d.name] = d.plain
			}
			content[d.name] = d.content
		}
		before := names(t, dir)
		found, s := r.verify(3)
		wantFound(t, found, plain)
		if s.Missing != 2 || s.Truncated != 2 || s.Unreadable != 1 || s.Checked != n || s.OK+s.Different+s.Touched != n-5 {
			t.Errorf("summary: %+v", s)
		}
		found, s = r.verify(3, "--content")
		wantFound(t, found, content)
		if s.OK != 2 || s.Different != 4 || s.Touched != 1 || s.Planned+s.Held+s.Forgotten != 0 {
			t.Errorf("summary: %+v", s)
		}
		for _, d := range all {
			f := found[d.name]
			if f.Repair != d.repair || f.Outcome != "" || f.Folder != "outbox" || f.Destination != "acme" || f.Delivery == "" || f.At.IsZero() ||
				!strings.HasSuffix(f.RemotePath, "/copy/"+d.name) || f.Expected == nil || f.Expected.Size != int64(len("content of ")+4) ||
				len(f.Expected.SHA256) != 64 || f.Expected.MTime == nil || (f.Found == nil) != (d.content == "missing") {
				t.Errorf("%s: %+v", d.name, f)
			}
		}
		if f := found["silently.txt"].Found; f.Kind != "file" || len(f.SHA256) != 64 || f.MTime == nil {
			t.Errorf("found: %+v", f)
		}
		if f := found["directory.txt"].Found; f.Kind != "directory" {
			t.Errorf("found: %+v", f)
		}
		text := r.expect(3, "verify").stdout
		contains(t, text, "missing    outbox: deleted.txt at acme:", "only 3 of 15 bytes are there", "--repair sends it again",
			"2 missing, 2 truncated", "a directory is there")
		lacks(t, text, "theirs.txt", "intact.txt")
		if after := names(t, dir); strings.Join(after, "\n") != strings.Join(before, "\n") {
			t.Errorf("the server's files: %q, before: %q", after, before)
		}
	})
}
