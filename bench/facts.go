package main

import (
	"fmt"
	"strings"
)

// fact is one figure beside what it is to be.
type fact struct {
	what, figure string
	goal         string // "" where none is set
	verdict      string // "met", or by how much it was missed
}

// facts returns a table of them, with notes below.
func facts(all []fact, notes ...string) string {
	t := &table{header: []string{"what", "figure", "goal", "verdict"}, left: 4}
	for _, f := range all {
		t.add(f.what, f.figure, f.goal, f.verdict)
	}
	return t.String() + "\n" + bullets(notes)
}

func bullets(notes []string) string {
	var b strings.Builder
	for _, n := range notes {
		b.WriteString("- " + n + "\n")
	}
	return b.String()
}

const met = "met"

// atMost is the verdict on a figure that is to be small.
func atMost(value, most float64) string {
	if value <= most {
		return met
	}
	return fmt.Sprintf("missed: %s times the goal", formatNumber(value/most))
}
