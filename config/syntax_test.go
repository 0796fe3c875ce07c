package config

import (
	"strings"
	"testing"
)

func TestFaultsOfSyntax(t *testing.T) {
	checkBadFiles(t, []badFile{
		{"Windows path", "version = 1\n[agent]\n  state_dir = \"C:\\data\"", []string{
			`3: not valid TOML: column 16: invalid escape in string '\d': state_dir = "C:\data": if it is a Windows path, write '...' instead of "..."`,
		}},
		{"open header", "version = 1\n[agent\nname = \"x\"", []string{
			`2: not valid TOML: column 7: expected '.' or ']' to end table name, but got '\n' instead: [agent`,
		}},
		{"open string", "version = 1\n[agent]\nname = \"x\nstate_dir = \"y\"", []string{
			`3: not valid TOML: column 10: strings cannot contain newlines: name = "x`,
		}},
		{"key twice", "version = 1\n\nversion = 1", []string{
			`3: not valid TOML: column 1: key 'version' has already been defined: version = 1`,
		}},
		{"end of the file", "version = 1\n[agent", []string{
			`2: not valid TOML: column 6: expected '.' or ']' to end table name, but got the end of the file instead: [agent`,
		}},
		{"UTF-16", "\xff\xfev\x00e\x00r\x00s\x00i\x00o\x00n\x00 \x00=\x00 \x001\x00", []string{
			`1: not valid TOML: the text is not UTF-8, probably UTF-16: save it as UTF-8`,
		}},
		{"not UTF-8", "version = 1\nagent.name = \"f\xfcr\"", []string{
			`2: not valid TOML: column 15: invalid UTF-8 byte: 0xfc: "agent.name = \"f\xfcr\""`,
		}},
		{"long line", "version = " + strings.Repeat("x", 500), []string{
			`1: not valid TOML: column 11: expected value but found "` + strings.Repeat("x", 94) + `...: version = ` + strings.Repeat("x", 110) + "...",
		}},
	})
}
