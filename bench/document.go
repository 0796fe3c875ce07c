package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// errMarkers says that a document has no place for a result. What is around the place is prose, and stays.
var errMarkers = errors.New("it has to have one line of each of these, in this order")

// marks are the lines between which a section stands.
func marks(section string) (begin, end string) {
	return "<!-- " + section + ": begin. `make bench` writes what is between these lines. -->", "<!-- " + section + ": end -->"
}

// checkDocument tells whether sections can be written into the document.
func checkDocument(name string, sections []string) error {
	document, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("-out: %w", err)
	}
	for _, section := range sections {
		if _, err := replaceSection(string(document), section, ""); err != nil {
			return fmt.Errorf("-out: %s: %w", name, err)
		}
	}
	return nil
}

// write puts a section into the document, and its chart beside that.
func write(name, place string, made section) error {
	document, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	text, err := replaceSection(string(document), place, made.text)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if made.chart != "" {
		if err := os.WriteFile(chartOf(name, place), []byte(made.chart), 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(name, []byte(text), 0o644)
}

// chartOf is the file of a section's chart: performance.svg for the transfers in performance.md, performance-delta.svg for another
// part.
func chartOf(document, section string) string {
	base := strings.TrimSuffix(document, filepath.Ext(document))
	if section == "transfers" {
		return base + ".svg"
	}
	return base + "-" + strings.TrimPrefix(section, "transfers-") + ".svg"
}

// replaceSection returns the document with another text between a section's marks.
func replaceSection(document, section, text string) (string, error) {
	begin, end := marks(section)
	before, rest, found := strings.Cut(document, begin+"\n")
	_, after, closed := strings.Cut(rest, end+"\n")
	if !found || !closed || strings.Count(document, begin) != 1 || strings.Count(document, end) != 1 {
		return "", fmt.Errorf("%w:\n%s\n%s", errMarkers, begin, end)
	}
	return before + begin + "\n\n" + strings.TrimSpace(text) + "\n\n" + end + "\n" + after, nil
}
