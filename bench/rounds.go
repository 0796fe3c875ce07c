package main

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"
)

// record is what is known of one program in one cell.
type record struct {
	program program
	samples []sample
}

// outcome is one cell's records, in the order of the programs.
type outcome struct {
	cell
	records []record
}

// results are all outcomes, in the order in which they are told.
type results struct {
	outcomes []outcome
	leftOut  int // runs that the budget did not allow
}

// measure lets all programs run in turn, cell by cell and round by round: those that are compared run within the same
// minutes, and a budget that is over costs the later rounds and not the later cells.
func (s *transfers) measure(ctx context.Context) (results, error) {
	var all results
	for _, c := range s.cells {
		out := outcome{cell: c}
		for _, p := range s.programs {
			if c.runs(p) {
				out.records = append(out.records, record{program: p})
			}
		}
		all.outcomes = append(all.outcomes, out)
	}
	for round := range s.rounds {
		for _, out := range all.outcomes {
			for j := range out.records {
				r := &out.records[j]
				if !r.again(s.repeat) {
					continue
				}
				passed := time.Since(s.began)
				if passed > s.budget {
					all.leftOut++
					continue
				}
				m, err := s.run(ctx, r.program, s.sources[out.workload], out.network)
				if err != nil {
					return all, fmt.Errorf("run %s: %w", r.program.name, err)
				}
				r.samples = append(r.samples, m)
				s.say("%4.0f s  round %d of %d, %s, %s: %s: %s", passed.Seconds(), round+1, s.rounds, out.workload, out.network,
					r.program.name, m)
			}
		}
	}
	return all, nil
}

// again tells whether another round is worth its time: what takes so long varies little, and what is cut is cut again.
func (r record) again(longest time.Duration) bool {
	for _, m := range r.samples {
		if m.cut || m.wall > longest {
			return false
		}
	}
	return true
}

// ownFaults returns an error if a dropferry has failed: that is not for the table alone.
func (all results) ownFaults() error {
	return ownFaults(func(yield func(string, []record) bool) {
		for _, out := range all.outcomes {
			if !yield(fmt.Sprintf("%s, %s", out.workload, out.network), out.records) {
				return
			}
		}
	})
}

// ownFaults returns an error if a dropferry has failed in what was measured, of which each has a name.
func ownFaults(measured iter.Seq2[string, []record]) error {
	var faults []string
	for name, records := range measured {
		for _, r := range records {
			for _, m := range r.samples {
				if r.program.own && m.fault != "" {
					faults = append(faults, fmt.Sprintf("%s, %s: %s", r.program.name, name, m.fault))
				}
			}
		}
	}
	if faults == nil {
		return nil
	}
	return fmt.Errorf("failed runs:\n%s", strings.Join(faults, "\n"))
}
