// Package reference writes docs/reference and agent.schema.json, from what the program is made of: its command line, what loading a
// configuration asks for, the example that explains it, the types that are printed as JSON, and the metrics themselves. It is for a
// test, which holds the files to it and writes them.
package reference

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/internal/manual"
)

// SchemaName is the file with the schema, in the root of the repository.
const SchemaName = "agent.schema.json"

// Source is what the files are made of.
type Source struct {
	Root    *cobra.Command
	Example string // the text of agent.toml.example
	Answers []Answer
	Tree    string // the directory of the repository, where types have their comments
}

// Files returns the content of each file, by its path in the repository.
func Files(s Source) (map[string]string, error) {
	entries := manual.Example(s.Example)
	shapes := config.Shapes()
	schema, err := schemaOf(shapes, entries)
	if err != nil {
		return nil, err
	}
	answers, err := answersPage(s.Tree, s.Answers)
	if err != nil {
		return nil, err
	}
	metrics, err := metricsPage()
	if err != nil {
		return nil, err
	}
	return map[string]string{
		SchemaName:                        schema,
		"docs/reference/commands.md":      commandsPage(s.Root),
		"docs/reference/configuration.md": configurationPage(shapes, entries),
		"docs/reference/exit-codes.md":    exitCodesPage(),
		"docs/reference/json.md":          answers,
		"docs/reference/metrics.md":       metrics,
	}, nil
}

// page is Markdown that is being written.
type page struct{ strings.Builder }

// newPage begins one. from says what it is made of.
func newPage(title, from string) *page {
	p := &page{}
	p.printf("# %s\n\n<!-- Made of %s by: go test ./cmd/dropferry -run TestReference -write-reference -->\n", title, from)
	return p
}

func (p *page) printf(format string, args ...any) { fmt.Fprintf(&p.Builder, format, args...) }

// row writes a row of a table.
func (p *page) row(cells ...string) {
	for i, c := range cells {
		cells[i] = strings.ReplaceAll(strings.Join(strings.Fields(c), " "), "|", `\|`)
	}
	p.printf("| %s |\n", strings.Join(cells, " | "))
}

// table begins a table.
func (p *page) table(heads ...string) {
	p.printf("\n")
	p.row(heads...)
	p.printf("|%s\n", strings.Repeat("---|", len(heads)))
}

// code is a text as it is typed; "" stays empty.
func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}

// codes is a list of words.
func codes(words []string) string {
	var all []string
	for _, w := range words {
		all = append(all, code(w))
	}
	return strings.Join(all, ", ")
}
