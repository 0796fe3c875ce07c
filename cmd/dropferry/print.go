package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dropferry/dropferry/agent"
)

// printf prints a result.
func (p *program) printf(format string, args ...any) error {
	_, err := fmt.Fprintf(p.out, format, args...)
	return err
}

// printJSON prints a result as JSON.
func (p *program) printJSON(v any) error {
	e := json.NewEncoder(p.out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// count is how many there are of something.
type count struct {
	n    int
	word string
}

// counts words what there is any of, each behind before.
func counts(before string, all []count) string {
	var b strings.Builder
	for _, c := range all {
		if c.n > 0 {
			fmt.Fprintf(&b, "%s%d %s", before, c.n, c.word)
		}
	}
	return b.String()
}

// size words a number of bytes.
func size(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	v, i := float64(n), 0
	for v >= 1024 && i < len(units)-1 {
		v /= 1024
		i++
	}
	if i == 0 {
		return strconv.FormatInt(n, 10) + " B"
	}
	return fmt.Sprintf("%.1f %s", v, units[i])
}

// counted words a number of things.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.Itoa(n) + " " + thing + "s"
}

// clock words a moment in local time.
func clock(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// indented moves the lines of a text behind its first to the right, and marks them: what a name in it holds cannot be taken for
// a line of its own.
func indented(text string) string { return strings.ReplaceAll(text, "\n", "\n    | ") }

// said is a sentence of others as it is shown: what it says to type names the configuration that -c has named.
func (p *program) said(text string) string { return indented(agent.Typed(text, p.configFile)) }

// shown makes a file name safe to print: a name may hold anything, commands to the terminal too.
func shown(name string) string {
	clean := utf8.ValidString(name) && strings.IndexFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
	if clean {
		return name
	}
	return strconv.QuoteToGraphic(name)
}
