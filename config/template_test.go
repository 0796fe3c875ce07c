package config

import (
	"path"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
)

var someDay = time.Date(2026, time.March, 7, 23, 59, 0, 0, time.UTC)

func TestTemplateExpand(t *testing.T) {
	for _, test := range []struct{ template, path, want string }{
		// A directory keeps the file's relative path.
		{"", "a.xml", "a.xml"},
		{"", "sub/dir/a.xml", "sub/dir/a.xml"},
		{"in", "a.xml", "in/a.xml"},
		{"in/", "sub/a.xml", "in/sub/a.xml"},
		{"./in//x/.", "sub/a.xml", "in/x/sub/a.xml"},
		{"/", "a.xml", "/a.xml"},
		{"/in", "a.xml", "/in/a.xml"},
		{"invoices/{yyyy}-{mm}", "sub/a.xml", "invoices/2026-03/sub/a.xml"},
		{"{agent}/{folder}/{yyyy}{mm}{dd}", "a.xml", "erp-1/invoices/20260307/a.xml"},
		// A last element with the file's name takes the subdirectory before it.
		{"{name}", "a.xml", "a.xml"},
		{"{name}", "sub/a.xml", "sub/a.xml"},
		{"in/{name}", "sub/dir/a.xml", "in/sub/dir/a.xml"},
		{"in/{stem}_{dd}{ext}", "sub/a.tar.gz", "in/sub/a.tar_07.gz"},
		{"/in/{folder}-{name}", "a.xml", "/in/invoices-a.xml"},
		{"in/{stem}.pdf", "a.xml", "in/a.pdf"},
		// In other elements, and with / at the end, those words make directories.
		{"{stem}/{name}", "sub/a.xml", "a/sub/a.xml"},
		{"{stem}/", "sub/a.xml", "a/sub/a.xml"},
		{"by-type/x{ext}/", "a.xml", "by-type/x.xml/a.xml"},
		// Names that look like something else.
		{"{stem}{ext}", "{yyyy}", "{yyyy}"},
		{"in/{name}", "{name}{folder}.{ext}", "in/{name}{folder}.{ext}"},
		{"{folder}", "{sub}/}{", "invoices/{sub}/}{"},
		{"{stem}|{ext}|{name}", ".profile", ".profile||.profile"},
		{"{stem}|{ext}|{name}", "a.", "a.||a."},
		{"{stem}|{ext}|{name}", "...", "...||..."},
		{"{stem}|{ext}|{name}", "..a.b", "..a|.b|..a.b"},
		{"{stem}|{ext}|{name}", "\xff.\xfe", "\xff|.\xfe|\xff.\xfe"},
		// Elements without anything in them are no reason to end up at the server's root, or above.
		{"{ext}/{name}", "README", "README"},
		{"{ext}/", "README", "README"},
		{".{ext}/{name}", "README", "README"},
		{"/{ext}/{name}", "README", "/README"},
	} {
		tpl, err := ParseTemplate(test.template)
		if err != nil {
			t.Errorf("%s: %v", test.template, err)
			continue
		}
		v := Values{Path: file.Path(test.path), At: someDay, Folder: "invoices", Agent: "erp-1"}
		if got := tpl.Expand(v); got != test.want {
			t.Errorf("%q of %q is %q, want %q", test.template, test.path, got, test.want)
		}
		if tpl.String() != test.template {
			t.Errorf("%q prints as %q", test.template, tpl)
		}
	}
}

func TestTemplateDateIsThatOfTheZone(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	tpl, err := ParseTemplate("{yyyy}-{mm}-{dd}")
	if err != nil {
		t.Fatal(err)
	}
	if got := tpl.Expand(Values{Path: "a", At: someDay.In(berlin)}); got != "2026-03-08/a" {
		t.Errorf("got %s", got)
	}
}

func TestParseTemplateRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"{foo}":       "unknown placeholder {foo}: known are {name} {stem} {ext} {yyyy} {mm} {dd} {folder} {agent}",
		"{}":          "unknown placeholder {}: known are {name} {stem} {ext} {yyyy} {mm} {dd} {folder} {agent}",
		"{Name}":      "unknown placeholder {Name}: did you mean {name}?",
		"{ name }":    "unknown placeholder { name }: did you mean {name}?",
		"a/{yy}":      "unknown placeholder {yy}: known are {name} {stem} {ext} {yyyy} {mm} {dd} {folder} {agent}",
		"a/{yyy}":     "unknown placeholder {yyy}: did you mean {yyyy}?",
		"{name":       `"{name" has a { without a }`,
		"{na{name}":   `"{na{name}" has a { without a }`,
		"{folder/x}":  `"{folder" has a { without a }`,
		"name}":       `"name}" has a } without a {`,
		"{name}}":     `"{name}}" has a } without a {`,
		"..":          `".." leads out of the directory`,
		"a/../b":      `".." leads out of the directory`,
		"/..":         `".." leads out of the directory`,
		".{ext}./x":   `".." leads out of the directory`,
		"{ext}":       "its last element names the file by {ext} alone, so that files would replace one another: add {name} or {stem}; or end in / to make directories by extension",
		"a/{dd}{ext}": "its last element names the file by {ext} alone, so that files would replace one another: add {name} or {stem}; or end in / to make directories by extension",
		"a\x00b":      `"a\x00b" holds a control character`,
		"a\nb":        `"a\nb" holds a control character`,
	} {
		if tpl, err := ParseTemplate(text); err == nil {
			t.Errorf("%q is taken as %q", text, tpl)
		} else if err.Error() != want {
			t.Errorf("%q: got\n%v\nwant\n%s", text, err, want)
		}
	}
}

func TestJoinRemote(t *testing.T) {
	for _, test := range []struct{ root, path, want string }{
		{"", "", "."},
		{"", "in/a", "in/a"},
		{"~", "", "."},
		{"~", "a", "a"},
		{"~/", "a", "a"},
		{"~//x", "a", "x/a"},
		{"~/x/", "in/a", "x/in/a"},
		{"x", "a", "x/a"},
		{"/incoming", "", "/incoming"},
		{"/incoming/", "in/a", "/incoming/in/a"},
		{"/", "a", "/a"},
		{"/incoming", "/other//a", "/other/a"},
		{"~", "/", "/"},
		{"/incoming", "~/a", "/incoming/~/a"}, // a directory of that name in the folder
	} {
		if got := JoinRemote(test.root, test.path); got != test.want {
			t.Errorf("JoinRemote(%q, %q) = %q, want %q", test.root, test.path, got, test.want)
		}
	}
}

func TestRemoteAndArchivePaths(t *testing.T) {
	c := parse(t, strings.Replace(least, `to = ["acme"]`, `to = ["acme:{folder}/{yyyy}"]`, 1)+"after = \"archive\"\narchive = \"/srv/sent/{mm}/\"")
	f := c.Folders[0]
	tpl, err := f.To[0].Template()
	if err != nil {
		t.Fatal(err)
	}
	d := Destination{Root: "/incoming"}
	v := Values{Path: "sub/a.xml", At: someDay, Folder: f.Name}
	if got := d.RemotePath(tpl, v); got != "/incoming/invoices/2026/sub/a.xml" {
		t.Errorf("remote path %s", got)
	}
	archive, err := f.ArchiveTemplate()
	if err != nil {
		t.Fatal(err)
	}
	if got := archive.Expand(v); !strings.HasSuffix(got, "/srv/sent/03/sub/a.xml") {
		t.Errorf("archive path %s", got)
	}
}

func FuzzParseTemplate(f *testing.F) {
	for _, seed := range [][2]string{
		{"invoices/{yyyy}-{mm}", "sub/a.xml"},
		{"/{agent}/{folder}/{stem}_{dd}{ext}", "a.tar.gz"},
		{"{ext}/{name}", "README"},
		{".{ext}.", "a."},
		{"~/x{", "..."},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, text, name string) {
		tpl, err := ParseTemplate(text)
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without words")
			}
			return
		}
		if name == "" || path.Clean(name) != name || strings.HasPrefix(name, "/") || name == "." || hasDotDot(name) {
			return // not the path of a file in a folder
		}
		v := Values{Path: file.Path(name), At: someDay, Folder: "f", Agent: "a"}
		got := tpl.Expand(v)
		if hasDotDot(got) {
			t.Errorf("%q of %q leads out: %q", text, name, got)
		}
		if strings.HasPrefix(got, "/") != strings.HasPrefix(text, "/") {
			t.Errorf("%q of %q is %q: only an absolute template may lead to an absolute path", text, name, got)
		}
		if dir := string(v.Path.Dir()); !strings.Contains(got, dir) {
			t.Errorf("%q of %q is %q, without the subdirectory", text, name, got)
		}
		if joined := JoinRemote("/root/x", got); !strings.HasPrefix(got, "/") && !strings.HasPrefix(joined, "/root/x/") {
			t.Errorf("%q of %q is %q, outside of the root", text, name, joined)
		}
		if stem, ext := splitExt(v.Path.Base()); stem == "" || stem+ext != v.Path.Base() {
			t.Errorf("%q splits into %q and %q", name, stem, ext)
		}
	})
}
