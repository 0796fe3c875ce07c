package config

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/dropferry/dropferry/file"
)

func TestNames(t *testing.T) {
	for p, want := range map[file.Path]file.Path{
		"a/b.xml":          "a/b.xml",
		"12:30 report.csv": "12\uff1a30 report.csv",
		"a<b>/c|d?*":       "a\uff1cb\uff1e/c\uff5cd\uff1f\uff0a",
		`back\slash"`:      "back\uff3cslash\uff02",
		"dots../end.":      "dots.\uff0e/end\uff0e",
		"space /x ":        "space\u2420/x\u2420",
		".hidden/a b.c":    ".hidden/a b.c",
		"tab\there":        "tab\u2409here",
		"CON/con.txt":      "\u201bCON/\u201bcon.txt",
		"com1.log/LPT²":    "\u201bcom1.log/\u201bLPT²",
		"console/com10":    "console/com10",
		"a\uff1ab\u201b":   "a\u201b\uff1ab\u201b\u201b",
		"\xff.x":           "\xff.x",
	} {
		got := WindowsNames.Map(p)
		if got != want {
			t.Errorf("%q becomes %q, want %q", p, got, want)
		}
		if back := WindowsNames.Unmap(got); back != p {
			t.Errorf("%q comes back as %q", p, back)
		}
		if StrictNames.Map(p) != p {
			t.Errorf("strict changes %q", p)
		}
	}
}

// FuzzNames: every name comes back, and nothing that Windows refuses is left.
func FuzzNames(f *testing.F) {
	for _, s := range []string{"", "a", "CON", "a. .", "\u201b", "\u201b\uff1a", ":\xff:", "nul.tar.gz", "\u2420", "..", "aux /b."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if strings.ContainsRune(name, 0) { // which no system has in a name
			return
		}
		got := string(WindowsNames.Map(file.Path(name)))
		if back := WindowsNames.Unmap(file.Path(got)); string(back) != name {
			t.Fatalf("%q becomes %q and comes back as %q", name, got, back)
		}
		for e := range strings.SplitSeq(got, "/") {
			switch {
			case isDevice(e):
				t.Errorf("%q becomes the device %q", name, e)
			case strings.HasSuffix(e, ".") || strings.HasSuffix(e, " "):
				t.Errorf("%q becomes %q, whose end Windows drops", name, e)
			case strings.ContainsAny(e, `<>:"|?*\`):
				t.Errorf("%q becomes %q, which Windows refuses", name, e)
			}
		}
		if utf8.ValidString(name) && !utf8.ValidString(got) {
			t.Errorf("%q becomes %q, which is no UTF-8", name, got)
		}
	})
}
