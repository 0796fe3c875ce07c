package service

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// The page for administrators names every event that is written.
func TestWindowsPageNamesEveryEvent(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "windows.md"))
	if err != nil {
		t.Fatal(err)
	}
	for message, e := range events {
		if e.routine {
			continue
		}
		row := regexp.MustCompile(fmt.Sprintf(`(?m)^\|[0-9, ]*\b%d\b[0-9, ]*\|`, e.id))
		if !row.Match(page) {
			t.Errorf("docs/windows.md has no row for event %d, %q", e.id, message)
		}
	}
}
