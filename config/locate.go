package config

import (
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// place names a value in a TOML document by the keys and list indexes that lead to it; the empty place is the document.
type place string

const (
	keyMark   = "\x00"
	indexMark = "\x01"
)

func (p place) key(k string) place { return p + keyMark + place(k) }
func (p place) index(i int) place  { return p + indexMark + place(strconv.Itoa(i)) }

// lines holds the line, from 1, on which each place is first written.
type lines map[place]int

// of returns the line of p, or of the nearest thing around it that is written.
func (l lines) of(p place) int {
	for p != "" {
		if line, ok := l[p]; ok {
			return line
		}
		p = p[:max(0, strings.LastIndexAny(string(p), keyMark+indexMark))]
	}
	return 1
}

// locate finds the line of every table, key and list element. The TOML decoder tells positions of syntax errors only,
// and faults of meaning need lines too. The text must be valid TOML; of any other text the answer is useless but still
// comes.
func locate(text string) lines {
	l := locator{text: withoutMark(text), line: 1, found: lines{}, arrays: map[place]int{}}
	var table place
	for l.skip(); l.more(); l.skip() {
		start := l.pos
		if l.at("[") {
			table = l.header()
		} else {
			l.pair(table)
		}
		if l.pos == start {
			l.take(1)
		}
	}
	return l.found
}

type locator struct {
	text   string
	pos    int
	line   int
	found  lines
	arrays map[place]int // arrays of tables, and how many tables each has so far
}

func (l *locator) more() bool            { return l.pos < len(l.text) }
func (l *locator) at(prefix string) bool { return strings.HasPrefix(l.text[l.pos:], prefix) }

// take moves on by n bytes; every move goes through it, so that no line is missed.
func (l *locator) take(n int) string {
	s := l.text[l.pos:min(l.pos+n, len(l.text))]
	l.pos += len(s)
	l.line += strings.Count(s, "\n")
	return s
}

// until moves on to the first of the bytes in stop.
func (l *locator) until(stop string) string {
	n := strings.IndexAny(l.text[l.pos:], stop)
	if n < 0 {
		n = len(l.text) - l.pos
	}
	return l.take(n)
}

// skip passes white space, line ends and comments; blanks passes white space only.
func (l *locator) skip() {
	for l.more() {
		switch l.text[l.pos] {
		case ' ', '\t', '\r', '\n':
			l.take(1)
		case '#':
			l.until("\n")
		default:
			return
		}
	}
}

func (l *locator) blanks() {
	for l.at(" ") || l.at("\t") {
		l.take(1)
	}
}

func (l *locator) record(p place, line int) {
	if _, ok := l.found[p]; !ok {
		l.found[p] = line
	}
}

// header reads [a.b] or [[a.b]] and returns the place of the table that it opens.
func (l *locator) header() place {
	line, array := l.line, l.at("[[")
	if array {
		l.take(1)
	}
	l.take(1)
	var p place
	keys := l.keys()
	for i, k := range keys {
		p = p.key(k)
		l.record(p, line)
		n := l.arrays[p]
		switch {
		case array && i == len(keys)-1:
			l.arrays[p]++
			p = p.index(n)
			l.record(p, line)
		case n > 0: // a table below an array of tables lies in its last table
			p = p.index(n - 1)
		}
	}
	l.blanks()
	for l.at("]") {
		l.take(1)
	}
	return p
}

// pair reads key = value in the table p.
func (l *locator) pair(p place) {
	line := l.line
	for _, k := range l.keys() {
		p = p.key(k)
		l.record(p, line)
	}
	l.blanks()
	if l.at("=") {
		l.take(1)
		l.blanks()
		l.value(p)
	}
}

// keys reads a dotted key.
func (l *locator) keys() []string {
	var keys []string
	for {
		l.blanks()
		switch {
		case l.at(`"`), l.at("'"):
			keys = append(keys, unquote(l.quoted()))
		default:
			keys = append(keys, l.until(" \t\r\n.=[]{},#\"'"))
		}
		l.blanks()
		if !l.at(".") {
			return keys
		}
		l.take(1)
	}
}

// value reads the value of p and records what is inside it.
func (l *locator) value(p place) {
	switch {
	case l.at(`"`), l.at("'"):
		l.quoted()
	case l.at("["):
		i := 0
		l.inside("]", func() {
			q := p.index(i)
			l.record(q, l.line)
			l.value(q)
			i++
		})
	case l.at("{"):
		l.inside("}", func() { l.pair(p) })
	default:
		l.until(",]}#\n")
	}
}

// inside reads what stands between the bracket at the current position and its end, separated by commas.
func (l *locator) inside(end string, element func()) {
	l.take(1)
	for l.skip(); l.more(); l.skip() {
		switch {
		case l.at(end):
			l.take(1)
			return
		case l.at(","):
			l.take(1)
		default:
			start := l.pos
			if element(); l.pos == start {
				l.take(1)
			}
		}
	}
}

// quoted reads a string of any of the four forms and returns it with its quotes.
func (l *locator) quoted() string {
	start := l.pos
	quote := l.take(1)
	stop := quote + "\n"
	if triple := strings.Repeat(quote, 3); strings.HasPrefix(l.text[start:], triple) {
		l.take(2)
		quote, stop = triple, quote
	}
	if quote[0] == '"' {
		stop += `\`
	}
	for l.more() {
		l.until(stop)
		switch {
		case l.at(`\`):
			l.take(2)
		case l.at(quote):
			l.take(len(quote))
			for i := 0; i < len(quote)-1 && l.at(quote[:1]); i++ { // """a""""" ends in two quotes of its own
				l.take(1)
			}
			return l.text[start:l.pos]
		case len(quote) == 1:
			return l.text[start:l.pos] // a line end: not TOML
		default:
			l.take(1)
		}
	}
	return l.text[start:]
}

// unquote returns the key that a quoted key means.
func unquote(quoted string) string {
	var v struct{ K string }
	if _, err := toml.Decode("K = "+quoted, &v); err != nil {
		return quoted
	}
	return v.K
}
