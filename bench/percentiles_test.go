package main

import (
	"testing"
	"time"
)

func TestPercentile(t *testing.T) {
	var l latencies
	for i := 100; i > 0; i-- {
		l = append(l, time.Duration(i))
	}
	for p, want := range map[float64]time.Duration{0: 1, 1: 1, 50: 50, 90: 90, 99: 99, 99.5: 100, 100: 100} {
		if got := l.percentile(p); got != want {
			t.Errorf("%v: %d, want %d", p, got, want)
		}
	}
	if got := (latencies{7, 3}).percentile(50); got != 3 {
		t.Errorf("of two: %d", got)
	}
	if got := (latencies{}).percentile(50); got != 0 {
		t.Errorf("of none: %d", got)
	}
}

func TestLatencyTable(t *testing.T) {
	table := newLatencyTable()
	table.add("fast", latencies{10 * time.Millisecond, 1500 * time.Microsecond}, 50*time.Millisecond)
	table.add("slow", latencies{75 * time.Millisecond}, 50*time.Millisecond)
	table.add("free", latencies{75 * time.Millisecond}, 0)
	want := "fast|p99 under 50 ms|met|2|1.50|10.0|10.0|10.0\n" +
		"slow|p99 under 50 ms|missed: 1.50 times the goal|1|75.0|75.0|75.0|75.0\n" +
		"free|||1|75.0|75.0|75.0|75.0"
	if got := cellsOf(table.t); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
