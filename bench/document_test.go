package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestReplaceSection(t *testing.T) {
	begin, end := marks("idle")
	begin, end = begin+"\n", end+"\n"
	other, otherEnd := marks("latency")
	rest := other + "\nstays\n" + otherEnd + "\n"
	got, err := replaceSection("# Title\n"+rest+begin+"old\n"+end+"prose\n", "idle", "\nnew\n\n")
	if want := "# Title\n" + rest + begin + "\nnew\n\n" + end + "prose\n"; err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	if again, err := replaceSection(got, "idle", "new"); err != nil || again != got {
		t.Errorf("a second time: %q, %v", again, err)
	}
	for name, document := range map[string]string{
		"no markers": rest, "no end": begin, "no beginning": end, "in reverse": end + begin, "twice": begin + end + begin + end,
	} {
		if got, err := replaceSection(document, "idle", "new"); !errors.Is(err, errMarkers) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestWrite(t *testing.T) {
	name := filepath.Join(t.TempDir(), "doc.md")
	if err := checkDocument(name, []string{"idle"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a document that is not there: %v", err)
	}
	begin, end := marks("idle")
	if err := os.WriteFile(name, []byte("a\n"+begin+"\n"+end+"\nb\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := checkDocument(name, []string{"idle", "latency"}); !errors.Is(err, errMarkers) {
		t.Errorf("a document without a place: %v", err)
	}
	err := errors.Join(checkDocument(name, []string{"idle"}), write(name, "idle", section{text: "new", chart: "<svg/>"}))
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{name: "a\n" + begin + "\n\nnew\n\n" + end + "\nb\n", chartOf(name, "idle"): "<svg/>"} {
		if got, err := os.ReadFile(file); err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v", file, got, err)
		}
	}
}

func TestChartOf(t *testing.T) {
	for section, want := range map[string]string{
		"transfers": "docs/performance.svg", "transfers-full": "docs/performance-full.svg", "delta": "docs/performance-delta.svg",
	} {
		if got := chartOf("docs/performance.md", section); got != want {
			t.Errorf("%s: %s", section, got)
		}
	}
}

// TestOwnDocument holds that the document of this project has a place for everything.
func TestOwnDocument(t *testing.T) {
	for _, set := range []string{"table", "full"} {
		o := options{parts: parts, set: set}
		if err := checkDocument(filepath.Join("..", defaultOut), o.sections()); err != nil {
			t.Error(err)
		}
	}
}
