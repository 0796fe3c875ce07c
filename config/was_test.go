package config

import (
	"fmt"
	"testing"
)

const twoNames = `version = 1
[[destination]]
name = "acme"
host = "h"
user = "u"
password = { env = "X" }
%[1]s
[[destination]]
name = "globex"
host = "g"
user = "u"
password = { env = "X" }
%[2]s
[[folder]]
name = "a"
path = "/srv/a"
to = ["acme", "globex"]
%[3]s
`

func TestWas(t *testing.T) {
	c := parse(t, fmt.Sprintf(twoNames, `was = "old"`, `was = ""`, ``))
	if w := c.Destinations[0].Was; w == nil || *w != "old" {
		t.Errorf("an earlier name: %v", w)
	}
	if w := c.Destinations[1].Was; w == nil || *w != "" {
		t.Errorf("a new one: %v", w)
	}
	if w := c.Folders[0].Was; w != nil {
		t.Errorf("nothing given: %q", *w)
	}
}

func TestFaultsOfWas(t *testing.T) {
	checkBadFiles(t, []badFile{
		{"of another type", fmt.Sprintf(twoNames, ``, ``, `was = 1`), []string{`18: folder "a": was is a whole number, not text: was = "..."`}},
		{"its own name", fmt.Sprintf(twoNames, `was = "acme"`, ``, ``), []string{
			`7: destination "acme": was = "acme" is its name now: leave it out, or write its earlier name`,
		}},
		{"a name in use", fmt.Sprintf(twoNames, `was = "globex"`, ``, ``), []string{
			`7: destination "acme": was = "globex" is the name of destination "globex" in this file: leave it out if the renaming has been applied; else rename first, and use the name again afterwards`,
		}},
		{"twice", fmt.Sprintf(twoNames, `was = "old"`, `was = "old"`, ``), []string{
			`13: destination "globex": was = "old" stands in destination "acme" too: only one of them can have been called that`,
		}},
	})
}

func TestFaultsOfNamesHaveTheirLines(t *testing.T) {
	c := parse(t, fmt.Sprintf(twoNames, ``, ``, ``))
	for _, row := range []struct {
		fault Fault
		line  int
		text  string
	}{
		{c.FolderFault("a", "is odd", "do this"), 15, `folder "a": is odd`},
		{c.DestinationFault("globex", "is odd", "do this"), 9, `destination "globex": is odd`},
		{c.StateDirFault("is odd", ""), 1, `agent: is odd`},
	} {
		if row.fault.Line != row.line || row.fault.Text != row.text || row.fault.File == "" {
			t.Errorf("%+v", row.fault)
		}
	}
}
