package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dropferry/dropferry/bench/chart"
)

// deltaReport is what a reader gets of changed files.
type deltaReport struct {
	options  options
	size     int64 // bytes of a file
	versions []string
	outcomes []deltaOutcome
}

// What is to be reached, each as a ratio to another program in the same run.
const (
	deltaBytesGoal = 1.0  // bytes up, to rsync's
	deltaTimeGoal  = 1.4  // seconds over a line that is slow, to rsync's
	deltaVainGoal  = 1.05 // seconds where nothing is found, to those of a full upload
)

// String returns it in Markdown.
func (r deltaReport) String() string {
	left := 0
	for _, o := range r.outcomes {
		for _, rec := range o.records {
			if len(rec.samples) == 0 {
				left++
			}
		}
	}
	notes := []string{
		fmt.Sprintf("Files of %s, which change as the first column says. The version before is at the server, brought there by the same program. Up to %s each, cut after %s.",
			formatBytes(r.size), counted(r.options.rounds, "run"), formatDuration(r.options.limit)),
		"All goes through a relay that counts, on the loopback interface too; the relay's processor time is its own.",
		"`dropferry` is `once` with `delta = \"always\"`, and with `\"auto\"` where nothing is the same, `full upload` with `delta = \"off\"`: each connects, probes, scans, and proves the result by a hash at the server. `rsync -a` does not look at its result again.",
	}
	notes = append(notes, r.versions...)
	if left > 0 {
		notes = append(notes, fmt.Sprintf("%s not run: the time for the whole, %s, was over.", counted(left, "transfer"), r.options.budget))
	}
	text := r.overview().String()
	if goals := r.goals(); len(goals) > 0 {
		text += "\nHow far that is from the goals:\n\n" + strings.TrimRight(facts(goals), "\n") + "\n"
	}
	return text + "\nEverything that was counted:\n\n" + r.details().String() + "\n" + bullets(notes)
}

// overview has a line for each change over each network: seconds, with the ratio to dropferry's, and MiB to the server.
func (r deltaReport) overview() *table {
	t := &table{header: []string{"change", "network"}, left: 2}
	if len(r.outcomes) == 0 {
		return t
	}
	for _, rec := range r.outcomes[0].records {
		t.header = append(t.header, rec.program.name+" s")
	}
	for _, rec := range r.outcomes[0].records {
		t.header = append(t.header, rec.program.name+" MiB")
	}
	for _, o := range r.outcomes {
		row := []string{o.describe(r.size), o.over.String()}
		own := summarise(o.records[0].samples)
		for i, rec := range o.records {
			f := summarise(rec.samples)
			text := f.result()
			if times := ratio(f.median, own.median); i > 0 && times != "" && f.counted > 0 {
				text += " (" + times + ")"
			}
			row = append(row, text)
		}
		for _, rec := range o.records {
			text := ""
			if f := summarise(rec.samples); f.counted > 0 && !f.median.atLeast {
				text = inMiB(f.sent)
			}
			row = append(row, text)
		}
		t.add(row...)
	}
	return t
}

// details has a line for each program.
func (r deltaReport) details() *table {
	t := &table{
		header: []string{
			"change", "network", "program", "remarks", "runs", "median s", "min s", "max s", "CPU s", "server CPU s", "peak MiB", "up MiB", "wire MiB",
		},
		left: 4,
	}
	for _, o := range r.outcomes {
		for _, rec := range o.records {
			f := summarise(rec.samples)
			row := []string{
				o.name, o.over.String(), rec.program.name, report{options: r.options}.remarks(rec, f), fmt.Sprint(f.counted), f.result(),
			}
			if f.counted > 0 {
				row = append(row, f.min.String(), f.max.String(), f.cpu.String(), f.serverCPU.String(), inMiB(f.rss), inMiB(f.sent), inMiB(f.wire))
			}
			t.add(row...)
		}
	}
	return t
}

// goals tells of each goal the change that is furthest from it.
func (r deltaReport) goals() (all []fact) {
	bytes := func(f figures) float64 { return float64(f.sent) }
	time := func(f figures) float64 { return f.median.value }
	slow := func(o deltaOutcome) bool { return o.over.rate > 0 }
	for _, g := range []struct {
		what  string
		of    func(deltaOutcome) bool
		value func(figures) float64
		than  string
		most  float64
		goal  string
	}{
		{
			"bytes to the server over a slow line, but for what was inserted", func(o deltaOutcome) bool { return slow(o) && o.name != "inserted" },
			bytes, rsyncName, deltaBytesGoal, "at most rsync's",
		},
		{"seconds over a slow line", slow, time, rsyncName, deltaTimeGoal, "at most 1.4 times rsync's"},
		{
			"seconds where nothing is the same", func(o deltaOutcome) bool { return o.name == "unrelated" },
			time, wholeName, deltaVainGoal, "at most 1.05 times a full upload's",
		},
	} {
		worst, where := 0.0, ""
		for _, o := range r.outcomes {
			if !g.of(o) {
				continue
			}
			if times := o.times(g.value, g.than); times > worst {
				worst, where = times, o.name+", "+o.over.String()
			}
		}
		if where != "" {
			all = append(all, fact{g.what, fmt.Sprintf("%s times, in the worst case: %s", formatNumber(worst), where), g.goal, atMost(worst, g.most)})
		}
	}
	return all
}

// times is how dropferry's figure stands to another program's, and at least that if it was cut; 0 where one of them has none.
func (o deltaOutcome) times(value func(figures) float64, than string) float64 {
	figure := func(name string, open bool) float64 {
		i := slices.IndexFunc(o.records, func(rec record) bool { return rec.program.name == name })
		if i < 0 {
			return 0
		}
		f := summarise(o.records[i].samples)
		if f.counted == 0 || f.median.atLeast && !open {
			return 0
		}
		return value(f)
	}
	if other := figure(than, false); other > 0 {
		return figure(deltaName, true) / other
	}
	return 0
}

// chart has a panel for each change, over the slowest network that was measured.
func (r deltaReport) chart() string {
	if len(r.outcomes) == 0 {
		return ""
	}
	slowest := r.outcomes[len(r.outcomes)-1].over
	var panels []chart.Panel
	for _, o := range r.outcomes {
		if o.over != slowest {
			continue
		}
		p := chart.Panel{Title: o.describe(r.size)}
		for _, rec := range o.records {
			f := summarise(rec.samples)
			b := chart.Bar{Label: rec.program.name, Kind: rec.program.kind(), Value: -1, Text: f.result()}
			if rec.program.name == wholeName {
				b.Kind = chart.Peer
			}
			if f.counted > 0 {
				b.Value, b.Open = f.median.value, f.median.atLeast
			}
			p.Bars = append(p.Bars, b)
		}
		panels = append(panels, p)
	}
	return chart.SVG("Seconds until a changed file is at the server",
		fmt.Sprintf("Files of %s, %s. Shorter is better; each panel has its own scale. A cut bar reached the limit.", formatBytes(r.size), slowest), panels)
}

// ownFaults returns an error if a dropferry has failed.
func (r deltaReport) ownFaults() error {
	return ownFaults(func(yield func(string, []record) bool) {
		for _, o := range r.outcomes {
			if !yield(fmt.Sprintf("%s, %s", o.name, o.over), o.records) {
				return
			}
		}
	})
}
