package config

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// faultsOf returns the faults of a text, each without the file's name.
func faultsOf(t *testing.T, text string) []string {
	t.Helper()
	c, err := Parse("agent.toml", []byte(text))
	var faults Faults
	switch {
	case err == nil:
		return nil
	case c != nil:
		t.Error("Parse returned both a configuration and an error")
	case !errors.As(err, &faults):
		t.Fatalf("Parse returned %T: %v", err, err)
	}
	var lines []string
	for _, f := range faults {
		lines = append(lines, strings.TrimPrefix(f.String(), "agent.toml:"))
	}
	return lines
}

// badFile is a text and all the faults that it must give rise to.
type badFile struct {
	name, text string
	want       []string
}

func checkBadFiles(t *testing.T, files []badFile) {
	t.Helper()
	for _, f := range files {
		t.Run(f.name, func(t *testing.T) {
			got, want := strings.Join(faultsOf(t, f.text), "\n"), strings.Join(f.want, "\n")
			if got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestFaultsOfKeysAndTypes(t *testing.T) {
	checkBadFiles(t, []badFile{
		{"empty", "", []string{
			`1: version is missing: the file begins with version = 1`,
		}},
		{"other version", "version = 2", []string{
			`1: version = 2 is not supported by this version: version = 1`,
		}},
		{"version of another type", `version = "1"`, []string{
			`1: version is text, not a whole number: without quotes: version = 1`,
		}},
		{"misspelt keys", least + "exlude = []\nPATH = 1\nzzzzz = 1", []string{
			`12: folder "invoices": unknown key "exlude": did you mean "exclude"?`,
			`13: folder "invoices": unknown key "PATH": did you mean "path"?`,
			`14: folder "invoices": unknown key "zzzzz"`,
		}},
		{"misspelt table", least + "[agnet]\nname = \"x\"", []string{
			`12: unknown key "agnet": did you mean "agent"?`,
		}},
		{"keys of other tables", least + "host = \"h\"\nmax = \"1s\"\n[agent]\nversion = 1\n[defaults]\ninclude = []", []string{
			`12: folder "invoices": unknown key "host": it belongs in [[destination]] or [[notify]]`,
			`13: folder "invoices": unknown key "max": it belongs in retry`,
			`15: agent: unknown key "version": it belongs in the top of the file`,
			`17: defaults: unknown key "include": it belongs in [[folder]]`,
		}},
		{"keys of later versions", least + "backfill = true\n[agent]\nname = \"a\"\n[defaults]\nsequential = false", []string{
			`12: folder "invoices": key "backfill" is not supported by this version`,
		}},
		{"wrong types", "version = 1\n[agent]\nname = 7\nmax_transfers = 1.5\nshutdown_grace = 30\n[defaults]\nexclude = \"*.tmp\"\nretry = \"1s\"\nafter = true\nrescan = 1979-05-27\nstable_for = [1]\n[log]\nlevel = {}", []string{
			`3: agent: name is a whole number, not text: name = "..."`,
			`4: agent: max_transfers is a number with a fraction, not a whole number`,
			`5: agent: shutdown_grace is a whole number, not a duration: shutdown_grace = "30s"`,
			`7: defaults: exclude is text, not a list: exclude = ["*.tmp"]`,
			`8: defaults: retry is text, not a table`,
			`9: defaults: after is true or false, not text: after = "..."`,
			`10: defaults: rescan is a date, not text: rescan = "..."`,
			`11: defaults: stable_for is a list, not text: stable_for = "..."`,
			`13: log: level is a table, not text: level = "..."`,
		}},
		{"one bracket for two", "version = 1\n[folder]\nname = \"f\"\n[[agent]]\nname = \"x\"", []string{
			`2: folder is a single table: write [[folder]] with two brackets, once for each folder`,
			`4: agent is a list of tables: write [agent], once`,
		}},
		{"tables that are none", "version = 1\ndestination = \"acme\"\nfolder = [1]\nlog = 1", []string{
			`2: destination is text, not tables: write [[destination]], once for each destination`,
			`3: folder is a list, not tables: write [[folder]], once for each folder`,
			`4: log is a whole number, not a table`,
		}},
		{"lists with other things", least + "include = [\n  1,\n  \"\",\n  \"ok\",\n]\nexclude = {}", []string{
			`13: folder "invoices": include holds a whole number where text must be`,
			`14: folder "invoices": include holds an empty string`,
			`17: folder "invoices": exclude is a table, not a list: exclude = ["..."]`,
		}},
		{"missing keys", "version = 1\n\n[[destination]]\n[[folder]]\nto = []\n[[folder]]\nname = \"\"", []string{
			`3: destination 1: host is missing: host = "sftp.example.com"`,
			`3: destination 1: name is missing: name = "acme"`,
			`3: destination 1: neither key_file nor password is given: key_file = "FILE" or password = { env = "NAME" }`,
			`3: destination 1: user is missing: user = "contoso"`,
			`4: folder 1: name is missing: name = "invoices"`,
			`4: folder 1: path is missing: path = "/srv/out"`,
			`5: folder 1: to is missing: to = ["DESTINATION:DIRECTORY"]`,
			`6: folder 2: path is missing: path = "/srv/out"`,
			`6: folder 2: to is missing: to = ["DESTINATION:DIRECTORY"]`,
			`7: folder 2: name is empty`,
		}},
		{"tables written inline", "version = 1\ndestination = [{ name = \"a\" },\n  { name = \"b\", host = \"h\", user = \"u\", password = { env = \"X\" }, prot = 22 }]", []string{
			`2: destination "a": host is missing: host = "sftp.example.com"`,
			`2: destination "a": neither key_file nor password is given: key_file = "FILE" or password = { env = "NAME" }`,
			`2: destination "a": user is missing: user = "contoso"`,
			`3: destination "b": unknown key "prot": did you mean "port"?`,
		}},
	})
}

// TestFaultsTogether is what a person sees who has made ten mistakes.
func TestFaultsTogether(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the faults show paths, which have other slashes there")
	}
	text, err := os.ReadFile(filepath.Join("testdata", "ten-faults.toml"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join("testdata", "ten-faults.txt"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Parse("agent.toml", text)
	var faults Faults
	if !errors.As(err, &faults) || len(faults) != 10 {
		t.Errorf("%d faults, want 10", len(faults))
	}
	if got := faults.Error() + "\n"; got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if key := faults[len(faults)-1].Key; key != "folder.retry.max" {
		t.Errorf("the last fault's key is %q", key)
	}
}

func TestFaultsTellWarningsApart(t *testing.T) {
	warning := Fault{File: "agent.toml", Text: "odd", Warning: true}
	fault := Fault{File: "agent.toml", Line: 3, Text: "bad", Hint: "good"}
	if got := (Faults{warning, fault}).Error(); got != "agent.toml: warning: odd\nagent.toml:3: bad: good" {
		t.Errorf("got %q", got)
	}
	if (Faults{warning}).Fatal() || !(Faults{warning, fault}).Fatal() {
		t.Error("Fatal does not tell warnings from faults")
	}
}
