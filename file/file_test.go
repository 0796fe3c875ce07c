package file_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
)

func TestPath(t *testing.T) {
	p := file.Path("a/b/c.txt")
	if got := p.Base(); got != "c.txt" {
		t.Errorf("Base: %q", got)
	}
	if got := p.Dir(); got != "a/b" {
		t.Errorf("Dir: %q", got)
	}
	if got := file.Path("top").Dir(); got != "" {
		t.Errorf("Dir of a name in the root: %q", got)
	}
	if got := file.Path("").Join("x").Join("y"); got != "x/y" {
		t.Errorf("Join: %q", got)
	}
	for dir, want := range map[file.Path]bool{"": true, "a": true, "a/b": true, "a/b/c.txt": false, "a/bb": false, "b": false} {
		if got := p.Under(dir); got != want {
			t.Errorf("%q under %q: %v", p, dir, got)
		}
	}
	if file.Path("bad\xff").IsUTF8() {
		t.Error("bytes that are not UTF-8 pass for UTF-8")
	}
}

func TestRel(t *testing.T) {
	root := filepath.FromSlash("/srv/out")
	for name, want := range map[string]string{"/srv/out/a/b": "a/b", "/srv/out": "", "/srv/out/..x": "..x"} {
		if got, ok := file.Rel(root, filepath.FromSlash(name)); !ok || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, ok)
		}
	}
	for _, name := range []string{"/srv/outside", "/srv", "/srv/out/../x"} {
		if got, ok := file.Rel(root, filepath.FromSlash(name)); ok {
			t.Errorf("%s lies at %q in %s", name, got, root)
		}
	}
}

func TestPrivateNames(t *testing.T) {
	id := file.NewID(time.Now())
	for _, base := range []string{"a.xml", "", ".hidden", strings.Repeat("x", 255), "bad\xff", "two\nlines"} {
		for _, suffix := range []string{file.TempSuffix, file.TakenSuffix} {
			name := file.PrivateName(base, id, suffix)
			if !file.IsPrivate(name) {
				t.Errorf("%q is not recognised", name)
			}
			if len(name) > 255 {
				t.Errorf("%q is too long for a file system: %d bytes", name, len(name))
			}
		}
	}
	for _, name := range []string{
		"a.part", ".a.part", "a." + id + ".part", ".a." + id, ".a." + id + ".tmp", ".a." + id[1:] + ".part", ".part", "",
		".a." + strings.ToUpper(id) + ".part", ".a." + strings.Repeat("u", 16) + ".part",
	} {
		if file.IsPrivate(name) {
			t.Errorf("%q passes for ours", name)
		}
	}
}

func TestIDsAreUniqueAndSortByTime(t *testing.T) {
	seen := map[string]bool{}
	now := time.Now()
	for range 10_000 {
		id := file.NewID(now)
		if len(id) != 16 || seen[id] {
			t.Fatalf("id %q: length %d, seen %v", id, len(id), seen[id])
		}
		seen[id] = true
	}
	if a, b := file.NewID(now), file.NewID(now.Add(time.Second)); a >= b {
		t.Errorf("%q of a second ago sorts behind %q", a, b)
	}
}

func TestFingerprintTellsVersionsApart(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	write := func(content string) file.Fingerprint {
		t.Helper()
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		f, mode, err := file.Lstat(name)
		if err != nil || !mode.IsRegular() {
			t.Fatal(mode, err)
		}
		return f
	}
	one := write("one")
	opened, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	if byHandle, err := file.OfHandle(opened); err != nil || byHandle != one {
		t.Errorf("the handle says %+v (%v), the name %+v", byHandle, err, one)
	}
	if err := opened.Close(); err != nil {
		t.Error(err)
	}
	if longer := write("three"); longer == one || longer.Size != 5 {
		t.Errorf("another size: %+v, %+v", one, longer)
	}
	past := time.Now().Add(-time.Hour)
	if err := os.Chtimes(name, past, past); err != nil {
		t.Fatal(err)
	}
	touched, _, err := file.Lstat(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name, name+"2"); err != nil {
		t.Fatal(err)
	}
	renamed, _, err := file.Lstat(name + "2")
	if err != nil {
		t.Fatal(err)
	}
	if !renamed.SameFile(touched) {
		t.Errorf("a rename makes another version: %+v, %+v", touched, renamed)
	}
}

func TestRacy(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	at := func(age time.Duration) int64 { return now.Add(-age).UnixNano() }
	tests := []struct {
		name string
		f    file.Fingerprint
		want bool
	}{
		{"old", file.Fingerprint{ModTime: at(time.Minute), ChangeTime: at(time.Minute)}, false},
		{"modified just now", file.Fingerprint{ModTime: at(time.Second), ChangeTime: at(time.Second)}, true},
		{"old content, changed just now", file.Fingerprint{ModTime: at(time.Hour), ChangeTime: at(0)}, true},
		{"no change time", file.Fingerprint{ModTime: at(3 * time.Second)}, false},
		{"a modification to come, set long ago", file.Fingerprint{ModTime: at(-time.Hour), ChangeTime: at(time.Hour)}, false},
		{"a modification to come, set just now", file.Fingerprint{ModTime: at(-time.Hour), ChangeTime: at(time.Second)}, true},
		{"a modification to come, no change time", file.Fingerprint{ModTime: at(-time.Hour)}, true},
		{"modified just now, and the change time is of the creation", file.Fingerprint{ModTime: at(time.Second), ChangeTime: at(time.Hour)}, true},
		{"of a server whose clock is ahead", file.Fingerprint{ModTime: at(-time.Minute), ChangeTime: at(-time.Minute)}, true},
		{"the clock was set back by a day", file.Fingerprint{ModTime: at(-24 * time.Hour), ChangeTime: at(-24 * time.Hour)}, false},
		{"set back by a day, and no change time", file.Fingerprint{ModTime: at(-24 * time.Hour)}, true},
	}
	for _, tt := range tests {
		if got := tt.f.Racy(now); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}
