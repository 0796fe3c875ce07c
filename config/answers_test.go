package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// hanging returns looks that do not end below a directory, before the test does, and how many there were.
func hanging[T any](t *testing.T, dir string, look func(string) (T, error)) (l func(string) (T, error), looks *atomic.Int64) {
	release, looks := make(chan struct{}), new(atomic.Int64)
	t.Cleanup(func() { close(release) })
	return func(name string) (T, error) {
		if strings.HasPrefix(name, dir) {
			looks.Add(1)
			<-release
		}
		return look(name)
	}, looks
}

// Many who ask for what does not answer wait once, and together.
func TestWhatDoesNotAnswer(t *testing.T) {
	look, looks := hanging(t, "/dead", func(name string) (string, error) { return name + " is there", nil })
	a := answers[string]{look: look}
	began := time.Now()
	a.ask("/dead/one", "/dead/two", "/alive")
	for range 3 {
		for _, name := range []string{"/dead/one", "/dead/two"} {
			if got, err := a.of(name); !errors.Is(err, errNoAnswer) || got != "" {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		}
	}
	if took := time.Since(began); took < answerTime || took > 3*answerTime {
		t.Errorf("it took %v, want %v", took, answerTime)
	}
	if got, err := a.of("/alive"); err != nil || got != "/alive is there" {
		t.Errorf("%q, %v", got, err)
	}
	if n := looks.Load(); n != 2 {
		t.Errorf("%d looks hang, want 2", n)
	}
}

// A configuration with a folder on a share that does not answer loads, and check says which it is.
func TestFolderThatDoesNotAnswer(t *testing.T) {
	dir := t.TempDir()
	before, there := resolved.look, directories.look
	resolved.look, _ = hanging(t, filepath.Join(dir, "share"), before)
	directories.look, _ = hanging(t, filepath.Join(dir, "share"), there)
	t.Cleanup(func() { resolved.look, directories.look = before, there })
	name := filepath.Join(dir, "agent.toml")
	text := "version = 1\n[[destination]]\nname = \"acme\"\nhost = \"sftp.acme.example\"\nuser = \"u\"\npassword = { env = \"P\" }\n"
	for _, folder := range []string{"share/one", "share/two", "share/three"} {
		text += "[[folder]]\nname = \"" + filepath.Base(folder) + "\"\npath = \"" + folder + "\"\nto = [\"acme:{folder}\"]\n"
	}
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "share"), 0o700), os.WriteFile(name, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	c, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	var said int
	for _, f := range c.CheckPaths() {
		if f.Warning && strings.Contains(f.String(), "does not answer") {
			said++
		}
	}
	if said != 3 {
		t.Errorf("%d folders are said not to answer, want 3: %v", said, c.CheckPaths())
	}
	if took := time.Since(began); took > 10*answerTime {
		t.Errorf("it took %v", took)
	}
}
