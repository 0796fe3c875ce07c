package service

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWorksWith(t *testing.T) {
	dir := t.TempDir()
	for _, s := range []Setup{
		{Name: "dropferry", Program: "/d", Config: "/srv/first.toml", Definition: packaged(t, "systemd/dropferry.service")},
		{Name: "dropferry@erp", Program: "/d", Config: "/srv/erp.toml", Definition: packaged(t, "systemd/dropferry@.service")},
		{Name: "dropferry@two", Program: "/d", Definition: packaged(t, "systemd/dropferry@.service")},
	} {
		text, err := unitFor(s)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, unitFileOf(s)), []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for config, want := range map[string]string{
		"/srv/first.toml": "dropferry", "/srv/erp.toml": "dropferry@erp", "/srv/none.toml": "", "/etc/dropferry/two.toml": "", "": "",
	} {
		if name, is := worksWith(dir, config); name != want || is != (want != "") {
			t.Errorf("%s: %q, %v", config, name, is)
		}
	}
}
