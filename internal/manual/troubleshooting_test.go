package manual

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// literals returns the strings of the program's own files, but for its tests.
func literals(t *testing.T) (all []string) {
	t.Helper()
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "internal" || d.Name() == "bench" || strings.HasPrefix(d.Name(), ".") && name != root):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if text, err := strconv.Unquote(lit.Value); err == nil {
					all = append(all, text)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestTroubleshooting holds docs/troubleshooting.md to the code: its words are said by the program, and what is logged as an error of
// a file, a folder or a destination stands in it.
func TestTroubleshooting(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "troubleshooting.md"))
	if err != nil {
		t.Fatal(err)
	}
	said := strings.Join(literals(t), "\x00")
	headings := regexp.MustCompile("(?m)^### `(.+)`$").FindAllStringSubmatch(string(page), -1)
	if len(headings) < 30 || len(headings) != strings.Count(string(page), "\n### ") {
		t.Errorf("%d headings are the program's words, of %d", len(headings), strings.Count(string(page), "\n### "))
	}
	seen := map[string]bool{}
	for _, h := range headings {
		if seen[h[1]] {
			t.Errorf("%q stands there twice", h[1])
		}
		seen[h[1]] = true
		for part := range strings.SplitSeq(h[1], "...") {
			if part = strings.TrimSpace(part); part != "" && !strings.Contains(said, part) {
				t.Errorf("no code says %q", part)
			}
		}
	}
	log, err := os.ReadFile(filepath.Join("..", "..", "agent", "log.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`slog\.LevelError, "(.+)"`).FindAllStringSubmatch(string(log), -1) {
		if !seen[m[1]] {
			t.Errorf("the page does not speak of %q", m[1])
		}
	}
}
