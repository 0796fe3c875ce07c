// Package manual writes the manual pages: dropferry(1) from the command line itself, dropferry-agent.toml(5) from the
// example that explains every key.
package manual

import (
	"fmt"
	"strings"
	"time"
)

// About is what all pages say of their version.
type About struct {
	Version string
	Date    time.Time
}

// page collects a page in the language of man(7).
type page struct{ strings.Builder }

func newPage(name string, section int, about About) *page {
	p := &page{}
	p.line(fmt.Sprintf(`.TH %s %d %s %s %s`, quoted(strings.ToUpper(name)), section,
		quoted(about.Date.UTC().Format("2006-01-02")), quoted("dropferry "+about.Version), quoted("dropferry")))
	p.line(".nh")
	p.line(".ad l")
	return p
}

func (p *page) line(text string) {
	p.WriteString(text)
	p.WriteByte('\n')
}

func (p *page) section(title string)    { p.line(".SH " + quoted(title)) }
func (p *page) subsection(title string) { p.line(".SS " + quoted(title)) }

// text writes paragraphs, which empty lines part. Lines that are moved to the right keep their ends.
func (p *page) text(text string) {
	for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		p.line(".PP")
		p.body(paragraph)
	}
}

// body writes the lines of a paragraph.
func (p *page) body(text string) {
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, "  ") {
			p.line(".br")
		}
		p.line(escaped(strings.TrimSpace(line)))
	}
}

// term writes a word with what it means behind it.
func (p *page) term(word, meaning string) {
	p.line(".TP")
	p.line(`\fB` + escaped(word) + `\fR`)
	p.body(meaning)
}

// escaped makes text safe in roff: nothing in it is a request, and a hyphen stays the one that is typed.
func escaped(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}

// quoted is text as the argument of a request.
func quoted(text string) string {
	return `"` + strings.ReplaceAll(escaped(text), `"`, `\(dq`) + `"`
}
