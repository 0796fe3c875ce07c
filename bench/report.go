package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dropferry/dropferry/bench/chart"
)

// report is what a reader gets: the times side by side, how they stand to the goals and to what the machine can do, and
// each program's figures.
type report struct {
	options  options
	programs []program
	missing  []string
	results  results
}

// String returns it in Markdown.
func (r report) String() string {
	var b strings.Builder
	b.WriteString(r.overview().String())
	for _, more := range []struct {
		title string
		t     *table
	}{
		{"How far that is from the goals:", r.goals()},
		{"How far it is from what the machine can do, as a multiple of one stream of the same bytes:", r.bounds()},
		{"Everything that was counted:", r.details()},
	} {
		if len(more.t.rows) > 0 {
			b.WriteString("\n" + more.title + "\n\n" + more.t.String())
		}
	}
	b.WriteString("\n" + r.origin())
	return b.String()
}

// chart has a panel for each cell.
func (r report) chart() string {
	var panels []chart.Panel
	for _, out := range r.results.outcomes {
		p := chart.Panel{Title: out.workload.String() + ", " + out.network.String()}
		for _, rec := range out.records {
			f := summarise(rec.samples)
			b := chart.Bar{Label: rec.program.name, Kind: rec.program.kind(), Value: -1, Text: f.result()}
			if f.counted > 0 {
				b.Value, b.Open = f.median.value, f.median.atLeast
			}
			p.Bars = append(p.Bars, b)
		}
		panels = append(panels, p)
	}
	return chart.SVG("Seconds until everything is at the server",
		"Shorter is better; each panel has its own scale. A cut bar reached the limit. Dashed: what the machine can do at best.", panels)
}

func (p program) kind() chart.Kind {
	switch {
	case p.own:
		return chart.Own
	case p.limit:
		return chart.Limit
	}
	return chart.Peer
}

// overview has a line for each cell, and each program's median with its ratio to dropferry's from a cold start.
func (r report) overview() *table {
	t := &table{header: []string{"workload", "network"}, left: 2}
	shown := slices.DeleteFunc(slices.Clone(r.programs), func(p program) bool { return p.limit })
	for _, p := range shown {
		t.header = append(t.header, p.name)
	}
	for _, out := range r.results.outcomes {
		row := []string{out.workload.String(), out.network.String()}
		own := summarise(out.records[0].samples)
		for i, p := range shown {
			j := slices.IndexFunc(out.records, func(rec record) bool { return rec.program.name == p.name })
			if j < 0 {
				row = append(row, "")
				continue
			}
			f := summarise(out.records[j].samples)
			text := f.result()
			if times := ratio(f.median, own.median); i > 0 && times != "" && f.counted > 0 {
				text += " (" + times + ")"
			}
			row = append(row, text)
		}
		t.add(row...)
	}
	return t
}

// details has a line for each program in each cell.
func (r report) details() *table {
	t := &table{
		header: []string{
			"workload", "network", "program", "remarks", "runs", "median s", "min s", "max s", "ratio", "CPU s", "server CPU s", "peak MiB",
			"wire MiB",
		},
		left: 4,
	}
	for _, out := range r.results.outcomes {
		own := summarise(out.records[0].samples)
		for i, rec := range out.records {
			f := summarise(rec.samples)
			row := []string{
				out.workload.String(), out.network.String(), rec.program.name, r.remarks(rec, f), fmt.Sprint(f.counted),
				f.result(),
			}
			if f.counted > 0 {
				row = append(row, f.min.String(), f.max.String(), "", f.cpu.String(), f.serverCPU.String(), inMiB(f.rss), "")
				if i > 0 {
					row[8] = ratio(f.median, own.median)
				}
				if f.wire >= 0 {
					row[12] = inMiB(f.wire)
				}
			}
			t.add(row...)
		}
	}
	return t
}

func inMiB(n int64) string { return formatNumber(float64(n) / (1 << 20)) }

// result is the median, or why there is none.
func (f figures) result() string {
	switch {
	case f.counted > 0:
		return f.median.String()
	case f.failed > 0:
		return "failed"
	}
	return "not run"
}

// remarks tell what a reader of the figures has to know.
func (r report) remarks(rec record, f figures) string {
	var remarks []string
	if f.failed > 0 {
		remarks = append(remarks, fmt.Sprintf("%d of %d failed: %s", f.failed, len(rec.samples), shorten(f.fault)))
	}
	if len(rec.samples) > 0 && len(rec.samples) < r.options.rounds {
		switch d := longest(rec.samples); {
		case f.max.atLeast:
			remarks = append(remarks, "cut, not repeated")
		case d > r.options.repeat:
			remarks = append(remarks, "long, not repeated")
		}
	}
	return strings.Join(remarks, "; ")
}

// shorten keeps a table readable.
func shorten(text string) string {
	const most = 120
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

// origin tells how and with what it was measured.
func (r report) origin() string {
	o := r.options
	notes := []string{fmt.Sprintf("Up to %s each, cut after %s.", counted(o.rounds, "run"), formatDuration(o.limit))}
	for _, p := range r.programs {
		if p.version != "" && (!p.own || p.name == againstName) {
			notes = append(notes, p.name+": "+p.version)
		}
	}
	if len(r.missing) > 0 {
		notes = append(notes, "Not installed, and left out: "+strings.Join(r.missing, ", ")+".")
	}
	if n := r.results.leftOut; n > 0 {
		notes = append(notes, fmt.Sprintf("%s left out: the time for the whole, %s, was over.", counted(n, "run"), o.budget))
	}
	return bullets(notes)
}

// counted returns "1 run" or "3 runs".
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
