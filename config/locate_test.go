package config

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

// root is the place of the document.
const root place = ""

func TestLocate(t *testing.T) {
	const text = `# a comment = 1
version = 1
dotted.key.here = 1   # not.here = 2

"quoted key"."a\tb" = 'x'
'literal\t' = "#not a comment [nor a table]"
multi = """
folder = 1
\""" still in it
five quotes"""""
raw = '''
[nor.this]
'' '''''
after = 1
[agent]
name = "x"
	[ agent . deep ]
	k = 1
[[folder]]
name = "a"
to = [ "x", # first ]
  "y]",

  { env = "z",
    file = [1,
      2] },
]
[folder.retry]
max = "1s"
[[folder.hook]]
on = 1
[[folder]]
retry = { initial = "1s", max.deep = "2s" }
[[folder.hook]]
[[folder.hook]]
on = 2
[ "folder" . 'retry2' ]
date = 1979-05-27 07:32:00 # with a space
last = 1`
	got := locate(text)
	folder0, folder1 := root.key("folder").index(0), root.key("folder").index(1)
	for at, want := range map[place]int{
		root.key("version"):                             2,
		root.key("dotted"):                              3,
		root.key("dotted").key("key").key("here"):       3,
		root.key("quoted key").key("a\tb"):              5,
		root.key(`literal\t`):                           6,
		root.key("multi"):                               7,
		root.key("raw"):                                 11,
		root.key("after"):                               14,
		root.key("agent"):                               15,
		root.key("agent").key("name"):                   16,
		root.key("agent").key("deep"):                   17,
		root.key("agent").key("deep").key("k"):          18,
		root.key("folder"):                              19,
		folder0:                                         19,
		folder0.key("name"):                             20,
		folder0.key("to"):                               21,
		folder0.key("to").index(0):                      21,
		folder0.key("to").index(1):                      22,
		folder0.key("to").index(2):                      24,
		folder0.key("to").index(2).key("env"):           24,
		folder0.key("to").index(2).key("file"):          25,
		folder0.key("to").index(2).key("file").index(1): 26,
		folder0.key("retry"):                            28,
		folder0.key("retry").key("max"):                 29,
		folder0.key("hook").index(0).key("on"):          31,
		folder1:                                         32,
		folder1.key("retry").key("initial"):             33,
		folder1.key("retry").key("max").key("deep"):     33,
		folder1.key("hook").index(0):                    34,
		folder1.key("hook").index(1):                    35,
		folder1.key("hook").index(1).key("on"):          36,
		folder1.key("retry2"):                           37,
		folder1.key("retry2").key("date"):               38,
		folder1.key("retry2").key("last"):               39,
	} {
		if line, ok := got[at]; !ok || line != want {
			t.Errorf("%q is on line %d, want %d", at, line, want)
		}
	}
	for at := range got {
		if strings.Contains(string(at), "not") || strings.Contains(string(at), "nor") {
			t.Errorf("%q is no key", at)
		}
	}
}

func TestLinesOfWhatIsNotWritten(t *testing.T) {
	l := locate("version = 1\n\n[agent]\n[[folder]]\nto = [\"x\"]\n")
	for at, want := range map[place]int{
		root:                          1,
		root.key("log").key("level"):  1,
		root.key("agent").key("name"): 3,
		root.key("folder").index(0).key("retry").key("max"):      4,
		root.key("folder").index(0).key("to").index(7):           5,
		root.key("folder").index(0).key("name").index(3).key(""): 4,
	} {
		if got := l.of(at); got != want {
			t.Errorf("%q: line %d, want %d", at, got, want)
		}
	}
}

// unlocated returns the places of a decoded document that found has no line for, or an impossible one.
func unlocated(v any, at place, found lines, last int) []place {
	var missing []place
	if line, ok := found[at]; at != root && (!ok || line < 1 || line > last) {
		missing = append(missing, at)
	}
	if list, ok := tablesIn(v); ok {
		for i, v := range list {
			missing = append(missing, unlocated(v, at.index(i), found, last)...)
		}
		return missing
	}
	switch v := v.(type) {
	case map[string]any:
		for k, v := range v {
			if _, list := tablesIn(v); k == "" && list {
				continue // the decoder drops a list's other elements under an empty key (BurntSushi/toml 1.6.0)
			}
			missing = append(missing, unlocated(v, at.key(k), found, last)...)
		}
	case []any:
		for i, v := range v {
			missing = append(missing, unlocated(v, at.index(i), found, last)...)
		}
	}
	return missing
}

// FuzzParse feeds whatever text to the loader. It must not panic, its faults must be in the file, and every key of a
// valid TOML text must be located.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"../agent.toml.example", "testdata/ten-faults.toml"} {
		text, err := os.ReadFile(filepath.FromSlash(name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	for _, text := range []string{
		least,
		"\uFEFF" + strings.ReplaceAll(least, "\n", "\r\n"),
		"a.'b'.\"c\\u0000\" = [[1, {x = '''\n''', y.z = \"\"\"\\\n\"\"\"\"\"}],\n# c\n]",
		"[[a]]\n[[a.b]]\n[a.b.c]\nd = 1\n[[a.b]]\n[[a]]\n[[a.b]]\n",
		"destination = [{\n  name = \"x\", # c\n  password = {\n env = \"X\" } }]\nfolder = []",
		"[",
		"\"",
		"x = '''",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		last := 1 + strings.Count(text, "\n")
		locate(text)

		var values map[string]any
		_, invalid := toml.Decode(text, &values)
		if invalid == nil {
			for _, at := range unlocated(values, root, locate(text), last) {
				t.Errorf("no line for %q", at)
			}
		}
		c, err := Parse("agent.toml", []byte(text))
		if err == nil {
			if c.Agent.Name == "" || c.Agent.StateDir == "" {
				t.Errorf("a configuration without name or state: %+v", c.Agent)
			}
			return
		}
		var faults Faults
		if !errors.As(err, &faults) || len(faults) == 0 || !faults.Fatal() {
			t.Fatalf("Parse returned %T %v", err, err)
		}
		for _, fault := range faults {
			if fault.Line < 1 || fault.Line > last || fault.Text == "" || fault.File != "agent.toml" {
				t.Errorf("%+v, in a file of %d lines", fault, last)
			}
			if strings.Contains(fault.String(), "\n") {
				t.Errorf("a fault of several lines: %s", strconv.Quote(fault.String()))
			}
		}
	})
}
