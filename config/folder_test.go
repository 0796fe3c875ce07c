package config

import (
	"strings"
	"testing"
)

func TestFaultsOfValues(t *testing.T) {
	checkBadFiles(t, []badFile{
		{"names", "version = 1\n[agent]\nname = \"a/b\"\n" + strings.TrimPrefix(least, "version = 1\n") + "[[folder]]\nname = \"..\"\npath = \"/srv/x\"\nto = [\"acme:x\"]\n[[folder]]\nname = \"für\"\npath = \"/srv/y\"\nto = [\"acme:y\"]", []string{
			`3: agent: name = "a/b" is not made of the letters A-Z, a-z, digits, '.', '_' and '-'`,
			`15: folder "..": name = ".." is not made of the letters A-Z, a-z, digits, '.', '_' and '-'`,
			`19: folder "für": name = "für" is not made of the letters A-Z, a-z, digits, '.', '_' and '-'`,
		}},
		{"duplicate names", least + strings.TrimPrefix(destinationText, "version = 1\n") + "[[folder]]\nname = \"invoices\"\npath = \"/srv/b\"\nto = [\"acme:b\"]", []string{
			`13: destination "acme": the name is taken (line 3)`,
			`18: folder "invoices": the name is taken (line 9)`,
		}},
		{"durations", least + `rescan = "1 hour"
stable_for = "aut"
retry = { initial = "5", max = "3d", give_up_after = "-1h" }
[agent]
shutdown_grace = "0s"
[defaults]
stable_for = "soon"
rescan = "2w"
retry = { initial = "10m" }`, []string{
			`12: folder "invoices": rescan = "1 hour" is not a duration: rescan = "1h"`,
			`13: folder "invoices": stable_for = "aut" is not a duration: did you mean "auto"?`,
			`14: folder "invoices": retry: give_up_after = "-1h" is not more than 0`,
			`14: folder "invoices": retry: initial = "5" is not a duration: initial = "5s"`,
			`14: folder "invoices": retry: max = "3d" is not a duration: max = "72h"`,
			`16: agent: shutdown_grace = "0s" is not more than 0`,
			`18: defaults: stable_for = "soon" is not a duration: a number and a unit, such as "500ms", "30s", "5m" or "72h"`,
			`19: defaults: rescan = "2w" is not a duration: rescan = "336h"`,
			`20: defaults: retry: initial = "10m" is more than max = "5m"`,
		}},
		{"fixed words", least + "mode = \"miror\"\nafter = \"move\"\nverify = \"contents\"\nambiguous = \"deliver\"\ndelta = \"on\"\n[log]\nlevel = \"INFO\"\nformat = \"xml\"", []string{
			`12: folder "invoices": mode = "miror" is not one of outbox, mirror: did you mean "mirror"?`,
			`13: folder "invoices": after = "move" is not one of keep, archive, delete`,
			`14: folder "invoices": verify = "contents" is not one of auto, size, content: did you mean "content"?`,
			`15: folder "invoices": ambiguous = "deliver" is not one of delivered, hold: did you mean "delivered"?`,
			`16: folder "invoices": delta = "on" is not one of auto, off, always`,
			`18: log: level = "INFO" is not one of debug, info, warn, error: did you mean "info"?`,
			`19: log: format = "xml" is not one of auto, text, json`,
		}},
		{"numbers", destinationText + "port = 65536\n[agent]\nmax_transfers = 0", []string{
			`7: destination "acme": port = 65536 is not between 1 and 65535`,
			`9: agent: max_transfers = 0 is not between 1 and 1024`,
		}},
		{"numbers as text", destinationText + "port = \"22\"\n[agent]\nmax_transfers = \"8\"", []string{
			`7: destination "acme": port is text, not a whole number: without quotes: port = 22`,
			`9: agent: max_transfers = "8" is text: without quotes: max_transfers = 8`,
		}},
		{"word for a number", "version = 1\nagent = { max_transfers = \"atuo\" }", []string{
			`2: agent: max_transfers = "atuo" is neither a number nor "auto": did you mean "auto"?`,
		}},
		{"patterns", least + "include = [\"[a\", \"/abs/*\", \"./x\"]\nexclude = [\n\"tmp/\",\n\"../x\",\n\"{a\"]", []string{
			`12: folder "invoices": include holds "./x", but patterns are relative to the folder: "x"`,
			`12: folder "invoices": include holds "/abs/*", but patterns are relative to the folder: "abs/*"`,
			`12: folder "invoices": include holds "[a", which is not a valid pattern`,
			`14: folder "invoices": exclude holds "tmp/", which ends in / and so matches no file: "tmp/**"`,
			`15: folder "invoices": exclude holds "../x", but ".." is outside of the folder`,
			`16: folder "invoices": exclude holds "{a", which is not a valid pattern`,
		}},
		{"time zone", least + "timezone = \"Berlin\"", []string{
			`12: folder "invoices": timezone = "Berlin" is unknown: an IANA name such as "UTC" or "Europe/Berlin"; or "Local"`,
		}},
		{"Windows path with escapes", "version = 1\nagent.state_dir = \"C:\\temp\"", []string{
			`2: agent: state_dir = "C:\temp" holds a control character: if a backslash was meant, write '...' instead of "..."`,
		}},
		{"after without archive", least + "after = \"archive\"", []string{
			`12: folder "invoices": after = "archive" without archive: archive = "/srv/sent/{yyyy}/{mm}"`,
		}},
		{"archive without after", least + "archive = \"/srv/sent\"", []string{
			`12: folder "invoices": archive is given, but after = "keep": after = "archive"`,
		}},
		{"after in a mirror", least + "mode = \"mirror\"\nafter = \"delete\"", []string{
			`13: folder "invoices": after = "delete" in a mirror, whose files stay: after = "keep", or mode = "outbox"`,
		}},
		{"after from the defaults in a mirror", least + "mode = \"mirror\"\n[defaults]\nafter = \"delete\"", []string{
			`8: folder "invoices": after = "delete" in a mirror, whose files stay: after = "keep", or mode = "outbox"`,
		}},
		{"archive templates", least + "after = \"archive\"\narchive = \"/srv/{yyy}\"\n[[folder]]\nname = \"b\"\npath = \"/srv/b\"\nto = [\"acme:b\"]\nafter = \"archive\"\narchive = \"/x/{folder}/../y\"", []string{
			`13: folder "invoices": archive = "/srv/{yyy}": unknown placeholder {yyy}: did you mean {yyyy}?`,
			`19: folder "b": archive = "/x/{folder}/../y" has ".." after a placeholder`,
		}},
	})
}

func TestDeleteOnSizeAloneIsAllowedWhenWritten(t *testing.T) {
	f := parse(t, least+"after = \"delete\"\nverify = \"size\"").Folders[0]
	if f.After != Delete || f.Verify != "size" {
		t.Errorf("got %s on %s", f.After, f.Verify)
	}
}
