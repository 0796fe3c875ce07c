package main

import (
	"strings"
	"testing"
	"time"
)

func TestTable(t *testing.T) {
	tab := &table{header: []string{"name", "s"}, left: 1}
	tab.add("a|b\nc", "1.76")
	tab.add("Zürich")
	want := strings.Join([]string{
		`| name   |    s |`,
		`|:-------|-----:|`,
		`| a\|b c | 1.76 |`,
		`| Zürich |      |`,
		``,
	}, "\n")
	if got := tab.String(); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

// sampleReport has a success, a failure and a cut run.
func sampleReport() report {
	w := small
	own, scp, sftp, rsync := program{name: coldName, own: true, version: "dropferry 1.0"},
		program{name: "scp", version: "OpenSSH"}, program{name: "sftp", version: "OpenSSH"}, program{name: "rsync", version: "3"}
	direct := outcome{cell{workload: w}, []record{
		{own, []sample{
			{wall: 2 * time.Second, cpu: time.Second, serverCPU: 3 * time.Second, rss: 30 << 20, wire: -1},
			{wall: 4 * time.Second, rss: 20 << 20, wire: -1},
		}},
		{scp, []sample{{wall: 6 * time.Second, cpu: time.Second, wire: -1}, {fault: "wrong result: x is missing"}}},
		{sftp, []sample{{wall: 60 * time.Second, cut: true, wire: -1}}},
		{rsync, []sample{{wall: 1500 * time.Millisecond, wire: -1}}},
	}}
	long := outcome{cell{workload: w, network: far}, []record{
		{own, []sample{{wall: 8 * time.Second, wire: 3 << 19}}},
		{scp, []sample{{fault: "exit status 1: lost"}, {fault: "no"}}},
		{program: sftp},
		{rsync, []sample{{wall: 25 * time.Second, wire: 1 << 20}}},
	}}
	return report{
		options:  options{scale: 1, rounds: 2, limit: time.Minute, repeat: 20 * time.Second, budget: 18 * time.Minute},
		programs: []program{own, scp, sftp, rsync}, missing: []string{"rclone"},
		results: results{[]outcome{direct, long}, 3},
	}
}

func TestOverview(t *testing.T) {
	want := strings.Join([]string{
		`| workload                       | network   | dropferry once |         scp |          sftp |       rsync |`,
		`|:-------------------------------|:----------|---------------:|------------:|--------------:|------------:|`,
		`| 2000 x 4 KiB in 50 directories | loopback  |           3.00 | 6.00 (2.00) | > 60 (> 20.0) | 1.50 (0.50) |`,
		`| 2000 x 4 KiB in 50 directories | RTT 50 ms |           8.00 |      failed |       not run | 25.0 (3.12) |`,
		``,
	}, "\n")
	if got := sampleReport().overview().String(); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

func TestDetails(t *testing.T) {
	var got []string
	for line := range strings.Lines(sampleReport().details().String()) {
		cells := strings.Split(strings.Trim(line, "|\n"), "|")[2:]
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		got = append(got, strings.Join(cells, "|"))
	}
	want := []string{
		"dropferry once||2|3.00|2.00|4.00||0.50|1.50|30.0|",
		"scp|1 of 2 failed: wrong result: x is missing|1|6.00|6.00|6.00|2.00|1.00|0.00|0.00|",
		"sftp|cut, not repeated|1|> 60|> 60|> 60|> 20.0|> 0|> 0|0.00|",
		"rsync||1|1.50|1.50|1.50|0.50|0.00|0.00|0.00|",
		"dropferry once||1|8.00|8.00|8.00||0.00|0.00|0.00|1.50",
		"scp|2 of 2 failed: exit status 1: lost|0|failed|||||||",
		"sftp||0|not run|||||||",
		"rsync|long, not repeated|1|25.0|25.0|25.0|3.12|0.00|0.00|0.00|1.00",
	}
	if strings.Join(got[2:], "\n") != strings.Join(want, "\n") {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got[2:], "\n"), strings.Join(want, "\n"))
	}
}

func TestOrigin(t *testing.T) {
	got := sampleReport().origin()
	for _, part := range []string{
		"- Up to 2 runs each, cut after 60 s.\n", "- rsync: 3\n", "- Not installed, and left out: rclone.\n",
		"- 3 runs left out: the time for the whole, 18m0s, was over.\n",
	} {
		if !strings.Contains(got, part) {
			t.Errorf("%q is not in:\n%s", part, got)
		}
	}
	if strings.Contains(got, "dropferry 1.0") {
		t.Errorf("our own version is told twice:\n%s", got)
	}
}

func TestOwnFaults(t *testing.T) {
	r := sampleReport().results
	if err := r.ownFaults(); err != nil {
		t.Errorf("a peer's failure counts as ours: %v", err)
	}
	r.outcomes[0].records[0].samples[1].fault = "exit status 3"
	if err := r.ownFaults(); err == nil || !strings.Contains(err.Error(), "dropferry once, 2000 x 4 KiB in 50 directories, loopback: exit status 3") {
		t.Errorf("our own failure is told as: %v", err)
	}
}
