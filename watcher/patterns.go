package watcher

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/dropferry/dropferry/file"
)

// NotIncluded stands in place of a pattern where a file is left out because no include pattern matches it.
const NotIncluded = "not in include"

// foldNames tells whether patterns ignore case, as names do on Windows.
const foldNames = runtime.GOOS == "windows"

// ownNames is the pattern that is shown for the names that dropferry makes for itself.
const ownNames = ".*.<id>" + file.TakenSuffix

// temporary returns the pattern of the names under which programs keep files that they have not finished, if name is one of
// them. They always apply, because no partner wants half a file. A scan asks this of every name, so no globs are tried.
func temporary(name string) (pattern string, ok bool) {
	switch {
	case strings.HasPrefix(name, "~"):
		return "~*", true
	case strings.HasPrefix(name, ".~lock"):
		return ".~lock*", true
	}
	switch name[strings.LastIndexByte(name, '.')+1:] {
	case "part", "tmp", "crdownload", "filepart", "partial", "swp":
		if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
			return "*" + name[dot:], true
		}
	}
	return "", false
}

// IsTemporary tells whether base, the last element of a path, is a temporary name by the built-in list or one of
// dropferry's own, and which pattern says so.
func IsTemporary(base string) (pattern string, ok bool) { return isTemporary(base, foldNames) }

func isTemporary(base string, fold bool) (string, bool) {
	name := base
	if fold {
		name = strings.ToLower(base)
	}
	if pattern, ok := temporary(name); ok {
		return pattern, true
	}
	if name == file.Marker {
		return file.Marker, true
	}
	return ownNames, file.IsPrivate(base)
}

// Excluded tells whether the rules leave out the file at p, and the pattern that decides: of the built-in list, of
// Exclude, or NotIncluded. A pattern that matches a directory above p excludes p. Patterns that are not valid match
// nothing.
func Excluded(rules Rules, p file.Path) (pattern string, excluded bool) {
	m, _ := newMatcher(rules, foldNames) // New refuses rules with invalid patterns
	return m.file(p)
}

// matcher holds the rules' patterns, made ready for many paths.
type matcher struct {
	exclude, include []glob
	fold             bool
	marker           marker // of markers that are sent: include does not choose among them
}

// newMatcher prepares the patterns of rules. It returns a matcher with the valid ones even beside an error.
func newMatcher(rules Rules, fold bool) (*matcher, error) {
	m := &matcher{fold: fold}
	var first error
	prepare := func(key string, patterns []string) []glob {
		var globs []glob
		for _, text := range patterns {
			g, err := newGlob(text, fold)
			if err != nil {
				if first == nil {
					first = fmt.Errorf("%s pattern %q: %w", key, text, err)
				}
				continue
			}
			globs = append(globs, g)
		}
		return globs
	}
	m.exclude = prepare("exclude", rules.Exclude)
	m.include = prepare("include", rules.Include)
	if rules.Ready == ReadyMarker && rules.SendMarkers {
		m.marker, _ = newMarker(rules.Marker, fold) // New refuses rules with an invalid one
	}
	return m, first
}

// file decides about a path that is not a directory, with all directories above it.
func (m *matcher) file(p file.Path) (pattern string, excluded bool) {
	if pattern, excluded = m.above(p); excluded {
		return pattern, true
	}
	return m.fileItself(p)
}

// dir decides about a directory, with all directories above it. Include patterns choose files only.
func (m *matcher) dir(p file.Path) (pattern string, excluded bool) {
	if pattern, excluded = m.above(p); excluded {
		return pattern, true
	}
	return m.excluded(p)
}

// hides tells whether what the directory holds is seen by the name of a link alone, if at all.
func (m *matcher) hides(dir file.Path) bool {
	_, excluded := m.dir(dir)
	return dir != "" && excluded
}

func (m *matcher) above(p file.Path) (pattern string, excluded bool) {
	for i, c := range []byte(p) {
		if c == '/' {
			if pattern, excluded = m.excluded(p[:i]); excluded {
				return pattern, true
			}
		}
	}
	return "", false
}

// fileItself decides about a file whose directories are known not to be excluded.
func (m *matcher) fileItself(p file.Path) (pattern string, excluded bool) {
	if pattern, excluded = m.excluded(p); excluded {
		return pattern, true
	}
	if len(m.include) == 0 || m.marker.is(p.Base()) {
		return "", false
	}
	base, whole := m.names(p)
	for i := range m.include {
		if m.include[i].match(base, whole) {
			return "", false
		}
	}
	return NotIncluded, true
}

// excluded decides by the built-in list and the exclude patterns, for p alone.
func (m *matcher) excluded(p file.Path) (pattern string, excluded bool) {
	if pattern, excluded = isTemporary(p.Base(), m.fold); excluded {
		return pattern, true
	}
	if len(m.exclude) == 0 {
		return "", false
	}
	base, whole := m.names(p)
	for i := range m.exclude {
		if m.exclude[i].match(base, whole) {
			return m.exclude[i].text, true
		}
	}
	return "", false
}

// names returns the base name and the whole path, folded where patterns are.
func (m *matcher) names(p file.Path) (base, whole string) {
	whole = string(p)
	if m.fold {
		whole = strings.ToLower(whole)
	}
	return whole[strings.LastIndexByte(whole, '/')+1:], whole
}

// glob is one pattern. Most are a literal with one star at an end, which need no glob engine.
type glob struct {
	text           string // as configured
	pattern        string // as matched
	whole          bool   // matches the whole path; else the base name
	prefix, suffix string // where simple
	simple         bool   // the pattern is prefix, one star, suffix
}

func newGlob(text string, fold bool) (glob, error) {
	pattern := strings.TrimSuffix(text, "/") // "logs/" says that logs is a directory, not where it is
	whole := strings.Contains(pattern, "/")
	pattern = strings.TrimPrefix(pattern, "/")
	if fold {
		pattern = strings.ToLower(pattern)
	}
	if pattern == "" || !doublestar.ValidatePattern(pattern) {
		return glob{}, doublestar.ErrBadPattern
	}
	g := glob{text: text, pattern: pattern, whole: whole}
	if before, after, ok := strings.Cut(pattern, "*"); ok && !whole && !strings.ContainsAny(before+after, `*?[]{}\`) {
		g.prefix, g.suffix, g.simple = before, after, true
	}
	return g, nil
}

func (g *glob) match(base, whole string) bool {
	if g.simple {
		return len(base) >= len(g.prefix)+len(g.suffix) &&
			strings.HasPrefix(base, g.prefix) && strings.HasSuffix(base, g.suffix)
	}
	if g.whole {
		return doublestar.MatchUnvalidated(g.pattern, whole)
	}
	return doublestar.MatchUnvalidated(g.pattern, base)
}
