package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseChanges(t *testing.T) {
	if all, err := parseChanges(""); err != nil || len(all) != len(changes) {
		t.Errorf("all changes are %d, %v", len(all), err)
	}
	some, err := parseChanges("unrelated, middle")
	if err != nil || len(some) != 2 || some[0].name != "middle" {
		t.Errorf("%+v, %v", some, err)
	}
	if got, want := some[0].describe(128<<20), "1 MiB overwritten in the middle"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	if _, err := parseChanges("middle,left"); err == nil || !strings.Contains(err.Error(), `"left" is not one of middle, `) {
		t.Errorf("an unknown change: %v", err)
	}
}

// TestChanges holds that each change is what it says: the same each time, and of the right extent.
func TestChanges(t *testing.T) {
	const size = 4 << 20
	for name, want := range map[string]struct {
		bytes       int64 // more than the old version has
		least, most int   // bytes that differ at the same place
	}{
		"middle":    {0, size / 129, size / 128},
		"scattered": {0, size / 160, size / 128},
		"appended":  {size / 64, 0, 0},
		"inserted":  {1 << 10, size / 2, size},
		"database":  {0, size / 1024 * 8 / 25, size / 1024 * 8 / 15},
		"unrelated": {0, size / 100 * 99, size},
		"tar":       {-1, size / 50, size},
		"tar-times": {-1, size / 50, size},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all, err := parseChanges(name)
			if err != nil {
				t.Fatal(err)
			}
			c := all[0]
			old, changed, err := c.make(size, c.share)
			again, changedAgain, errAgain := c.make(size, c.share)
			if err := errors.Join(err, errAgain); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(old, again) || !bytes.Equal(changed, changedAgain) {
				t.Error("it is not the same each time")
			}
			if more := int64(len(changed) - len(old)); want.bytes >= 0 && more != want.bytes || len(old) < size {
				t.Errorf("%d bytes become %d", len(old), len(changed))
			}
			differ := 0
			for i := range min(len(old), len(changed)) {
				if old[i] != changed[i] {
					differ++
				}
			}
			if differ < want.least || differ > want.most {
				t.Errorf("%d bytes differ, not between %d and %d", differ, want.least, want.most)
			}
		})
	}
}

// TestTarOf holds that of an archive some files change, or all times.
func TestTarOf(t *testing.T) {
	const size = 16 << 20
	old, err := tarOf(size, false, yesterday)
	changed, errChanged := tarOf(size, true, yesterday.Add(time.Hour))
	if err := errors.Join(err, errChanged); err != nil {
		t.Fatal(err)
	}
	before, after := listOf(t, old), listOf(t, changed)
	if len(before) != len(after) {
		t.Fatalf("%d files become %d", len(before), len(after))
	}
	n := 0
	for i := range before {
		if before[i].name != after[i].name || !after[i].at.Equal(before[i].at.Add(time.Hour)) {
			t.Errorf("%+v becomes %+v", before[i], after[i])
		}
		if before[i].content != after[i].content {
			n++
		}
	}
	if n == 0 || n > len(before)/8 {
		t.Errorf("%d of %d files changed", n, len(before))
	}
}

type member struct {
	name    string
	at      time.Time
	content [32]byte
}

func listOf(t *testing.T, archive []byte) (all []member) {
	t.Helper()
	for r := tar.NewReader(bytes.NewReader(archive)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, member{h.Name, h.ModTime, sumOf(content)})
	}
}

// sampleDelta has two changes over two networks.
func sampleDelta() deltaReport {
	slow := network{rtt: 50 * time.Millisecond, rate: 5 << 20}
	o := func(name string, over network, seconds ...float64) deltaOutcome {
		c, _ := parseChanges(name)
		out := deltaOutcome{change: c[0], over: over}
		for i, s := range seconds {
			r := record{program: []program{{name: deltaName, own: true}, {name: wholeName, own: true}, {name: rsyncName}}[i]}
			if s > 0 {
				r.samples = []sample{{wall: time.Duration(s * float64(time.Second)), sent: int64(s) << 20, wire: 2 << 20, cut: s >= 60}}
			}
			out.records = append(out.records, r)
		}
		return out
	}
	return deltaReport{
		options: options{rounds: 1, limit: time.Minute, repeat: 20 * time.Second}, size: 128 << 20, versions: []string{"rsync: 3"},
		outcomes: []deltaOutcome{
			o("middle", network{}, 2, 1, 4), o("middle", slow, 3, 60, 2), o("unrelated", network{}, 3, 2, 0), o("unrelated", slow, 30, 30, 31),
		},
	}
}

func TestDeltaOverview(t *testing.T) {
	got := sampleDelta().overview().String()
	for _, want := range []string{
		"| 1 MiB overwritten in the middle | loopback           |        2.00 |   1.00 (0.50) | 4.00 (2.00) |          2.00 |            1.00 |      4.00 |\n",
		"| 1 MiB overwritten in the middle | RTT 50 ms, 5 MiB/s |        3.00 | > 60 (> 20.0) | 2.00 (0.67) |          3.00 |                 |      2.00 |\n",
		"not run",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in:\n%s", want, got)
		}
	}
}

func TestDeltaGoals(t *testing.T) {
	var got []string
	for _, f := range sampleDelta().goals() {
		got = append(got, f.figure+": "+f.verdict)
	}
	want := []string{
		"1.50 times, in the worst case: middle, RTT 50 ms, 5 MiB/s: missed: 1.50 times the goal",
		"1.50 times, in the worst case: middle, RTT 50 ms, 5 MiB/s: missed: 1.07 times the goal",
		"1.50 times, in the worst case: unrelated, loopback: missed: 1.43 times the goal",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, not %q", got, want)
	}
}

func TestDeltaTells(t *testing.T) {
	r := sampleDelta()
	if got := r.String(); !strings.Contains(got, "- 1 transfer not run: ") || !strings.Contains(got, "- rsync: 3\n") {
		t.Errorf("it does not tell what is missing:\n%s", got)
	}
	if got := r.chart(); strings.Count(got, `class="title"`) != 2 || !strings.Contains(got, "128 MiB, RTT 50 ms, 5 MiB/s") {
		t.Errorf("another chart:\n%s", got)
	}
	if err := r.ownFaults(); err != nil {
		t.Error(err)
	}
	r.outcomes[1].records[0].samples[0].fault = "exit status 3"
	if err := r.ownFaults(); err == nil || !strings.Contains(err.Error(), "dropferry, middle, RTT 50 ms, 5 MiB/s: exit status 3") {
		t.Errorf("our own failure is told as: %v", err)
	}
}
