package config

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// exampleFile is the file that people copy.
var exampleFile = filepath.Join("..", "agent.toml.example")

func readExample(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Nothing that the example names exists here, so that reading any of it would fail.
func TestExampleLoadsWithoutReadingSecrets(t *testing.T) {
	c, err := Load(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Destinations) != 2 || len(c.Folders) != 2 {
		t.Errorf("%d destinations and %d folders", len(c.Destinations), len(c.Folders))
	}
	for _, d := range c.Destinations {
		if s := d.Password; s.IsSet() {
			if _, err := s.Read(nil); err == nil {
				t.Errorf("the password of %s can be read", d.Name)
			}
		}
	}
}

// section returns the lines of the example from header to the next header of a table.
func section(t *testing.T, text, header string) string {
	t.Helper()
	_, rest, ok := strings.Cut("\n"+text, "\n"+header+"\n")
	if !ok {
		t.Fatalf("the example has no %s", header)
	}
	if i := strings.Index(rest, "\n["); i >= 0 {
		rest = rest[:i]
	}
	return rest
}

// keysOf returns how a file writes the fields of a struct.
func keysOf(v any) []string {
	var keys []string
	for _, f := range reflect.VisibleFields(reflect.TypeOf(v)) {
		if f.Name == "Line" || !f.IsExported() {
			continue
		}
		var key strings.Builder
		for i, r := range f.Name {
			// A run of capitals is one word: URL, CAFile.
			if i > 0 && unicode.IsUpper(r) && (unicode.IsLower(rune(f.Name[i-1])) || i+1 < len(f.Name) && unicode.IsLower(rune(f.Name[i+1]))) {
				key.WriteByte('_')
			}
			key.WriteRune(unicode.ToLower(r))
		}
		keys = append(keys, key.String())
	}
	return keys
}

func TestVocabularyIsThatOfTheStructs(t *testing.T) {
	for k, v := range map[kind]any{
		kindAgent: Agent{}, kindLog: Log{}, kindDest: Destination{}, kindFolder: Folder{}, kindRetry: Retry{}, kindSchedule: Schedule{}, kindSecret: Secret{},
		kindControl: Control{}, kindNotify: Notify{}, kindHooks: Hooks{},
	} {
		got, want := vocabulary(k).keys, keysOf(v)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s has the keys %q, and its struct the fields %q", k, got, want)
		}
	}
}

func TestNoKeyIsBothKnownAndLater(t *testing.T) {
	for _, k := range append(kinds(), kindSecret) {
		w := vocabulary(k)
		all := slices.Sorted(slices.Values(slices.Concat(w.keys, w.later)))
		if once := slices.Compact(slices.Clone(all)); !slices.Equal(all, once) {
			t.Errorf("%s has a key twice: %q", k, all)
		}
	}
}

func TestExampleNamesEveryKey(t *testing.T) {
	text := readExample(t)
	for k, where := range map[kind]string{
		top:          text,
		kindAgent:    section(t, text, "[agent]"),
		kindLog:      section(t, text, "[log]"),
		kindDefaults: section(t, text, "[defaults]"),
		kindDest:     section(t, text, "[[destination]]"),
		kindRetry:    section(t, text, "[defaults]"),
		kindSchedule: section(t, text, "[[destination]]"),
		kindSecret:   section(t, text, "[[destination]]"),
		kindControl:  section(t, text, "[control]"),
		kindNotify:   text[strings.Index(text, "\n[[notify]]"):],
		kindHooks:    section(t, text, "[[folder]]"),
	} {
		for _, key := range vocabulary(k).keys {
			if !regexp.MustCompile(`(?m)(^|[ {\[])` + key + `(\]| = )`).MatchString(where) {
				t.Errorf("%s does not show %s", k, key)
			}
		}
	}
	_, second, _ := strings.Cut(text, "\n[[folder]]\n")
	folder := section(t, text, "[[folder]]") + section(t, second, "[[folder]]") + section(t, text, "[defaults]")
	for _, key := range vocabulary(kindFolder).keys {
		if !regexp.MustCompile(`(?m)^(# )?` + key + ` = `).MatchString(folder) {
			t.Errorf("neither [[folder]] nor [defaults] shows %s", key)
		}
	}
	for _, p := range placeholders() {
		if !strings.Contains(text, "{"+p+"}") {
			t.Errorf("{%s} is not explained", p)
		}
	}
}

func TestExampleNamesNoKeyOfLaterVersions(t *testing.T) {
	text := readExample(t)
	for _, k := range kinds() {
		for _, key := range vocabulary(k).later {
			if regexp.MustCompile(`(?m)^(# )?\[*` + key + `(\]| = )`).MatchString(text) {
				t.Errorf("the example shows %s, which this version does not have", key)
			}
		}
	}
}

// The example promises that what stands behind a # is the default.
func TestExampleShowsTheDefaults(t *testing.T) {
	noDefault := regexp.MustCompile(`^# (name|state_dir|file|password|known_hosts|temp_dir|file_mode|was|requests|open_files|transfers|max_session_age|schedule|bandwidth_times|jump|proxy|proxy_user|proxy_password|bind_address|ssh_config|ssh_config_file|host_key_alias|certificate|answers|legacy_algorithms|expect|hooks|signing_key|ca_file) = `)
	commented := regexp.MustCompile(`^# [a-z_]+ = `)
	lines := strings.Split(readExample(t), "\n")
	shown := 0
	for i, line := range lines {
		if commented.MatchString(line) && !noDefault.MatchString(line) {
			lines[i] = strings.TrimPrefix(line, "# ")
			shown++
		}
	}
	if shown < 15 {
		t.Errorf("only %d defaults are shown", shown)
	}
	with, err := Parse(exampleFile, []byte(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	without, err := Load(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	with.lines, without.lines = nil, nil
	if !reflect.DeepEqual(with, without) {
		t.Errorf("with what it shows:\n%+v\nwithout:\n%+v", with, without)
	}
}
