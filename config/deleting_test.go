package config

import (
	"strings"
	"testing"
	"time"
)

// mirrorText is the least mirror; a line after it stands on line 13.
const mirrorText = least + "mode = \"mirror\"\n"

// replaceTo gives the only folder of a text another target.
func replaceTo(text, to string) string {
	return strings.Replace(text, `to = ["acme"]`, `to = ["`+to+`"]`, 1)
}

func TestDeletingOfAMirror(t *testing.T) {
	f := parse(t, mirrorText).Folders[0]
	if f.Delete || f.DeleteDelay != time.Minute || f.MaxDelete != 50 || f.Trash != ".trash" || f.TrashKeep != 720*time.Hour {
		t.Errorf("by default: %+v", f)
	}
	if got := f.TrashPattern(); got != "" {
		t.Errorf("what is never removed excludes %q", got)
	}
	f = parse(t, mirrorText+"delete = true\ndelete_delay = \"5s\"\nmax_delete = 0\ntrash = \"old/./[x]*/\"\ntrash_keep = \"1h\"").Folders[0]
	if !f.Delete || f.DeleteDelay != 5*time.Second || f.MaxDelete != 0 || f.Trash != "old/[x]*" || f.TrashKeep != time.Hour {
		t.Errorf("as written: %+v", f)
	}
	if got, want := f.TrashPattern(), `/old/\[x\]\*`; got != want {
		t.Errorf("excludes %q, want %q", got, want)
	}
}

func TestTrashDir(t *testing.T) {
	for _, row := range []struct{ trash, dir, want, pattern string }{
		{`trash = ""`, "in/copy", "", ""},
		{"", "in/copy", "in/copy/.trash", "/.trash"},
		{"", "", ".trash", "/.trash"},
		{"", "/srv", "/srv/.trash", "/.trash"},
		{`trash = "/old"`, "in/copy", "/old", ""},
	} {
		f := parse(t, mirrorText+"delete = true\n"+row.trash).Folders[0]
		if got := f.TrashDir(row.dir); got != row.want {
			t.Errorf("%s in %q is %q, want %q", row.trash, row.dir, got, row.want)
		}
		if got := f.TrashPattern(); got != row.pattern {
			t.Errorf("%s excludes %q, want %q", row.trash, got, row.pattern)
		}
	}
}

func TestFaultsOfDeleting(t *testing.T) {
	const other = "[[folder]]\nname = \"b\"\npath = \"/srv/b\"\n"
	checkBadFiles(t, []badFile{
		{"in an outbox", least + "delete = true\ntrash = \"\"", []string{
			`12: folder "invoices": delete is given for an outbox, which removes nothing at its destinations: after = "delete" takes delivered files out of the folder; or mode = "mirror"`,
			`13: folder "invoices": trash is given for an outbox, which removes nothing at its destinations: mode = "mirror"`,
		}},
		{"values", mirrorText + "delete = \"true\"\ndelete_delay = \"0s\"\nmax_delete = -1\ntrash = \"../x\"\ntrash_keep = 30", []string{
			`13: folder "invoices": delete is text, not true or false: without quotes: delete = true`,
			`14: folder "invoices": delete_delay = "0s" is not more than 0`,
			`15: folder "invoices": max_delete = -1 is not between 0 and 1000000`,
			`16: folder "invoices": trash = "../x" holds "..": write the whole path`,
			`17: folder "invoices": trash_keep is a whole number, not a duration: trash_keep = "30s"`,
		}},
		{"trash at home", mirrorText + `trash = "~/old"`, []string{
			`13: folder "invoices": trash = "~/old" begins with ~: a name in the mirror's directory, or the whole path`,
		}},
		{"trash is the mirror", mirrorText + `trash = "./"`, []string{
			`13: folder "invoices": trash = "./" is no directory of its own: trash = ".trash"`,
		}},
		{"trash that is no text", mirrorText + `trash = false`, []string{
			`13: folder "invoices": trash is true or false, not text: trash = "..."`,
		}},
		{"trash among the mirror's files", replaceTo(mirrorText, "acme:/in/copy") + "delete = true\ntrash = \"/in/copy/x/old\"", []string{
			`14: folder "invoices": trash /in/copy/x/old lies in the mirror of folder "invoices" (line 8): leave it out for a directory in the mirror that is never touched otherwise, or choose one elsewhere`,
		}},
		{"trash where others deliver", replaceTo(mirrorText, "acme:/in/copy") + "delete = true\ntrash = \"/old\"\n" + other + `to = ["acme:/old/{yyyy}"]`, []string{
			`14: folder "invoices": trash /old holds the directory of folder "b" (line 15): choose one of its own`,
		}},
		{"trash that is not used", replaceTo(mirrorText, "acme:/in/copy") + "trash = \"/in/copy/x/old\"", nil},
		{"trash elsewhere", replaceTo(mirrorText, "acme:/in/copy") + "delete = true\ntrash = \"/in/old\"", nil},
		{"trash of [defaults]", least + "[defaults]\ntrash = \".trash\"", []string{
			`13: defaults: unknown key "trash": it belongs in [[folder]]`,
		}},
	})
}

// TestDelayBelowStableFor is worth a warning: renamed files would be sent again.
func TestDelayBelowStableFor(t *testing.T) {
	for _, row := range []struct {
		text string
		want bool
	}{
		{mirrorText + "delete = true\ndelete_delay = \"1s\"\nstable_for = \"5s\"", true},
		{mirrorText + "delete = true\nstable_for = \"2m\"", true},
		{mirrorText + "delete = true\ndelete_delay = \"5s\"\nstable_for = \"5s\"", false},
		{mirrorText + "delete = true\ndelete_delay = \"1s\"", false},
		{mirrorText + "delete = false\ndelete_delay = \"1s\"\nstable_for = \"5s\"", false},
		{mirrorText + "delete = true\ndelete_delay = \"1s\"\nready = \"rename\"", false},
	} {
		c := parse(t, row.text)
		found := false
		for _, f := range c.CheckPaths() {
			if f.Key != "folder.delete_delay" {
				continue
			}
			found = true
			if text := f.String(); !f.Warning || !strings.Contains(text, "is less than stable_for") || !strings.Contains(text, "delete_delay = ") {
				t.Errorf("%q", text)
			}
		}
		if found != row.want {
			t.Errorf("%s: a warning: %v, want %v", row.text, found, row.want)
		}
	}
}
