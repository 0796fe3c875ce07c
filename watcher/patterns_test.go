package watcher

import (
	"testing"

	"github.com/dropferry/dropferry/file"
)

func TestIsTemporary(t *testing.T) {
	tests := []struct {
		base    string
		pattern string // "" is not temporary
	}{
		{"a.xml", ""},
		{"a.part", "*.part"},
		{".part", "*.part"},
		{"a.tmp", "*.tmp"},
		{"a.tmp.xml", ""},
		{"tmp", ""},
		{"a.crdownload", "*.crdownload"},
		{"a.filepart", "*.filepart"},
		{"a.partial", "*.partial"},
		{"~$book.xlsx", "~*"},
		{"a~", ""},
		{".a.swp", "*.swp"},
		{".~lock.book.ods#", ".~lock*"},
		{".~loc", ""},
		{file.PrivateName("a.xml", "0123456789abcdef", file.TakenSuffix), ownNames},
		{file.PrivateName("a.xml", "0123456789abcdef", file.TempSuffix), "*.part"},
		{file.Marker, file.Marker},
		{".dropferryrc", ""},
		{"a.taken", ""},
		{"", ""},
	}
	for _, tt := range tests {
		pattern, ok := isTemporary(tt.base, false)
		if ok != (tt.pattern != "") || (ok && pattern != tt.pattern) {
			t.Errorf("%q: %q, %v, want %q", tt.base, pattern, ok, tt.pattern)
		}
	}
	if _, ok := isTemporary("A.TMP", true); !ok {
		t.Error("A.TMP is not temporary where case does not count")
	}
	if _, ok := isTemporary("A.TMP", false); ok {
		t.Error("A.TMP is temporary where case counts")
	}
}

func TestExcluded(t *testing.T) {
	ex := func(patterns ...string) Rules { return Rules{Exclude: patterns} }
	in := func(patterns ...string) Rules { return Rules{Include: patterns} }
	tests := []struct {
		name    string
		rules   Rules
		path    file.Path
		pattern string // "" is not excluded
	}{
		{"no rules", Rules{}, "a/b.xml", ""},
		{"built-in", Rules{}, "a/b.tmp", "*.tmp"},
		{"built-in on a directory", Rules{}, "a.tmp/b.xml", "*.tmp"},
		{"built-in before include", in("*.tmp"), "a.tmp", "*.tmp"},
		{"base name at the top", ex("*.log"), "a.log", "*.log"},
		{"base name deep down", ex("*.log"), "a/b/c.log", "*.log"},
		{"base name is not a prefix", ex("*.log"), "a.log.xml", ""},
		{"literal", ex("Thumbs.db"), "a/Thumbs.db", "Thumbs.db"},
		{"case counts", ex("Thumbs.db"), "a/thumbs.db", ""},
		{"directory by its name", ex("node_modules"), "a/node_modules/x/y.js", "node_modules"},
		{"directory by its name with a slash", ex("logs/"), "a/logs/x", "logs/"},
		{"directory by its path", ex("a/old"), "a/old/x/y", "a/old"},
		{"path is anchored", ex("a/old"), "b/a/old/x", ""},
		{"path with a leading slash", ex("/old"), "old/x", "/old"},
		{"path with a leading slash is anchored", ex("/old"), "a/old", ""},
		{"star stops at a slash", ex("a/*.xml"), "a/b/c.xml", ""},
		{"two stars do not", ex("a/**/*.xml"), "a/b/d/c.xml", "a/**/*.xml"},
		{"two stars match none", ex("a/**/*.xml"), "a/c.xml", "a/**/*.xml"},
		{"all below", ex("a/**"), "a/b/c", "a/**"},
		{"alternatives", ex("*.{bak,old}"), "x.old", "*.{bak,old}"},
		{"class", ex("[0-9]*"), "7up", "[0-9]*"},
		{"the first that matches", ex("*.b", "a*"), "a.b", "*.b"},
		{"middle star", ex("a*z"), "abcz", "a*z"},
		{"middle star does not overlap", ex("aba*aba"), "aba", ""},
		{"escaped star", ex(`\*.xml`), "a.xml", ""},
		{"not UTF-8", ex("*.\xff"), "a.\xff", "*.\xff"},
		{"a bad pattern matches nothing", ex("["), "[", ""},
		{"include", in("*.xml"), "a/b.xml", ""},
		{"not in include", in("*.xml", "*.pdf"), "a/b.txt", NotIncluded},
		{"include by path", in("in/**/*.xml"), "in/a/b.xml", ""},
		{"not in include by path", in("in/*.xml"), "in/a/b.xml", NotIncluded},
		{"exclude beats include", Rules{Include: []string{"*.xml"}, Exclude: []string{"a*"}}, "ab.xml", "a*"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, _ := newMatcher(tt.rules, false)
			pattern, excluded := m.file(tt.path)
			if excluded != (tt.pattern != "") || pattern != tt.pattern {
				t.Errorf("%q: %q, %v, want %q", tt.path, pattern, excluded, tt.pattern)
			}
		})
	}
	if pattern, excluded := Excluded(ex("*.log"), "a/b.log"); !excluded || pattern != "*.log" {
		t.Errorf("Excluded = %q, %v", pattern, excluded)
	}
}

func TestExcludedFoldsCase(t *testing.T) {
	m, err := newMatcher(Rules{Include: []string{"*.XML"}, Exclude: []string{"Old/*"}}, true)
	if err != nil {
		t.Fatal(err)
	}
	for p, want := range map[file.Path]string{"a.xml": "", "A.Xml": "", "OLD/a.xml": "Old/*", "a.PDF": NotIncluded} {
		if pattern, _ := m.file(p); pattern != want {
			t.Errorf("%q: %q, want %q", p, pattern, want)
		}
	}
}

// Include chooses files; a directory is walked whatever it is called.
func TestIncludeDoesNotApplyToDirectories(t *testing.T) {
	m, _ := newMatcher(Rules{Include: []string{"*.xml"}}, false)
	if pattern, excluded := m.dir("a/b"); excluded {
		t.Errorf("the directory is excluded by %q", pattern)
	}
}

func TestNewRefusesBadRules(t *testing.T) {
	for name, rules := range map[string]Rules{
		"exclude": {Root: "/x", Exclude: []string{"ok", "["}},
		"include": {Root: "/x", Include: []string{""}},
		"no root": {},
		"watch":   {Root: "/x", Watch: "sometimes"},
	} {
		if _, err := New(rules, nil); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
