package main

import (
	"fmt"
	"slices"
	"strings"
)

// goal is how fast dropferry is to be in a cell, measured by its peers in the same run.
type goal struct {
	cell
	by     string  // a peer; "" is the best of all
	factor float64 // as many times faster
}

var goals = []goal{
	{cell{workload: large}, "", 1},
	{cell{workload: middling}, "", 1},
	{cell{workload: small}, "rsync", 1},
	{cell{workload: longHaul, network: far}, "", 5},
	{cell{workload: middling, network: far}, "rsync", 3},
	{cell{workload: small, network: far}, "rsync", 1},
}

// String says what the goal is.
func (g goal) String() string {
	who := g.by
	if who == "" {
		who = "the best peer"
	}
	if g.factor == 1 {
		return "as fast as " + who
	}
	return fmt.Sprintf("%s times faster than %s", trimZeros(formatNumber(g.factor)), who)
}

// reach returns the goal in seconds, and the peer that sets it. It returns false where none of them has a time.
func (g goal) reach(out outcome) (float64, string, bool) {
	best, who := 0.0, ""
	for _, r := range out.records {
		if r.program.own || r.program.limit || g.by != "" && r.program.name != g.by {
			continue
		}
		f := summarise(r.samples)
		if f.counted > 0 && !f.median.atLeast && (who == "" || f.median.value < best) {
			best, who = f.median.value, r.program.name
		}
	}
	return best / g.factor, who, who != ""
}

// goals has a line for each goal of which there are figures.
func (r report) goals() *table {
	t := &table{header: []string{"workload", "network", "goal", "that is", coldName, warmName}, left: 3}
	for _, g := range goals {
		for _, out := range r.results.outcomes {
			if out.workload != g.workload.scaled(r.options.scale) || out.network != g.network {
				continue
			}
			most, who, known := g.reach(out)
			if !known {
				continue
			}
			row := []string{out.workload.String(), out.network.String(), g.String(), formatNumber(most) + " s"}
			if g.by == "" {
				row[3] += " by " + who
			}
			for _, name := range []string{coldName, warmName} {
				row = append(row, verdict(out, name, most))
			}
			t.add(row...)
		}
	}
	return t
}

// verdict tells how a program stands to a goal in seconds.
func verdict(out outcome, name string, most float64) string {
	i := slices.IndexFunc(out.records, func(r record) bool { return r.program.name == name })
	if i < 0 {
		return ""
	}
	f := summarise(out.records[i].samples)
	if f.counted == 0 {
		return f.result()
	}
	times := formatNumber(f.median.value / most)
	switch {
	case f.median.atLeast:
		return f.result() + ", missed: > " + times + " times"
	case f.median.value <= most:
		return f.result() + ", met"
	}
	return f.result() + ", missed: " + times + " times"
}

// bounds has a line for each cell: how far a program is from what the machine can do.
func (r report) bounds() *table {
	t := &table{
		header: []string{"workload", "network", rawName + " s", streamName + " s", "MiB/s", coldName, warmName}, left: 2,
	}
	for _, out := range r.results.outcomes {
		by := map[string]figures{}
		for _, rec := range out.records {
			by[rec.program.name] = summarise(rec.samples)
		}
		stream := by[streamName]
		if stream.counted == 0 {
			continue
		}
		row := []string{out.workload.String(), out.network.String(), "", stream.result(), "", "", ""}
		if raw := by[rawName]; raw.counted > 0 {
			row[2] = raw.result()
		}
		if !stream.median.atLeast && stream.median.value > 0 {
			row[4] = formatNumber(float64(out.workload.bytes()) / (1 << 20) / stream.median.value)
		}
		for i, name := range []string{coldName, warmName} {
			if f := by[name]; f.counted > 0 {
				row[5+i] = strings.TrimSpace(ratio(f.median, stream.median))
			}
		}
		t.add(row...)
	}
	return t
}
