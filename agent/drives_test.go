package agent

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/service"
)

func TestWarnOfDrives(t *testing.T) {
	dir := t.TempDir()
	c := withAFolder(t, dir)
	var said bytes.Buffer
	warnOfDrives(slog.New(slog.NewTextHandler(&said, nil)), c, func(path string) bool { return path == filepath.Join(dir, "out") })
	if text := said.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "level=WARN") || !strings.Contains(text, "invoices") {
		t.Errorf("said:\n%s", text)
	}
}

// A service is refused a folder on a drive that a person has mapped, with the share's own name; a person may have one.
func TestAMappedDriveInAService(t *testing.T) {
	dir := t.TempDir()
	c := withAFolder(t, dir)
	mapped := func(path string) (string, bool) {
		return `\\nas\erp\out`, path == filepath.Join(dir, "out")
	}
	faults := checkService(c, &aService{}, mapped)
	if len(faults) != 1 || !strings.Contains(faults[0].String(), `folder "invoices": path `) ||
		!strings.Contains(faults[0].String(), `which a service does not have: path = '\\nas\erp\out'`) {
		t.Errorf("faults: %v", faults)
	}
	if faults := checkService(c, service.Nobody{}, mapped); len(faults) > 0 {
		t.Errorf("for a person: %v", faults)
	}
}

// aService is a host that is no person.
type aService struct{ service.Nobody }

// withAFolder is a configuration with one folder, "out" in dir.
func withAFolder(t *testing.T, dir string) *config.Config {
	t.Helper()
	c, err := config.Parse(filepath.Join(dir, "agent.toml"), []byte(`version = 1
[agent]
state_dir = "state"
[[folder]]
name = "invoices"
path = "out"
to = ["acme"]
[[destination]]
name = "acme"
host = "h"
user = "u"
key_file = "key"
`))
	if err != nil {
		t.Fatal(err)
	}
	return c
}
