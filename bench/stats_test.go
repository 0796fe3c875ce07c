package main

import (
	"testing"
	"time"
)

func TestMedianOf(t *testing.T) {
	for _, c := range []struct {
		name  string
		times []seconds
		want  seconds
	}{
		{"one", []seconds{{3, false}}, seconds{3, false}},
		{"odd, in any order", []seconds{{9, false}, {1, false}, {2, false}}, seconds{2, false}},
		{"even", []seconds{{4, false}, {1, false}, {2, false}, {9, false}}, seconds{3, false}},
		{"a bound beside the middle", []seconds{{60, true}, {1, false}, {2, false}}, seconds{2, false}},
		{"a bound in the middle", []seconds{{60, true}, {59, false}}, seconds{59.5, true}},
		{"a bound is more than an equal time", []seconds{{60, true}, {60, false}, {1, false}}, seconds{60, false}},
	} {
		if got := medianOf(c.times); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestRatio(t *testing.T) {
	for _, c := range []struct {
		name       string
		other, own seconds
		want       string
	}{
		{"slower", seconds{3, false}, seconds{2, false}, "1.50"},
		{"faster", seconds{1, false}, seconds{2, false}, "0.50"},
		{"the other was cut", seconds{60, true}, seconds{2, false}, "> 30.0"},
		{"own was cut", seconds{6, false}, seconds{60, true}, "< 0.10"},
		{"both were cut", seconds{60, true}, seconds{60, true}, ""},
		{"own has no time", seconds{60, false}, seconds{}, ""},
	} {
		if got := ratio(c.other, c.own); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestSummarise(t *testing.T) {
	got := summarise([]sample{
		{wall: 3 * time.Second, cpu: time.Second, serverCPU: 4 * time.Second, rss: 10, wire: 7},
		{wall: time.Millisecond, rss: 99, wire: 1, fault: "wrong result: a is missing"},
		{wall: 2 * time.Second, cpu: 2 * time.Second, rss: 30, wire: 5},
		{wall: 7 * time.Second, cpu: 3 * time.Second, serverCPU: time.Second, rss: 20, wire: 6},
		{wall: time.Millisecond, fault: "exit status 1"},
	})
	want := figures{
		counted: 3, failed: 2, median: seconds{value: 3}, min: seconds{value: 2}, max: seconds{value: 7}, cpu: seconds{value: 2},
		serverCPU: seconds{value: 1},
		rss:       30, wire: 6, fault: "wrong result: a is missing",
	}
	if got != want {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if got := summarise(nil); got != (figures{}) {
		t.Errorf("nothing comes to %+v", got)
	}
}

func TestAgain(t *testing.T) {
	for _, c := range []struct {
		name    string
		samples []sample
		want    bool
	}{
		{"not run yet", nil, true},
		{"short", []sample{{wall: 20 * time.Second}, {wall: time.Second}}, true},
		{"failed", []sample{{wall: time.Second, fault: "x"}}, true},
		{"long once", []sample{{wall: time.Second}, {wall: 21 * time.Second}}, false},
		{"cut", []sample{{wall: 10 * time.Second, cut: true}}, false},
	} {
		if got := (record{samples: c.samples}).again(20 * time.Second); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
