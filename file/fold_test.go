package file_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/dropferry/dropferry/file"
)

func TestFolding(t *testing.T) {
	none, byCase, byForm, both := file.Folding{}, file.Folding{Case: true}, file.Folding{Form: true}, file.Folding{Case: true, Form: true}
	for _, row := range []struct {
		a, b string
		same []file.Folding
	}{
		{"a.txt", "a.txt", []file.Folding{none, byCase, byForm, both}},
		{"a.txt", "A.TXT", []file.Folding{byCase, both}},
		{"a.txt", "b.txt", nil},
		{"Sub/a", "sub/A", []file.Folding{byCase, both}},
		{"caf\u00e9", "cafe\u0301", []file.Folding{byForm, both}},
		{"CAF\u00c9", "cafe\u0301", []file.Folding{both}},
		{"\u00c9", "\u00e9", []file.Folding{byCase, both}},
		{"\u03c3\u03c2", "\u03a3\u03a3", []file.Folding{byCase, both}}, // both sigmas have one capital
		{"bad\xff", "BAD\xff", []file.Folding{byCase, both}},
		{"bad\xff", "bad\xfe", nil},
		{"bad\xff", "bad\xff", []file.Folding{none, byCase, byForm, both}},
	} {
		same := map[file.Folding]bool{}
		for _, f := range row.same {
			same[f] = true
		}
		for _, f := range []file.Folding{none, byCase, byForm, both} {
			if got := f.Same(row.a, row.b); got != same[f] {
				t.Errorf("%+v: %q and %q are one: %v", f, row.a, row.b, got)
			}
		}
	}
}

// TestFoldingIsFinal holds for any name: what was folded is folded.
func TestFoldingIsFinal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := file.Folding{Case: rapid.Bool().Draw(t, "case"), Form: rapid.Bool().Draw(t, "form")}
		name := rapid.String().Draw(t, "name")
		if once := f.Key(name); f.Key(once) != once || !f.Same(name, once) {
			t.Fatalf("%q, then %q", once, f.Key(once))
		}
	})
}
