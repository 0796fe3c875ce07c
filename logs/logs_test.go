package logs

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestEscape(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"plain äöü 漢字 👩‍🔬", "plain äöü 漢字 👩‍🔬"},
		{"two\nlines\tand a tab", "two\nlines\tand a tab"},
		{"\x1b[2J\x07", `\x1b[2J\x07`},
		{"carriage\rreturn", `carriage\x0dreturn`},
		{"\x7f", `\u007f`},
		{"\u009b31m", `\u009b31m`},
		{"\x9b31m", `\x9b31m`},
		{"gpj.\u202egnp.exe", `gpj.\u202egnp.exe`},
		{"a\u2066b\u2069\u061c\u200e", `a\u2066b\u2069\u061c\u200e`},
		{"line\u2028paragraph\u2029", `line\u2028paragraph\u2029`},
		{"half \xe6\xbc", `half \xe6\xbc`},
		{"\ufffd is a letter", "\ufffd is a letter"},
	} {
		if got := string(Escape([]byte(c.text))); got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}

// Whoever reads JSON gets the name that was meant.
func TestEscapedJSONSaysTheSame(t *testing.T) {
	name := "a\x1b[2J\u009b\u202e\u2028\x7f\n.txt"
	text, err := json.Marshal(map[string]string{"path": name})
	if err != nil {
		t.Fatal(err)
	}
	safe := Escape(text)
	var got map[string]string
	if err := json.Unmarshal(safe, &got); err != nil || got["path"] != name {
		t.Errorf("%s: %q, %v", safe, got["path"], err)
	}
}

// record writes one record and returns its line.
func record(t *testing.T, form Form, sink func(*bytes.Buffer) Sink, level slog.Level, message string, args ...any) string {
	t.Helper()
	var out bytes.Buffer
	l := New(sink(&out), slog.LevelDebug, form)
	slog.New(l).With("folder", "out").Log(t.Context(), level, message, args...)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func stream(out *bytes.Buffer) Sink  { return Stream{out} }
func journal(out *bytes.Buffer) Sink { return Journal{out} }

func TestTextIsOneLine(t *testing.T) {
	line := record(t, Form{}, stream, slog.LevelInfo, "delivered", "path", "evil\nlevel=ERROR msg=\"forged\"\x1b[2J\u202e", "error", errors.New("a\rb"))
	if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") {
		t.Errorf("%q", line)
	}
	for _, want := range []string{"time=", "level=INFO", "msg=delivered", "folder=out", `path="evil\nlevel=ERROR msg=\"forged\"\x1b[2J\u202e"`, `error="a\rb"`} {
		if !strings.Contains(line, want) {
			t.Errorf("%q lacks %q", line, want)
		}
	}
}

func TestJSONIsOneSafeLine(t *testing.T) {
	line := record(t, Form{JSON: true}, stream, slog.LevelWarn, "x", "path", "evil\n\u009b\u202e")
	var got struct {
		Time  time.Time
		Level string
		Path  string
	}
	if err := json.Unmarshal([]byte(line), &got); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	if got.Path != "evil\n\u009b\u202e" || got.Level != "WARN" || got.Time.Location() != time.UTC {
		t.Errorf("%+v", got)
	}
	if strings.ContainsAny(line, "\u009b\u202e") || strings.Count(line, "\n") != 1 {
		t.Errorf("%q", line)
	}
}

func TestJournalPriorities(t *testing.T) {
	for level, want := range map[slog.Level]string{
		slog.LevelDebug: "<7>", slog.LevelInfo: "<6>", slog.LevelWarn: "<4>", slog.LevelError: "<3>", slog.LevelError + 4: "<3>", slog.LevelInfo + 1: "<6>",
	} {
		if got := record(t, Form{Bare: true}, journal, level, "watching"); got != want+"msg=watching folder=out\n" {
			t.Errorf("%v: %q", level, got)
		}
	}
}

func TestAsErrors(t *testing.T) {
	if got := AsErrors("dropferry: a\n    b\n"); got != "<3>dropferry: a\n<3>    b\n" {
		t.Errorf("%q", got)
	}
}

// A name cannot give a line another priority.
func TestJournalLineCannotBeForged(t *testing.T) {
	got := record(t, Form{Bare: true}, journal, slog.LevelInfo, "delivered", "path", "a\n<0>b")
	if strings.Count(got, "\n") != 1 || !strings.HasPrefix(got, "<6>") {
		t.Errorf("%q", got)
	}
}

func TestLevelIsHeldAndCanChange(t *testing.T) {
	var out bytes.Buffer
	level := &slog.LevelVar{}
	level.Set(slog.LevelWarn)
	log := slog.New(New(Stream{&out}, level, Form{})).WithGroup("g")
	log.Info("unheard")
	level.Set(slog.LevelInfo)
	log.Info("heard", "key", 1)
	if got := out.String(); strings.Contains(got, "unheard") || !strings.Contains(got, "g.key=1") {
		t.Errorf("%q", got)
	}
}

func TestWriterTellsThatAllWasWritten(t *testing.T) {
	var out bytes.Buffer
	n, err := Writer{&out}.Write([]byte("a\x1bb"))
	if n != 3 || err != nil || out.String() != `a\x1bb` {
		t.Errorf("%d, %v, %q", n, err, out.String())
	}
}
