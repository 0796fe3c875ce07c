package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dropferry/dropferry/service"
)

// A service is installed only with a configuration whose state it and a person look for in one place.
func TestServiceWithAConfigurationElsewhere(t *testing.T) {
	file := filepath.Join(t.TempDir(), "erp.toml")
	p := &program{}
	for _, c := range []struct{ text, says string }{
		{"", "no such file"},
		{"version = 1\n", "state_dir is missing"},
		{"version = 1\n[agent]\nstate_dir = \"state\"\n", ""},
		{"version = 1\nnonsense = 1\n", "nonsense"}, // nobody knows what it will say when it is mended
	} {
		if c.text != "" {
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
		} else if os.PathSeparator == '\\' {
			continue // it is said in other words there
		}
		err := p.suitsService(service.Setup{Name: service.DefaultName, Config: file})
		if (err != nil) != (c.says != "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: %v", c.text, err)
		}
	}
}
