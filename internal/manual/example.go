package manual

import "strings"

// Entry is something that the example of the configuration says: a table's header with what it is for, a key with what it means, or
// a text that belongs to neither.
type Entry struct {
	Header string // as in [agent] or [[folder]]
	Key    string // name and value, as the file has them: `port = 22`
	Shown  bool   // the key stands behind a #: the value is its default, or an example where Says tells so
	Says   []string
}

// Name is the name of an entry's key, "" where it is none.
func (e Entry) Name() string {
	name, _, ok := strings.Cut(e.Key, " = ")
	if !ok {
		return ""
	}
	return name
}

// Example reads the example of the configuration, in its order.
func Example(text string) []Entry {
	var r reader
	for line := range strings.Lines(text) {
		r.take(strings.TrimRight(line, "\n"))
	}
	r.flush()
	return r.entries
}

// reader turns the lines of the example into entries.
type reader struct {
	entries []Entry
	free    []string // a comment that stands on lines of its own
	key     Entry    // what was read last, not an entry yet
}

// take reads a line: a comment, a table's header, a key, or more of what is said of a key.
func (r *reader) take(line string) {
	comment, isComment := strings.CutPrefix(line, "#")
	_, continued := strings.CutPrefix(strings.TrimLeft(line, " "), "# ")
	switch {
	case line == "":
		r.flush()
	case strings.HasPrefix(line, "["):
		said := r.free
		r.free = nil
		r.flush()
		r.entries = append(r.entries, Entry{Header: line, Says: said})
	case isComment && isKey(strings.TrimPrefix(comment, " ")):
		r.newKey(strings.TrimPrefix(comment, " "), true)
	case isComment:
		r.endKey()
		r.free = append(r.free, strings.TrimPrefix(comment, " "))
	case strings.HasPrefix(line, " ") && continued:
		r.key.Says = append(r.key.Says, strings.TrimPrefix(strings.TrimLeft(line, " "), "# "))
	default:
		r.newKey(line, false)
	}
}

// isKey tells a key behind a # from a sentence.
func isKey(text string) bool {
	name, _, ok := strings.Cut(text, " = ")
	return ok && name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") == ""
}

func (r *reader) newKey(line string, shown bool) {
	r.flush()
	key, says, _ := strings.Cut(line, "  # ")
	r.key = Entry{Key: strings.TrimRight(key, " "), Shown: shown}
	if says = strings.TrimSpace(says); says != "" {
		r.key.Says = []string{says}
	}
}

func (r *reader) endKey() {
	if r.key.Key != "" {
		r.entries = append(r.entries, r.key)
	}
	r.key = Entry{}
}

// flush makes entries of what was read.
func (r *reader) flush() {
	r.endKey()
	if len(r.free) > 0 {
		r.entries = append(r.entries, Entry{Says: r.free})
	}
	r.free = nil
}
