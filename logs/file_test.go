package logs

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// lines writes numbered lines of ten bytes to a log file.
func lines(t *testing.T, f *File, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		if err := f.Emit(slog.Record{}, fmt.Appendf(nil, "line %04d", n)); err != nil {
			t.Fatal(err)
		}
	}
}

func opened(t *testing.T, name string, limit int64, keep int) *File {
	t.Helper()
	f, err := OpenFile(name, limit, keep, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() }) // the test may have closed it
	return f
}

// holds fails unless a file's first and last lines are these; "" is no file at all.
func holds(t *testing.T, name, first, last string) {
	t.Helper()
	text, err := os.ReadFile(name)
	if first == "" {
		if !os.IsNotExist(err) {
			t.Errorf("%s is there: %q, %v", name, text, err)
		}
		return
	}
	if err != nil || !strings.HasPrefix(string(text), first+"\n") || !strings.HasSuffix(string(text), last+"\n") {
		t.Errorf("%s: %q, %v", name, text, err)
	}
}

func TestFileRotates(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log", "dropferry.log")
	f := opened(t, name, 100, 2) // ten lines a file
	lines(t, f, 0, 10)
	holds(t, name, "line 0000", "line 0009")
	holds(t, name+".1", "", "")
	lines(t, f, 10, 35)
	holds(t, name, "line 0030", "line 0034")
	holds(t, name+".1", "line 0020", "line 0029")
	holds(t, name+".2", "line 0010", "line 0019")
	holds(t, name+".3", "", "")
	if info, err := os.Stat(name); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestFileGoesOnAfterARestart(t *testing.T) {
	name := filepath.Join(t.TempDir(), "dropferry.log")
	f := opened(t, name, 100, 1)
	lines(t, f, 0, 7)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	lines(t, opened(t, name, 100, 1), 7, 12)
	holds(t, name, "line 0010", "line 0011")
	holds(t, name+".1", "line 0000", "line 0009")
}

func TestFileThatKeepsNoOlderOnes(t *testing.T) {
	name := filepath.Join(t.TempDir(), "dropferry.log")
	lines(t, opened(t, name, 100, 0), 0, 15)
	holds(t, name, "line 0010", "line 0014")
	holds(t, name+".1", "", "")
}

// A single line may be longer than a file: it is written whole.
func TestLineLongerThanTheFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "dropferry.log")
	f := opened(t, name, 5, 1)
	lines(t, f, 0, 2)
	holds(t, name, "line 0001", "line 0001")
	holds(t, name+".1", "line 0000", "line 0000")
}

// A file that cannot be put aside goes on, and what is older stays.
func TestFileThatIsNotRotated(t *testing.T) {
	var fallback bytes.Buffer
	name := filepath.Join(t.TempDir(), "dropferry.log")
	f, err := OpenFile(name, 100, 3, &fallback)
	if err != nil {
		t.Fatal(err)
	}
	lines(t, f, 0, 40)
	if err := os.MkdirAll(filepath.Join(name+".0", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name+".1", []byte("older\n"), 0o600); err != nil { // which a directory does not replace
		t.Fatal(err)
	}
	if err := os.RemoveAll(name + ".2"); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(name+".2", "in the way, too"), 0o700); err != nil {
		t.Fatal(err)
	}
	lines(t, f, 40, 75)
	holds(t, name, "line 0030", "line 0074")
	holds(t, name+".1", "older", "older")
	holds(t, name+".3", "line 0000", "line 0009")
	if got := fallback.String(); strings.Count(got, "not rotated, and grows") != 1 {
		t.Errorf("%q", got)
	}
	for _, n := range []string{".0", ".2"} {
		if err := os.RemoveAll(name + n); err != nil {
			t.Fatal(err)
		}
	}
	lines(t, f, 75, 80)
	holds(t, name+".2", "older", "older")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// What a full disk has left of a line does not become part of the next.
func TestTornLine(t *testing.T) {
	name := filepath.Join(t.TempDir(), "dropferry.log")
	f := opened(t, name, 1000, 1)
	lines(t, f, 0, 1)
	if _, err := f.file.WriteString("half of a li"); err != nil {
		t.Fatal(err)
	}
	f.torn = true
	lines(t, f, 1, 3)
	if text, err := os.ReadFile(name); err != nil || string(text) != "line 0000\nhalf of a li\nline 0001\nline 0002\n" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestFileThatCannotBeWritten(t *testing.T) {
	var fallback bytes.Buffer
	name := filepath.Join(t.TempDir(), "dropferry.log")
	f, err := OpenFile(name, 100, 1, &fallback)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := f.Emit(slog.Record{}, []byte("a line")); err == nil {
			t.Error("a closed file was written")
		}
	}
	if got := fallback.String(); strings.Count(got, "cannot be written") != 1 || strings.Count(got, "a line\n") != 2 {
		t.Errorf("%q", got)
	}
	for _, bad := range []string{t.TempDir(), filepath.Join(name, "below a file")} {
		if _, err := OpenFile(bad, 100, 1, &fallback); err == nil {
			t.Errorf("%s was opened", bad)
		}
	}
}
