package main

import (
	"cmp"
	"slices"
	"time"
)

// seconds is a time, or with atLeast a bound: the run was cut there.
type seconds struct {
	value   float64
	atLeast bool
}

// String returns "1.76" or "> 60".
func (s seconds) String() string {
	if s.atLeast {
		return "> " + trimZeros(formatNumber(s.value))
	}
	return formatNumber(s.value)
}

// figures are what several runs of one program come to.
type figures struct {
	counted          int // runs that have a time, or reached the limit
	failed           int
	median, min, max seconds
	cpu, serverCPU   seconds // median
	rss              int64   // bytes, the highest
	wire, sent       int64   // bytes, median; -1 is unknown
	fault            string  // of the first run that failed
}

// summarise brings samples together. Failed ones only count as failed.
func summarise(samples []sample) figures {
	var f figures
	var walls, cpus, servers []seconds
	var wires, sent []int64
	for _, m := range samples {
		if m.fault != "" {
			f.failed++
			f.fault = cmp.Or(f.fault, m.fault)
			continue
		}
		f.counted++
		walls = append(walls, seconds{m.wall.Seconds(), m.cut})
		cpus = append(cpus, seconds{m.cpu.Seconds(), m.cut})
		servers = append(servers, seconds{m.serverCPU.Seconds(), m.cut})
		wires, sent = append(wires, m.wire), append(sent, m.sent)
		f.rss = max(f.rss, m.rss)
	}
	if f.counted == 0 {
		return f
	}
	f.median, f.cpu, f.serverCPU = medianOf(walls), medianOf(cpus), medianOf(servers)
	f.min, f.max = walls[0], walls[len(walls)-1] // medianOf has sorted them
	slices.Sort(wires)
	slices.Sort(sent)
	f.wire, f.sent = wires[(len(wires)-1)/2], sent[(len(sent)-1)/2]
	return f
}

// medianOf sorts the times, bounds behind equal times, and returns the middle one or the mean of the two in the middle.
// It is at least that if one of those is.
func medianOf(times []seconds) seconds {
	slices.SortFunc(times, func(a, b seconds) int {
		return cmp.Or(cmp.Compare(a.value, b.value), compareBools(a.atLeast, b.atLeast))
	})
	lower, upper := times[(len(times)-1)/2], times[len(times)/2]
	return seconds{(lower.value + upper.value) / 2, lower.atLeast || upper.atLeast}
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// ratio tells how many times as long as own a program took: "1.31", "> 12.0" if only it was cut, "< 0.20" if only own
// was, and "" if nothing can be said.
func ratio(other, own seconds) string {
	if own.value == 0 || other.atLeast && own.atLeast {
		return ""
	}
	text := formatNumber(other.value / own.value)
	switch {
	case other.atLeast:
		return "> " + text
	case own.atLeast:
		return "< " + text
	}
	return text
}

// longest returns the longest time of a run that has one.
func longest(samples []sample) time.Duration {
	var d time.Duration
	for _, m := range samples {
		if m.fault == "" {
			d = max(d, m.wall)
		}
	}
	return d
}
