package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dropferry/dropferry/config"
)

func TestAutoTarget(t *testing.T) {
	for _, c := range []struct {
		goos                 string
		asService, onJournal bool
		want                 string
	}{
		{"linux", false, false, config.TargetStderr},
		{"linux", false, true, config.TargetJournal},
		{"linux", true, true, config.TargetJournal}, // `service run` is `run` there
		{"linux", true, false, config.TargetStderr},
		{"darwin", true, false, config.TargetStderr},
		{"windows", false, false, config.TargetStderr},
		{"windows", true, false, config.TargetEventLog},
	} {
		if got := autoTarget(c.goos, c.asService, c.onJournal); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// A log that is led elsewhere goes there from the next line on; one that cannot be opened leaves it where it was.
func TestLogMovesWhileItIsUsed(t *testing.T) {
	var out bytes.Buffer
	p := &program{terminal: terminal{out: &out, err: &out}}
	l := config.Log{Level: "info", Format: "text", Target: config.TargetStderr}
	c := p.openChangingLog(l)
	log := c.logger().With("folder", "out").WithGroup("g")
	log.Info("first", "n", 1)
	l.Target, l.File, l.MaxSize, l.Format = config.TargetFile, filepath.Join(t.TempDir(), "x.log"), 1<<20, "json"
	c.Change(l)
	log.Info("second", "n", 2)
	moved := l.File
	l.File = filepath.Join(moved, "below a file")
	if err := c.Try(l); err == nil {
		t.Error("a file below a file can be opened")
	}
	c.Change(l)
	log.Info("third", "n", 3)
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(moved)
	if err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.Contains(got, "msg=first folder=out g.n=1\n") || strings.Contains(got, "second") {
		t.Errorf("standard error has %q", got)
	}
	for _, want := range []string{`"msg":"second","folder":"out","g":{"n":2}}`, `"msg":"the log stays as it was"`, `"msg":"third"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the file lacks %s:\n%s", want, text)
		}
	}
}

// A log that cannot be opened at the start is no reason to send nothing.
func TestLogThatCannotBeOpened(t *testing.T) {
	var out bytes.Buffer
	p := &program{terminal: terminal{out: &out, err: &out}}
	file := filepath.Join(t.TempDir(), "a file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l := config.Log{Level: "info", Format: "text", Target: config.TargetFile, File: filepath.Join(file, "x.log"), MaxSize: 1 << 20}
	c := p.openChangingLog(l)
	c.logger().Info("watching")
	if got := out.String(); !strings.Contains(got, "level=ERROR msg=\"the log goes here") || !strings.Contains(got, "msg=watching") {
		t.Errorf("standard error has %q", got)
	}
	l.File = filepath.Join(filepath.Dir(file), "y.log")
	if err := c.Try(l); err != nil {
		t.Error(err)
	}
	c.Change(l)
	c.logger().Info("moved")
	if err := c.close(); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(l.File); err != nil || !strings.Contains(string(text), "msg=moved") {
		t.Errorf("%s, %v", text, err)
	}
}

func TestEventLogIsForWindows(t *testing.T) {
	p := &program{}
	l, err := p.openLog(config.Log{Level: "info", Target: config.TargetEventLog})
	if err == nil { // on Windows
		err = l.Close()
	} else if strings.Contains(err.Error(), "only Windows") {
		err = nil
	}
	if err != nil {
		t.Error(err)
	}
}
