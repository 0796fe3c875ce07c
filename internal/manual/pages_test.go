package manual

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	markdownLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	markdownCode = regexp.MustCompile("(?s)```.*?```|`[^`\n]*`")
	heading      = regexp.MustCompile(`(?m)^#+ (.*)$`)
)

// anchors are what links can lead to in a page, as GitHub makes them of its headings.
func anchors(page string) map[string]bool {
	all := map[string]bool{}
	for _, h := range heading.FindAllStringSubmatch(page, -1) {
		text := strings.ToLower(strings.NewReplacer("`", "", "*", "").Replace(h[1]))
		all[strings.ReplaceAll(regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(text, ""), " ", "-")] = true
	}
	return all
}

// TestPages holds that every link between pages leads somewhere, and that docs/README.md leads to every page.
func TestPages(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	pages := map[string]string{}
	read := func(name string) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		pages[filepath.Clean(name)] = string(text)
	}
	for _, name := range []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md"} {
		read(filepath.Join(root, name))
	}
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(name, ".md") {
			read(name)
		}
		return err
	})
	if err != nil || len(pages) < 25 {
		t.Fatal(len(pages), err)
	}
	index := filepath.Join(root, "docs", "README.md")
	led := map[string]bool{index: true}
	for name, text := range pages {
		for _, link := range markdownLink.FindAllStringSubmatch(markdownCode.ReplaceAllString(text, ""), -1) {
			to, anchor, _ := strings.Cut(link[1], "#")
			if strings.Contains(to, "://") || strings.HasSuffix(to, ".svg") { // charts are there once `make bench` was run
				continue
			}
			target := name
			if to != "" {
				target = filepath.Join(filepath.Dir(name), filepath.FromSlash(to))
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s leads to %s, which is not there", name, to)
				continue
			}
			if anchor != "" && !anchors(pages[target])[anchor] {
				t.Errorf("%s leads to #%s of %s, which has no such heading", name, anchor, target)
			}
			if name == index {
				led[target] = true
			}
		}
	}
	for name := range pages {
		if !led[name] {
			t.Errorf("docs/README.md does not lead to %s", name)
		}
	}
}
