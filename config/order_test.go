package config

import (
	"slices"
	"testing"
)

func TestOrder(t *testing.T) {
	for _, c := range []struct {
		name, text string
		order      string
		sequential bool
		last       []string
	}{
		{"defaults", least, ByName, false, nil},
		{"of the folder", least + "order = \"mtime\"\nsequential = true\nlast = [\"*.done\", \"MANIFEST*\"]", ByTime, true, []string{"*.done", "MANIFEST*"}},
		{"of [defaults]", least + "[defaults]\norder = \"size\"\nsequential = true\nlast = [\"END\"]", BySize, true, []string{"END"}},
		{"of both", least + "order = \"name\"\nsequential = false\nlast = []\n[defaults]\norder = \"size\"\nsequential = true\nlast = [\"END\"]", ByName, false, nil},
		{"other patterns than those of [defaults]", least + "last = [\"*.ok\"]\n[defaults]\nlast = [\"END\"]", ByName, false, []string{"*.ok"}},
	} {
		f := parse(t, c.text).Folders[0]
		if f.Order != c.order || f.Sequential != c.sequential || !slices.Equal(f.Last, c.last) {
			t.Errorf("%s: %s, %v, %q", c.name, f.Order, f.Sequential, f.Last)
		}
	}
}

func TestFaultsOfOrder(t *testing.T) {
	checkBadFiles(t, []badFile{
		{"words", least + "order = \"Mtime\"\nsequential = \"true\"\nlast = \"*.done\"", []string{
			`12: folder "invoices": order = "Mtime" is not one of name, mtime, size: did you mean "mtime"?`,
			`13: folder "invoices": sequential is text, not true or false: without quotes: sequential = true`,
			`14: folder "invoices": last is text, not a list: last = ["*.done"]`,
		}},
		{"patterns", least + "last = [\"[a\", \"*\", \"**/*\", \"/x\", 3]", []string{
			`12: folder "invoices": last holds "*", which is every file: last = ["*.done"]`,
			`12: folder "invoices": last holds "**/*", which is every file: last = ["*.done"]`,
			`12: folder "invoices": last holds "/x", but patterns are relative to the folder: "x"`,
			`12: folder "invoices": last holds "[a", which is not a valid pattern`,
			`12: folder "invoices": last holds a whole number where text must be`,
		}},
		{"markers", least + "ready = \"marker\"\nmarker = \"{name}.done\"\nlast = [\"END\", \"*.done\"]", []string{
			`14: folder "invoices": last holds "*.done", which are the markers of the folder, and are not sent without marker_send: leave it out, or set marker_send = true`,
		}},
		{"markers and [defaults]", least + "ready = \"marker\"\nmarker = \"{stem}.done\"\n[defaults]\nlast = [\"*.done\"]", []string{
			`13: folder "invoices": last holds "*.done", which are the markers of the folder, and are not sent without marker_send: leave it out, or set marker_send = true`,
		}},
		{"elsewhere", least + "[agent]\norder = \"name\"", []string{
			`13: agent: unknown key "order": it belongs in [defaults] or [[folder]]`,
		}},
	})
}
