package config

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestFaultsOfLocalOverlaps(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the faults show paths, which have other slashes there")
	}
	t.Setenv("XDG_STATE_HOME", "/home/u/state")
	const b = "[[folder]]\nname = \"b\"\nto = [\"acme:b\"]\n"
	const archived = "after = \"archive\"\n"
	move := "move it elsewhere"
	checkBadFiles(t, []badFile{
		{"same path", least + b + `path = "/srv/./invoices/"`, []string{
			"15: folder \"b\": path /srv/invoices is the path of folder \"invoices\" (line 8) too: one folder can deliver to several destinations: put them into its `to`",
		}},
		{"folder in a folder", least + b + `path = "/srv/invoices/b/c"`, []string{
			`15: folder "b": path /srv/invoices/b/c lies in the watched folder "invoices" (line 8) and would be watched twice: ` + move + `, or exclude = ["b/c/**"] there`,
		}},
		{"folder around a folder", least + b + `path = "/srv"`, []string{
			`10: folder "invoices": path /srv/invoices lies in the watched folder "b" (line 12) and would be watched twice: ` + move + `, or exclude = ["invoices/**"] there`,
		}},
		{"folder in a folder on purpose", least + "exclude = [\"b/**\"]\n" + b + `path = "/srv/invoices/b/c"`, nil},
		{"excluded by name only", least + "exclude = [\"b\", \"b/*\", \"*.xml\"]\n" + b + `path = "/srv/invoices/b"`, []string{
			`16: folder "b": path /srv/invoices/b lies in the watched folder "invoices" (line 8) and would be watched twice: ` + move + `, or exclude = ["b/**"] there`,
		}},
		{"excluded by the defaults", least + b + "path = \"/srv/invoices/x/b\"\n[defaults]\nexclude = [\"**/b/**\"]", nil},
		{"like names", least + b + `path = "/srv/invoices2"`, nil},
		{"archive in its folder", least + archived + `archive = "/srv/invoices/sent/{yyyy}"`, []string{
			`13: folder "invoices": archive /srv/invoices/sent lies in the watched folder "invoices" (line 8) and would be delivered: ` + move + `, or exclude = ["sent/**"] there`,
		}},
		{"archive in its folder on purpose", least + archived + "archive = \"/srv/invoices/sent/{yyyy}\"\nexclude = [\"sent/**\"]", nil},
		{"archive is its folder", least + archived + `archive = "/srv/invoices/{yyyy}-{name}"`, []string{
			`13: folder "invoices": archive /srv/invoices lies in the watched folder "invoices" (line 8) and would be delivered: ` + move,
		}},
		{"archive becomes a folder", least + archived + `archive = "/srv/{folder}"`, []string{
			`13: folder "invoices": archive /srv/invoices lies in the watched folder "invoices" (line 8) and would be delivered: ` + move,
		}},
		{"archive in another folder", least + b + "path = \"/srv/b\"\n" + archived + `archive = "/srv/invoices/{dd}/x"`, []string{
			`17: folder "b": archive /srv/invoices lies in the watched folder "invoices" (line 8) and would be delivered: ` + move,
		}},
		{"archive beside its folder", least + archived + `archive = "/srv/invoices-{yyyy}/x"`, nil},
		{"state", least + "[agent]\nstate_dir = \"/srv/invoices/.state\"", []string{
			`13: agent: state_dir /srv/invoices/.state lies in the watched folder "invoices" (line 8) and would be delivered: ` + move + `, or exclude = [".state/**"] there`,
		}},
		{"state by default", destinationText + b + "path = \"/home/u\"\nexclude = [\"x\"]", []string{
			`1: agent: state_dir /home/u/state/dropferry lies in the watched folder "b" (line 7) and would be delivered: ` + move + `, or exclude = ["state/dropferry/**"] there`,
		}},
		{"folder in the state", least + "[agent]\nstate_dir = \"/srv\"", []string{
			`10: folder "invoices": path /srv/invoices lies in state_dir /srv, which is dropferry's alone and goes with it: ` + move,
		}},
		{"folder is the state", least + "exclude = [\"**\"]\n[agent]\nstate_dir = \"/srv/invoices\"", []string{
			`14: agent: state_dir /srv/invoices lies in the watched folder "invoices" (line 8) and would be delivered: ` + move,
		}},
		{"archive in the state", least + archived + "archive = \"/var/lib/d/sent/{yyyy}\"\n[agent]\nstate_dir = \"/var/lib/d\"", []string{
			`13: folder "invoices": archive /var/lib/d/sent lies in state_dir /var/lib/d, which is dropferry's alone and goes with it: ` + move,
		}},
		{"archive is the state", least + archived + "archive = \"/var/lib/{folder}\"\n[agent]\nstate_dir = \"/var/lib/invoices\"", []string{
			`13: folder "invoices": archive /var/lib/invoices lies in state_dir /var/lib/invoices, which is dropferry's alone and goes with it: ` + move,
		}},
		{"archive beside the state", least + archived + "archive = \"/var/lib/d-sent\"\n[agent]\nstate_dir = \"/var/lib/d\"", nil},
		{"keys", strings.Replace(least, "acme_ed25519", "/srv/invoices/k", 1) + "[[destination]]\nname = \"b\"\nhost = \"h\"\nuser = \"u\"\npassword = { file = \"/srv/invoices/p\" }", []string{
			`6: destination "acme": key_file /srv/invoices/k lies in the watched folder "invoices" (line 8) and would be given away: ` + move,
			`16: destination "b": password /srv/invoices/p lies in the watched folder "invoices" (line 8) and would be given away: ` + move,
		}},
		{"keys excluded by name", strings.Replace(least, "acme_ed25519", "/srv/invoices/x/k.pem", 1) + "exclude = [\"*.pem\"]", nil},
		{"keys excluded by path", strings.Replace(least, "acme_ed25519", "/srv/invoices/x/k.pem", 1) + "exclude = [\"x/**\"]", nil},
	})
}

func TestOverlapsSeeThroughLinks(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	real, link := filepath.Join(dir, "real"), filepath.Join(dir, "link")
	if err := os.Mkdir(real, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, link); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	text := destinationText + "[[folder]]\nname = \"a\"\npath = '" + real + "'\nto = [\"acme:a\"]\n" +
		"[[folder]]\nname = \"b\"\npath = '" + filepath.Join(link, "not-yet") + "'\nto = [\"acme:b\"]\n"
	got := faultsOf(t, text)
	want := `13: folder "b": path ` + filepath.Join(link, "not-yet") + ` lies in the watched folder "a" (line 7) and would be watched twice: move it elsewhere, or exclude = ["not-yet/**"] there`
	if len(got) != 1 || got[0] != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
}
