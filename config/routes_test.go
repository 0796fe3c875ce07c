package config

import (
	"strings"
	"testing"
)

func TestFaultsOfRoutes(t *testing.T) {
	const tail = "path = \"/srv/b\"\n"
	second := func(to string) string { return least + "[[folder]]\nname = \"b\"\n" + tail + "to = [" + to + "]\n" }
	const twin = "[[destination]]\nname = \"twin\"\nhost = \"SFTP.acme.example.\"\nuser = \"contoso\"\npassword = { env = \"P\" }\n"
	mirror := func(to string) string {
		return destinationText + "[[folder]]\nname = \"m\"\nmode = \"mirror\"\npath = \"/srv/m\"\nto = [" + to + "]\n"
	}
	outbox := func(to string) string { return "[[folder]]\nname = \"b\"\n" + tail + "to = [" + to + "]\n" }

	checkBadFiles(t, []badFile{
		{"destination twice", second(`"acme:x", "acme:y"`), []string{
			`15: folder "b": to "acme:y": a folder has one directory at a destination, and this is its second: a second [[destination]] can name the same server`,
		}},
		{"unknown destination", second(`"acmee:x", "zzz"`), []string{
			`15: folder "b": to "acmee:x": unknown destination: did you mean "acme"?`,
			`15: folder "b": to "zzz": unknown destination: known are acme`,
		}},
		{"no destinations at all", "version = 1" + folderText, []string{
			`5: folder "invoices": to "acme": unknown destination`,
		}},
		{"no destination named", second("\n\"x\", \n\":x\""), []string{
			`16: folder "b": to "x": unknown destination: known are acme`,
			`17: folder "b": to ":x": no destination before the colon`,
		}},
		{"templates", second(`
"acme:{yyy}",
"acme:in/{nam",
"acme:in}",
"acme:../x",
"acme:{foo}",
"acme:{ext}",
"acme:~/x",
'acme:in\x',
`), []string{
			`16: folder "b": to "acme:{yyy}": unknown placeholder {yyy}: did you mean {yyyy}?`,
			`17: folder "b": to "acme:in/{nam": "{nam" has a { without a }`,
			`18: folder "b": to "acme:in}": "in}" has a } without a {`,
			`19: folder "b": to "acme:../x": ".." leads out of the directory`,
			`20: folder "b": to "acme:{foo}": unknown placeholder {foo}: known are {name} {stem} {ext} {yyyy} {mm} {dd} {folder} {agent}`,
			`21: folder "b": to "acme:{ext}": its last element names the file by {ext} alone, so that files would replace one another: add {name} or {stem}; or end in / to make directories by extension`,
			`22: folder "b": to "acme:~/x": ~ stands in root only: a path without / in front is below root, which is the login directory by default`,
			`23: folder "b": to "acme:in\\x": SFTP paths have /, not backslashes`,
		}},
		{"same directory", second(`"acme:"`), []string{
			`15: folder "b": to "acme": leads to the login directory, as does folder "invoices" (line 8): add a subdirectory, or {folder}`,
		}},
		{"same directory by other words", second(`"acme:./{stem}{ext}"`), []string{
			`15: folder "b": to "acme:./{stem}{ext}": leads to the login directory, as does folder "invoices" (line 8): add a subdirectory, or {folder}`,
		}},
		{"same server by other words", second(`"twin"`) + twin, []string{
			`15: folder "b": to "twin": leads to the login directory, as does folder "invoices" (line 8): add a subdirectory, or {folder}`,
		}},
		{"one folder, one server twice", destinationText + twin + outbox(`"acme:x", "twin:x/{name}"`), []string{
			`15: folder "b": to "twin:x/{name}": leads to x, as does folder "b" (line 12): add a subdirectory, or {folder}`,
		}},
		{"same server, another account", second(`"twin"`) + strings.Replace(twin, "contoso", "other", 1), nil},
		{"same server, another port", second(`"twin"`) + twin + "port = 2222", nil},
		{"told apart by {folder}", strings.Replace(second(`"acme:{folder}"`), `to = ["acme"]`, `to = ["acme:{folder}"]`, 1), nil},
		{"told apart by the day", strings.Replace(second(`"acme:x/{yyyy}"`), `to = ["acme"]`, `to = ["acme:x/{mm}"]`, 1), nil},
		{"{folder} is another's directory", second(`"acme:invoices"`) + "[[folder]]\nname = \"x\"\npath = \"/srv/x\"\nto = [\"acme:x\"]\n[[folder]]\nname = \"invoice\"\npath = \"/srv/y\"\nto = [\"acme:{folder}s\"]", []string{
			`23: folder "invoice": to "acme:{folder}s": leads to invoices, as does folder "b" (line 12): add a subdirectory, or {folder}`,
		}},
		{"outbox in a mirror", mirror(`"acme:cat"`) + outbox(`"acme:cat/in/{yyyy}"`), []string{
			`15: folder "b": to "acme:cat/in/{yyyy}": leads to cat/in/{yyyy}, which lies in the mirror of folder "m" (line 7): add a subdirectory, or {folder}`,
		}},
		{"mirror around an outbox", destinationText + outbox(`"acme:cat/in"`) + strings.TrimPrefix(mirror(`"acme:cat"`), destinationText), []string{
			`15: folder "m": to "acme:cat": leads to cat, a mirror around the directory of folder "b" (line 7): add a subdirectory, or {folder}`,
		}},
		{"mirror of the login directory", mirror(`"acme"`) + outbox(`"acme:cat"`), []string{
			`15: folder "b": to "acme:cat": leads to cat, which lies in the mirror of folder "m" (line 7): add a subdirectory, or {folder}`,
		}},
		{"absolute path beside the login directory", mirror(`"acme"`) + outbox(`"acme:/cat"`), nil},
		{"mirror of everything", mirror(`"acme:/"`) + outbox(`"acme:/cat"`), []string{
			`15: folder "b": to "acme:/cat": leads to /cat, which lies in the mirror of folder "m" (line 7): add a subdirectory, or {folder}`,
		}},
		{"mirror beside a like name", mirror(`"acme:cat"`) + outbox(`"acme:cats"`), nil},
		{"mirror below an outbox", mirror(`"acme:in/cat"`) + outbox(`"acme:in"`), nil},
		{"mirror by the day", mirror(`"acme:{yyyy}"`), []string{
			`11: folder "m": to "acme:{yyyy}": a mirror has one directory, whatever the day: leave {yyyy}, {mm} and {dd} out`,
		}},
		{"mirror with other names", mirror(`"acme:{stem}.x"`), []string{
			`11: folder "m": to "acme:{stem}.x": a mirror keeps the names of its files: leave {name}, {stem} and {ext} out`,
		}},
	})
}
