package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing wrong with a configuration, worded for the person who wrote it.
type Fault struct {
	File    string // as it was named to Load or Parse
	Line    int    // from 1; 0 where the file as a whole is at fault
	Key     string // with its tables: "folder.retry.max"; "" where no single key is at fault
	Text    string
	Hint    string // what to type instead; may be empty
	Warning bool   // the agent can run all the same

	cause error
}

// String returns the fault as one line, such as
//
//	agent.toml:12: folder "invoices": unknown key "exlude": did you mean "exclude"?
func (f Fault) String() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d", f.Line)
	}
	if f.Warning {
		b.WriteString(": warning")
	}
	b.WriteString(": " + f.Text)
	if f.Hint != "" {
		b.WriteString(": " + f.Hint)
	}
	return b.String()
}

// Faults are all the faults of one file, sorted by line. As an error they print one to a line.
type Faults []Fault

// Warnings makes warnings of the faults, and returns them.
func (fs Faults) Warnings() Faults {
	for i := range fs {
		fs[i].Warning = true
	}
	return fs
}

// Error returns the faults, one to a line.
func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives errors.Is the operating system's errors behind the faults, such as fs.ErrNotExist.
func (fs Faults) Unwrap() []error {
	var causes []error
	for _, f := range fs {
		if f.cause != nil {
			causes = append(causes, f.cause)
		}
	}
	return causes
}

// Fatal tells whether any of the faults is more than a warning.
func (fs Faults) Fatal() bool {
	return slices.ContainsFunc(fs, func(f Fault) bool { return !f.Warning })
}

func (fs Faults) sort() {
	slices.SortStableFunc(fs, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), strings.Compare(a.Text, b.Text))
	})
}
