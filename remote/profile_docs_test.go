package remote

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestProfilesOfTheDocumentation holds that docs/compatibility.md has each profile, with each choice and its reason.
func TestProfilesOfTheDocumentation(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "docs", "compatibility.md"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range profiles {
		if line := profiles[i].documented(); !strings.Contains(string(page), line) {
			t.Errorf("the page lacks\n%s", line)
		}
	}
}

// documented is a profile's row in the table.
func (p *profile) documented() string {
	known := "chosen by hand"
	if len(p.banner) > 0 {
		known = "`" + strings.Join(p.banner, "`, `") + "` in the greeting"
	}
	if p.only != "" {
		known += ", or `" + p.only + "`"
	}
	tried := "from documentation"
	switch {
	case p.tried:
		tried = "yes"
	case len(p.banner) == 0:
		tried = "with a server of the tests"
	}
	var choices []string
	for _, c := range p.choices {
		what := string(c.about) + ": none"
		switch {
		case c.about == aboutWrites, c.about == aboutWindow:
			what = fmt.Sprintf("%s: %d KiB", c.about, c.most)
		case c.most > 0:
			what = fmt.Sprintf("%s: %d", c.about, c.most)
		}
		choices = append(choices, what+" ("+c.why+")")
	}
	if choices == nil {
		choices = []string{"nothing: what it was seen to do decides"}
	}
	return fmt.Sprintf("| `%s` | %s | %s | %s | %s |", p.name, p.product, known, tried, strings.Join(choices, "; "))
}
