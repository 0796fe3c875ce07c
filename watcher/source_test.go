package watcher

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
)

// source writes a/b in a new folder and opens it.
func source(t *testing.T) (root string, s *Source) {
	t.Helper()
	root = t.TempDir()
	write(t, filepath.Join(root, "a/b"), "content")
	s, err := Open(root, "a/b", lstat(t, filepath.Join(root, "a/b")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return root, s
}

func TestOpenReads(t *testing.T) {
	_, s := source(t)
	if s.Size() != 7 {
		t.Errorf("size %d", s.Size())
	}
	if got, err := io.ReadAll(s); err != nil || string(got) != "content" {
		t.Errorf("%q, %v", got, err)
	}
	var b [3]byte
	if n, err := s.ReadAt(b[:], 4); err != nil || string(b[:n]) != "ent" {
		t.Errorf("%q, %v", b[:n], err)
	}
	if at, err := s.Seek(-2, io.SeekEnd); err != nil || at != 5 {
		t.Errorf("%d, %v", at, err)
	}
	if err := s.Unchanged(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	root, outside := t.TempDir(), t.TempDir()
	write(t, filepath.Join(root, "file"), "x")
	write(t, filepath.Join(outside, "secret"), "x")
	mkdir(t, filepath.Join(root, "dir"))
	secret := lstat(t, filepath.Join(outside, "secret"))
	print := lstat(t, filepath.Join(root, "file"))
	tests := []struct {
		path file.Path
		want file.Fingerprint
		err  error
	}{
		{"none", print, fs.ErrNotExist},
		{"none/file", print, fs.ErrNotExist},
		{"", print, fs.ErrNotExist},
		{"../" + file.Path(filepath.Base(outside)) + "/secret", secret, fs.ErrNotExist},
		{"dir/../../" + file.Path(filepath.Base(outside)) + "/secret", secret, fs.ErrNotExist},
		{"dir", lstat(t, filepath.Join(root, "dir")), ErrChanged},
		{"file/x", print, ErrChanged},
		{"file", file.Fingerprint{Size: 1}, ErrChanged},
	}
	if os.Symlink(filepath.Join(outside, "secret"), filepath.Join(root, "link")) == nil {
		if err := errors.Join(os.Symlink(outside, filepath.Join(root, "linkdir")), os.Symlink("file", filepath.Join(root, "inside"))); err != nil {
			t.Fatal(err)
		}
		tests = append(tests, []struct {
			path file.Path
			want file.Fingerprint
			err  error
		}{
			// Even with the fingerprint of what lies behind it, a link is not followed out of the folder.
			{"link", secret, ErrChanged},
			{"linkdir/secret", secret, ErrChanged},
			{"inside", lstat(t, filepath.Join(root, "inside")), ErrChanged},
		}...)
	}
	if runtime.GOOS != "windows" {
		makeFIFO(t, filepath.Join(root, "fifo")) // opening it must not wait for a writer
		tests = append(tests, struct {
			path file.Path
			want file.Fingerprint
			err  error
		}{"fifo", lstat(t, filepath.Join(root, "fifo")), ErrChanged})
	}
	for _, tt := range tests {
		s, err := Open(root, tt.path, tt.want)
		if !errors.Is(err, tt.err) {
			t.Errorf("%q: %v, want %v", tt.path, err, tt.err)
		}
		if err != nil && tt.path != "" && !strings.Contains(err.Error(), string(tt.path)) && !strings.Contains(err.Error(), string(tt.path.Dir())) {
			t.Errorf("%q: the error %q names no path", tt.path, err)
		}
		if s != nil {
			_ = s.Close()
		}
	}
	if open := append(leftOpen(t, root), leftOpen(t, outside)...); len(open) > 0 {
		t.Errorf("still open: %q", open)
	}
}

func TestOpenAfterSwap(t *testing.T) {
	root := t.TempDir()
	name := filepath.Join(root, "a")
	write(t, name, "planned")
	want := lstat(t, name)
	write(t, name+".new", "another")
	if err := os.Chtimes(name+".new", time.Time{}, want.Modified()); err != nil {
		t.Fatal(err)
	}
	rename(t, name+".new", name) // same size, same mtime, another file
	if _, err := Open(root, "a", want); !errors.Is(err, ErrChanged) {
		t.Errorf("err = %v, want ErrChanged", err)
	}
}

func TestUnchangedNotices(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, path string){
		"append": func(t *testing.T, path string) {
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Skipf("nobody can write now: %v", err)
			}
			if _, err := f.WriteString("more"); err != nil {
				t.Fatal(err)
			}
			_ = f.Close()
		},
		"replace": func(t *testing.T, path string) {
			write(t, path+".new", "content")
			rename(t, path+".new", path)
		},
		"remove": func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		},
		"move away": func(t *testing.T, path string) { rename(t, filepath.Dir(path), filepath.Dir(path)+"2") },
		"touch": func(t *testing.T, path string) {
			if err := os.Chtimes(path, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			root, s := source(t)
			if err := s.Unchanged(); err != nil {
				t.Fatal(err)
			}
			change(t, filepath.Join(root, "a", "b"))
			if err := s.Unchanged(); !errors.Is(err, ErrChanged) {
				t.Errorf("err = %v, want ErrChanged", err)
			}
		})
	}
}

func TestOpenBusy(t *testing.T) {
	needProbe(t)
	root := t.TempDir()
	name := filepath.Join(root, "a")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if _, err := Open(root, "a", lstat(t, name)); !errors.Is(err, ErrBusy) || err.Error() != "open "+name+": being written" {
		t.Errorf("err = %v, want ErrBusy", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Open(root, "a", lstat(t, name))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	// A writer that has not written yet.
	f, err = os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return // kept out, as on Windows
	}
	defer func() { _ = f.Close() }()
	if err := s.Unchanged(); !errors.Is(err, ErrBusy) {
		t.Errorf("err = %v, want ErrBusy", err)
	}
}
