package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dropferry/dropferry/agent"
	"github.com/dropferry/dropferry/control"
)

// obey has a command obeyed and prints what has become of it.
func (p *program) obey(command *cobra.Command, c control.Command, word func(control.Outcome) string) error {
	configuration, err := p.load()
	if err != nil {
		return err
	}
	o, err := agent.Obey(command.Context(), configuration, c)
	if err != nil {
		return err
	}
	if p.json {
		return p.printJSON(o)
	}
	return p.printf("%s\n", agent.Typed(word(o), p.configFile))
}

// files words a number of files.
func files(n int) string {
	if n == 1 {
		return "1 file"
	}
	return fmt.Sprintf("%d files", n)
}

// stopped words the pauses that keep files from being sent, each on a line of its own; "" where there are none.
func stopped(pauses []control.Pause) string {
	var b strings.Builder
	for _, pause := range pauses {
		fmt.Fprintf(&b, "\n  %s is paused since %s", pause.Target(), clock(pause.Since))
	}
	return b.String()
}
