package main

import (
	"math"
	"slices"
	"strconv"
	"time"
)

// latencies are many short times.
type latencies []time.Duration

// percentile returns the smallest of them that so many per cent do not exceed; 0 of none.
func (l latencies) percentile(p float64) time.Duration {
	if len(l) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(l))
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// inMillis writes a short time without its unit.
func inMillis(d time.Duration) string { return formatNumber(float64(d) / float64(time.Millisecond)) }

// latencyTable has a line for each kind of latency.
type latencyTable struct{ t *table }

func newLatencyTable() latencyTable {
	return latencyTable{&table{header: []string{"what", "goal", "verdict", "files", "p50 ms", "p90 ms", "p99 ms", "max ms"}, left: 3}}
}

// add adds a line; a goal of 0 is none. All but one in a hundred have to reach it.
func (t latencyTable) add(what string, l latencies, goal time.Duration) {
	goalText, verdict := "", ""
	if goal > 0 {
		goalText, verdict = "p99 under "+formatDuration(goal), atMost(l.percentile(99).Seconds(), goal.Seconds())
	}
	t.t.add(what, goalText, verdict, strconv.Itoa(len(l)), inMillis(l.percentile(50)), inMillis(l.percentile(90)),
		inMillis(l.percentile(99)), inMillis(l.percentile(100)))
}
