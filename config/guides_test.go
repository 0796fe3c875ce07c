package config

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestGuidesLoad holds that what docs/guides and docs/alerts.md show of the configuration is valid, all of a guide together: its blocks build on each
// other. What a guide takes for granted is added.
func TestGuidesLoad(t *testing.T) {
	guides, err := filepath.Glob(filepath.Join("..", "docs", "guides", "*.md"))
	guides = append(guides, filepath.Join("..", "docs", "alerts.md"))
	if err != nil || len(guides) < 8 {
		t.Fatalf("%d guides, %v", len(guides), err)
	}
	block := regexp.MustCompile("(?ms)^```toml\n(.*?)^```$")
	destination := regexp.MustCompile(`"(\w+)(?::[^"]*)?"`)
	to := regexp.MustCompile(`(?m)^to = \[(.*)\]`)
	for _, guide := range guides {
		page, err := os.ReadFile(guide)
		if err != nil {
			t.Fatal(err)
		}
		blocks := block.FindAllStringSubmatch(string(page), -1)
		if len(blocks) == 0 {
			t.Errorf("%s shows no configuration", guide)
			continue
		}
		var shown strings.Builder
		for _, b := range blocks {
			shown.WriteString(b[1] + "\n")
		}
		text := strings.ReplaceAll(shown.String(), `SHA256:..."`, `SHA256:`+strings.Repeat("A", 43)+`"`)
		for _, list := range to.FindAllStringSubmatch(text, -1) {
			for _, d := range destination.FindAllStringSubmatch(list[1], -1) {
				if !strings.Contains(text, "name = \""+d[1]+"\"") {
					text += "[[destination]]\nname = \"" + d[1] + "\"\nhost = \"h\"\nuser = \"u\"\nkey_file = \"k\"\n"
				}
			}
		}
		if !strings.HasPrefix(text, "version") {
			text = "version = 1\n" + text
		}
		c, err := Parse(filepath.Join(t.TempDir(), "agent.toml"), []byte(text))
		if err != nil {
			t.Errorf("%s: %v\n%s", guide, err, text)
			continue
		}
		if len(c.Folders) == 0 {
			t.Errorf("%s shows no folder", guide)
		}
	}
}
