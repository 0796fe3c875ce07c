package agent

import (
	"strings"
	"testing"

	"github.com/dropferry/dropferry/config"
)

// TestMappedDrivesAreToldOf with the share's own name, where that is known.
func TestMappedDrivesAreToldOf(t *testing.T) {
	mapped := func(name string) (string, bool) {
		rest, ok := strings.CutPrefix(name, "Z:")
		if ok {
			return `\\server\share` + rest, true
		}
		return "", strings.HasPrefix(name, "Y:")
	}
	c := &config.Config{File: "agent.toml", Folders: []config.Folder{
		{Name: "here", Path: `C:\out`}, {Name: "share", Path: `Z:\out`, Archive: `C:\sent`}, {Name: "other", Path: `C:\out`, Archive: `Y:\sent\{yyyy}`},
	}}
	all := mappedDrives(c, mapped)
	if len(all) != 2 || all.Fatal() {
		t.Fatalf("%+v", all)
	}
	if f := all[0]; f.Key != "folder.path" || f.Hint != `path = '\\server\share\out'` || !strings.Contains(f.Text, `folder "share": path Z:\out`) {
		t.Errorf("%+v", f)
	}
	if f := all[1]; f.Key != "folder.archive" || f.Hint != "name the share itself" {
		t.Errorf("%+v", f)
	}
	if all := MappedDrives(&config.Config{Folders: []config.Folder{{Name: "f", Path: t.TempDir()}}}); len(all) != 0 {
		t.Errorf("%+v", all)
	}
}
