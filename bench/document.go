package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// The result stands between these lines of the document. What is around them is prose, and stays.
const (
	figuresBegin = "<!-- figures: begin. `make bench` writes what is between these lines. -->"
	figuresEnd   = "<!-- figures: end -->"
)

var errMarkers = errors.New("it has to have one line of each of these, in this order:\n" + figuresBegin + "\n" + figuresEnd)

// checkDocument tells whether a result can be written into the document.
func checkDocument(name string) error {
	document, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("-out: %w", err)
	}
	if _, err := replaceFigures(string(document), ""); err != nil {
		return fmt.Errorf("-out: %s: %w", name, err)
	}
	return nil
}

// rewriteDocument replaces the result in the document.
func rewriteDocument(name, result string) error {
	document, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	text, err := replaceFigures(string(document), result)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return os.WriteFile(name, []byte(text), 0o644)
}

// replaceFigures returns the document with another result between its markers.
func replaceFigures(document, result string) (string, error) {
	before, rest, found := strings.Cut(document, figuresBegin+"\n")
	_, after, closed := strings.Cut(rest, figuresEnd+"\n")
	if !found || !closed || strings.Count(document, figuresBegin) != 1 || strings.Count(document, figuresEnd) != 1 {
		return "", errMarkers
	}
	return before + figuresBegin + "\n\n" + strings.TrimSpace(result) + "\n\n" + figuresEnd + "\n" + after, nil
}
