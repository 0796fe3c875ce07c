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
	apart bool // it takes so long by itself that it runs where it is asked for alone
}

// section is what a part has to say.
type section struct {
	text   string // Markdown
	chart  string // SVG; "" where there is none
	faults error  // of dropferry: they stand in the text too, and are not for it alone
}

// parts are in the order in which they run. The transfers come behind all that runs with them, and take the time that is left.
var parts = []part{
	{name: "latency", title: "From ready to visible", run: (*stage).latency},
	{name: "burst", title: "A burst of new files", run: (*stage).burst},
	{name: "fairness", title: "Small files beside a large one", run: (*stage).fairness},
	{name: "bandwidth", title: "Limits of the bandwidth", run: (*stage).bandwidth},
	{name: "known", title: "A start with everything known", run: (*stage).known},
	{name: "idle", title: "Doing nothing", run: (*stage).idle},
	{name: "transfers", title: "Side by side", run: (*stage).transfers},
	{name: "delta", title: "Changed files", run: (*stage).delta, apart: true},
}

// parseParts returns the parts of these names, in their order; none means all but those that run apart.
func parseParts(list string) ([]part, error) {
	names := fields(list)
	if len(names) == 0 {
		return slices.DeleteFunc(slices.Clone(parts), func(p part) bool { return p.apart }), nil
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
