package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// part is one thing that is measured. Each can be run by itself and has its own place in the document.
type part struct {
	name  string
	title string
	run   func(*stage, context.Context) (section, error)
}

// section is what a part has to say.
type section struct {
	text   string // Markdown
	chart  string // SVG; "" where there is none
	faults error  // of dropferry: they stand in the text too, and are not for it alone
}

// parts are in the order in which they run. The transfers come last, and take the time that is left.
var parts = []part{
	{"latency", "From ready to visible", (*stage).latency},
	{"burst", "A burst of new files", (*stage).burst},
	{"fairness", "Small files beside a large one", (*stage).fairness},
	{"bandwidth", "Limits of the bandwidth", (*stage).bandwidth},
	{"known", "A start with everything known", (*stage).known},
	{"idle", "Doing nothing", (*stage).idle},
	{"transfers", "Side by side", (*stage).transfers},
}

// parseParts returns the parts of these names, in their order; none means all.
func parseParts(list string) ([]part, error) {
	names := fields(list)
	if len(names) == 0 {
		return parts, nil
	}
	var all []string
	var found []part
	for _, p := range parts {
		all = append(all, p.name)
		if slices.Contains(names, p.name) {
			found = append(found, p)
		}
	}
	for _, name := range names {
		if !slices.Contains(all, name) {
			return nil, fmt.Errorf("-only: %q is not one of %s", name, strings.Join(all, ", "))
		}
	}
	return found, nil
}

// measure lets a part run, and says when and where that was.
func (s *stage) measure(ctx context.Context, p part) (section, error) {
	began, before := time.Now(), loadAverage()
	made, err := p.run(s, ctx)
	if err != nil {
		return made, err
	}
	when := fmt.Sprintf("- Measured on %s in %s, load %s at the beginning and %s at the end.\n", began.UTC().Format(time.DateOnly),
		time.Since(began).Round(time.Second), before, loadAverage())
	made.text = strings.TrimRight(made.text, "\n") + "\n" + when + s.origin()
	return made, nil
}

// origin is what is the same for all parts: the machine, the account, the program.
func (s *stage) origin() string {
	return fmt.Sprintf("- %s\n- The server's account is %s.\n- dropferry: %s\n", s.machine, s.server.account, s.version)
}
