package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestReadyMarkerAndSymlinks(t *testing.T) {
	const head = "version = 1\n[[destination]]\nname = \"d\"\nhost = \"h\"\nuser = \"u\"\nkey_file = \"k\"\n"
	folder := func(keys string) string {
		return head + "[[folder]]\nname = \"f\"\npath = \"/srv/f\"\nto = [\"d\"]\n" + keys
	}
	for _, test := range []struct {
		name, text              string
		ready, marker, symlinks string
		faults                  []string
	}{
		{"defaults", folder(""), "stable", "", "skip", nil},
		{"all of them", folder("ready = \"marker\"\nmarker = \"{stem}.ok\"\nsymlinks = \"skip\""), "marker", "{stem}.ok", "skip", nil},
		{"from [defaults]", head + "[defaults]\nready = \"rename\"\nsymlinks = \"follow-inside\"\n" + strings.TrimPrefix(folder(""), head), "rename", "", "follow-inside", nil},
		{"no marker", folder("ready = \"marker\""), "", "", "", []string{
			`folder "f": ready = "marker" without marker: marker = "{name}.done"`,
		}},
		{"a marker that nobody waits for", folder("marker = \"{name}.done\""), "", "", "", []string{
			`folder "f": marker is given, but ready = "stable": ready = "marker"`,
		}},
		{"a marker of nothing", folder("ready = \"marker\"\nmarker = \".done\""), "", "", "", []string{
			`folder "f": marker = ".done": neither {name} nor {stem} says which file it is for: marker = "{name}.done"`,
		}},
		{"a marker that is the file", folder("ready = \"marker\"\nmarker = \"{name}\""), "", "", "", []string{
			`folder "f": marker = "{name}": the file itself would be its marker: marker = "{name}.done"`,
		}},
		{"a marker elsewhere", folder("ready = \"marker\"\nmarker = \"done/{name}\""), "", "", "", []string{
			`folder "f": marker = "done/{name}": a marker lies in its file's directory: marker = "{name}.done"`,
		}},
		{"two placeholders", folder("ready = \"marker\"\nmarker = \"{name}{stem}\""), "", "", "", []string{
			`folder "f": marker = "{name}{stem}": {name} or {stem} stands in it once, and no other placeholder: marker = "{name}.done"`,
		}},
		{"links that would be taken away", folder("symlinks = \"follow-inside\"\nafter = \"delete\""), "", "", "", []string{
			`folder "f": symlinks = "follow-inside" with after = "delete": the link would be taken away, and not its file: after = "keep", or symlinks = "skip"`,
		}},
		{"links and markers", folder("symlinks = \"follow-inside\"\nready = \"marker\"\nmarker = \"{name}.done\""), "", "", "", []string{
			`folder "f": symlinks = "follow-inside" with ready = "marker": markers are waited for only beside the files themselves: symlinks = "skip"`,
		}},
		{"markers that are not waited for are sent", folder("marker_send = true"), "", "", "", []string{
			`folder "f": marker_send is true, but ready = "stable": ready = "marker"`,
		}},
		{"other words", folder("symlinks = \"follow\"\nready = \"stabel\""), "", "", "", []string{
			`folder "f": symlinks = "follow" is not one of skip, follow-inside: did you mean "follow-inside"?`,
			`folder "f": ready = "stabel" is not one of stable, marker, rename: did you mean "stable"?`,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "agent.toml")
			if err := os.WriteFile(name, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			c, err := Load(name)
			if len(test.faults) > 0 {
				var text []string
				for line := range strings.Lines(err.Error()) {
					_, rest, _ := strings.Cut(strings.TrimSpace(line), `folder "`)
					text = append(text, `folder "`+rest)
				}
				slices.Sort(text)
				slices.Sort(test.faults)
				if !slices.Equal(text, test.faults) {
					t.Errorf("got  %q\nwant %q", text, test.faults)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if f := c.Folders[0]; f.Ready != test.ready || f.Marker != test.marker || f.Symlinks != test.symlinks {
				t.Errorf("%q, %q, %q", f.Ready, f.Marker, f.Symlinks)
			}
		})
	}
}

// TestMarkersThatAreSentComeLast, besides whatever else does.
func TestMarkersThatAreSentComeLast(t *testing.T) {
	const head = "version = 1\n[[destination]]\nname = \"d\"\nhost = \"h\"\nuser = \"u\"\nkey_file = \"k\"\n[[folder]]\nname = \"f\"\npath = \"/srv/f\"\nto = [\"d\"]\nready = \"marker\"\n"
	for keys, want := range map[string][]string{
		"marker = \"{name}.done\"":                                                 nil,
		"marker = \"{name}.done\"\nmarker_send = true":                             {"*.done"},
		"marker = \"{name}[ok]\"\nmarker_send = true":                              {`*\[ok\]`},
		"marker = \"ok-{stem}\"\nmarker_send = true\nlast = [\"MANIFEST\"]":        {"MANIFEST", "ok-*"},
		"marker = \"{name}.done\"\nmarker_send = true\nlast = [\"*.done\", \"x\"]": {"*.done", "x"},
	} {
		name := filepath.Join(t.TempDir(), "agent.toml")
		if err := os.WriteFile(name, []byte(head+keys), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(name)
		if err != nil {
			t.Errorf("%s: %v", keys, err)
			continue
		}
		if f := c.Folders[0]; !slices.Equal(f.Last, want) || f.MarkerSend != strings.Contains(keys, "marker_send") {
			t.Errorf("%s: last %q, sent %v", keys, f.Last, f.MarkerSend)
		}
	}
}
