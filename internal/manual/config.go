package manual

import "strings"

// Config returns dropferry-agent.toml(5), which says what the example says.
func Config(example string, about About) string {
	p := newPage("dropferry-agent.toml", 5, about)
	p.section("NAME")
	p.line(`dropferry\-agent.toml \- what dropferry watches and where it delivers`)
	p.section("DESCRIPTION")
	p.line(`The configuration of \fBdropferry\fR(1), in TOML. \fBdropferry check\fR finds every mistake in it at once.`)
	e := reader{page: p}
	for line := range strings.Lines(example) {
		e.take(strings.TrimRight(line, "\n"))
	}
	e.flush()
	p.section("SEE ALSO")
	p.line(`\fBdropferry\fR(1)`)
	return p.String()
}

// reader turns the lines of the example into the page's.
type reader struct {
	page *page
	free []string // a comment that stands on lines of its own
	key  string   // what was read last, not written yet: `name = "value"`, behind a # where that is the default
	says []string // of the key
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
		r.page.section(line)
		if len(said) > 0 {
			r.page.text(strings.Join(said, "\n"))
		}
	case isComment && isKey(strings.TrimPrefix(comment, " ")):
		r.newKey(strings.TrimPrefix(comment, " "), true)
	case isComment:
		r.writeKey()
		r.free = append(r.free, strings.TrimPrefix(comment, " "))
	case strings.HasPrefix(line, " ") && continued:
		r.says = append(r.says, strings.TrimPrefix(strings.TrimLeft(line, " "), "# "))
	default:
		r.newKey(line, false)
	}
}

// isKey tells a key behind a # from a sentence.
func isKey(text string) bool {
	name, _, ok := strings.Cut(text, " = ")
	return ok && name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") == ""
}

func (r *reader) newKey(line string, isDefault bool) {
	r.flush()
	key, says, _ := strings.Cut(line, "  # ")
	r.key = strings.TrimRight(key, " ")
	if isDefault {
		r.key = "# " + r.key
	}
	if says = strings.TrimSpace(says); says != "" {
		r.says = []string{says}
	}
}

func (r *reader) writeKey() {
	if r.key != "" {
		r.page.term(r.key, strings.Join(r.says, "\n"))
	}
	r.key, r.says = "", nil
}

// flush writes what was read.
func (r *reader) flush() {
	r.writeKey()
	if len(r.free) > 0 {
		r.page.text(strings.Join(r.free, "\n"))
	}
	r.free = nil
}
