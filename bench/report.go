package main

import (
	"fmt"
	"strings"
)

// report is what a reader gets: the times side by side, where they come from, and each program's figures.
type report struct {
	options  options
	machine  machine
	programs []program
	missing  []string
	results  results
}

// String returns it in Markdown.
func (r report) String() string {
	return strings.Join([]string{
		r.overview().String(),
		r.origin(),
		r.details().String(),
	}, "\n")
}

// overview has a line for each cell, and each program's median with its ratio to dropferry's.
func (r report) overview() *table {
	t := &table{header: []string{"workload", "network"}, left: 2}
	for _, p := range r.programs {
		t.header = append(t.header, p.name)
	}
	for _, out := range r.results.outcomes {
		row := []string{out.workload.String(), out.network.String()}
		own := summarise(out.records[0].samples)
		for i, rec := range out.records {
			f := summarise(rec.samples)
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
			"workload", "network", "program", "remarks", "runs", "median s", "min s", "max s", "ratio", "CPU s", "peak MiB", "wire MiB",
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
				row = append(row, f.min.String(), f.max.String(), "", f.cpu.String(), "", "")
				if i > 0 {
					row[8] = ratio(f.median, own.median)
				}
				if rec.program.own {
					row[10] = formatNumber(float64(f.rss) / (1 << 20))
				}
				if f.wire >= 0 {
					row[11] = formatNumber(float64(f.wire) / (1 << 20))
				}
			}
			t.add(row...)
		}
	}
	return t
}

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

// origin tells when, where and with what it was measured.
func (r report) origin() string {
	var b strings.Builder
	o := r.options
	line := func(format string, args ...any) { fmt.Fprintf(&b, "- "+format+"\n", args...) }
	line("Measured on %s, up to %s each, cut after %s.", r.machine.when.Format("2006-01-02"), counted(o.rounds, "run"), formatDuration(o.limit))
	line("%s", r.machine)
	for _, p := range r.programs {
		line("%s: %s", p.name, p.version)
	}
	if len(r.missing) > 0 {
		line("Not installed, and left out: %s.", strings.Join(r.missing, ", "))
	}
	if r.results.leftOut > 0 {
		line("%s left out: the time for the whole, %s, was over.", counted(r.results.leftOut, "run"), o.budget)
	}
	return b.String()
}

// counted returns "1 run" or "3 runs".
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
