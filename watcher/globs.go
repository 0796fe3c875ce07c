package watcher

import (
	"fmt"

	"github.com/dropferry/dropferry/file"
)

// Globs are patterns as in Rules, in an order that matters.
type Globs struct {
	globs []glob
	fold  bool
}

// NewGlobs prepares patterns. It fails on one that is not valid.
func NewGlobs(patterns []string) (Globs, error) { return newGlobs(patterns, foldNames) }

func newGlobs(patterns []string, fold bool) (Globs, error) {
	all := Globs{fold: fold}
	for _, text := range patterns {
		g, err := newGlob(text, fold)
		if err != nil {
			return Globs{}, fmt.Errorf("pattern %q: %w", text, err)
		}
		all.globs = append(all.globs, g)
	}
	return all, nil
}

// First returns the number of the first pattern that matches the file at p, from 0; ok is false where none does.
func (g Globs) First(p file.Path) (number int, ok bool) {
	if len(g.globs) == 0 {
		return 0, false
	}
	base, whole := (&matcher{fold: g.fold}).names(p)
	for i := range g.globs {
		if g.globs[i].match(base, whole) {
			return i, true
		}
	}
	return 0, false
}

// Len is how many patterns there are.
func (g Globs) Len() int { return len(g.globs) }

// Texts returns the patterns as they were given.
func (g Globs) Texts() []string {
	texts := make([]string, len(g.globs))
	for i := range g.globs {
		texts[i] = g.globs[i].text
	}
	return texts
}
