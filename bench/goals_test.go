package main

import (
	"strings"
	"testing"
	"time"
)

func samplesOf(seconds float64) []sample {
	return []sample{{wall: time.Duration(seconds * float64(time.Second))}}
}

// goalReport has dropferry once and run, three peers and both limits in two cells that have goals.
func goalReport(once, run, rsync, scp, sftp []sample) report {
	records := []record{
		{program{name: coldName, own: true}, once},
		{program{name: warmName, own: true}, run},
		{program{name: "rsync"}, rsync},
		{program{name: "scp"}, scp},
		{program{name: "sftp"}, sftp},
		{program{name: rawName, limit: true}, samplesOf(0.1)},
		{program{name: streamName, limit: true}, samplesOf(0.5)},
	}
	return report{
		options: options{scale: 1},
		results: results{outcomes: []outcome{
			{cell{workload: middling, network: far}, records}, {cell{workload: longHaul, network: far}, records},
		}},
	}
}

func cellsOf(t *table) string {
	var lines []string
	for _, row := range t.rows {
		lines = append(lines, strings.Join(row, "|"))
	}
	return strings.Join(lines, "\n")
}

func TestGoals(t *testing.T) {
	cut := []sample{{wall: time.Minute, cut: true}}
	r := goalReport(samplesOf(4), samplesOf(2), samplesOf(6), samplesOf(5), cut)
	want := "1 x 256 MiB|RTT 50 ms|5 times faster than the best peer|1.00 s by scp|4.00, missed: 4.00 times|2.00, missed: 2.00 times\n" +
		"200 x 1 MiB|RTT 50 ms|3 times faster than rsync|2.00 s|4.00, missed: 2.00 times|2.00, met"
	if got := cellsOf(r.goals()); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	r = goalReport(cut, []sample{{fault: "x"}}, nil, samplesOf(10), cut)
	want = "1 x 256 MiB|RTT 50 ms|5 times faster than the best peer|2.00 s by scp|> 60, missed: > 30.0 times|failed"
	if got := cellsOf(r.goals()); got != want {
		t.Errorf("without rsync, got:\n%s\nwant:\n%s", got, want)
	}
	r.options.scale = 0.1 // then these are other cells
	if got := cellsOf(r.goals()); got != "" {
		t.Errorf("of other workloads:\n%s", got)
	}
}

func TestBounds(t *testing.T) {
	r := goalReport(samplesOf(4), nil, samplesOf(6), samplesOf(5), nil)
	want := "200 x 1 MiB|RTT 50 ms|0.10|0.50|400|8.00|\n1 x 256 MiB|RTT 50 ms|0.10|0.50|512|8.00|"
	if got := cellsOf(r.bounds()); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// TestReportHasItsParts holds that a reader finds everything, and no table without a line.
func TestReportHasItsParts(t *testing.T) {
	r := goalReport(samplesOf(4), samplesOf(2), samplesOf(6), samplesOf(5), nil)
	for _, out := range r.results.outcomes {
		for _, rec := range out.records {
			if len(r.programs) < len(out.records) {
				r.programs = append(r.programs, rec.program)
			}
		}
	}
	text := r.String()
	for _, want := range []string{"goals:", "machine can do", "counted:", "| program "} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
	if overview, _, _ := strings.Cut(text, "\n\n"); strings.Contains(overview, rawName) || !strings.Contains(overview, warmName) {
		t.Errorf("the overview is:\n%s", overview)
	}
	svg := r.chart()
	for _, want := range []string{"200 x 1 MiB, RTT 50 ms", "not run", "cat | ssh cat"} {
		if !strings.Contains(svg, want) {
			t.Errorf("%q is not in the chart", want)
		}
	}
	r.options.scale = 0.5
	if text := r.String(); strings.Contains(text, "goals:") {
		t.Errorf("goals without a line:\n%s", text)
	}
}
