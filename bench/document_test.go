package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestReplaceFigures(t *testing.T) {
	begin, end := figuresBegin+"\n", figuresEnd+"\n"
	got, err := replaceFigures("# Title\n"+begin+"old\n"+end+"prose\n", "\nnew\n\n")
	if want := "# Title\n" + begin + "\nnew\n\n" + end + "prose\n"; err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	if again, err := replaceFigures(got, "new"); err != nil || again != got {
		t.Errorf("a second time: %q, %v", again, err)
	}
	for name, document := range map[string]string{
		"no markers": "prose\n", "no end": begin, "no beginning": end, "in reverse": end + begin, "twice": begin + end + begin + end,
	} {
		if got, err := replaceFigures(document, "new"); !errors.Is(err, errMarkers) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestRewriteDocument(t *testing.T) {
	name := filepath.Join(t.TempDir(), "doc.md")
	if err := checkDocument(name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a document that is not there: %v", err)
	}
	if err := os.WriteFile(name, []byte("a\n"+figuresBegin+"\n"+figuresEnd+"\nb\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(checkDocument(name), rewriteDocument(name, "new")); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(name)
	if want := "a\n" + figuresBegin + "\n\nnew\n\n" + figuresEnd + "\nb\n"; err != nil || string(got) != want {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestOwnDocument holds that the document of this project can take a result.
func TestOwnDocument(t *testing.T) {
	if err := checkDocument(filepath.Join("..", defaultOut)); err != nil {
		t.Error(err)
	}
}
