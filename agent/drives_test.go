package agent

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dropferry/dropferry/config"
)

func TestWarnOfDrives(t *testing.T) {
	dir := t.TempDir()
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
	var said bytes.Buffer
	warnOfDrives(slog.New(slog.NewTextHandler(&said, nil)), c, func(path string) bool { return path == filepath.Join(dir, "out") })
	if text := said.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "level=WARN") || !strings.Contains(text, "invoices") {
		t.Errorf("said:\n%s", text)
	}
}
