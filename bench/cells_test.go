package main

import (
	"testing"
	"time"
)

// TestTableCells holds that there is a cell for each goal of a transfer.
func TestTableCells(t *testing.T) {
	for _, g := range goals {
		found := false
		for _, c := range tableCells() {
			found = found || c.workload == g.workload && c.network == g.network
		}
		if !found {
			t.Errorf("no cell for %s, %s", g.workload, g.network)
		}
	}
}

// TestFullCells holds what the full set adds.
func TestFullCells(t *testing.T) {
	all := fullCells()
	seen := map[string]cell{}
	for _, c := range all {
		name := c.workload.String() + ", " + c.network.String()
		if _, twice := seen[name]; twice {
			t.Errorf("%s is there twice", name)
		}
		seen[name] = c
	}
	for _, network := range []string{"loopback", "RTT 20 ms", "RTT 50 ms", "RTT 150 ms", "RTT 50 ms, 20 MiB/s"} {
		for _, workload := range []string{"1 x 1 GiB", "200 x 1 MiB", "10000 x 4 KiB in 100 directories", "100000 x 1 KiB in 1000 directories"} {
			c, found := seen[workload+", "+network]
			if !found {
				t.Errorf("%s, %s is not there", workload, network)
			}
			if only := c.only != nil; only != (c.workload == tiny) {
				t.Errorf("%s, %s is for %q", workload, network, c.only)
			}
		}
	}
	for _, c := range tableCells() {
		if _, found := seen[c.workload.String()+", "+c.network.String()]; !found {
			t.Errorf("%s, %s of the table is not there", c.workload, c.network)
		}
	}
}

func TestParseCells(t *testing.T) {
	own, err := parseCells("", "4x1MiB,1x8MiB", "0,20ms", "0", 0.5)
	if err != nil || len(own) != 4 {
		t.Fatal(own, err)
	}
	if last := own[3]; last.workload != (workload{1, 4 << 20, 0}) || last.network != (network{rtt: 20 * time.Millisecond}) {
		t.Errorf("the last is %+v", last)
	}
	if half, err := parseCells("table", "", "", "", 0.5); err != nil || half[0].workload.size != large.size/2 {
		t.Errorf("half of the table: %+v, %v", half, err)
	}
}

func TestCellRuns(t *testing.T) {
	anyone, raw := program{name: "scp"}, program{name: rawName, local: true}
	for _, c := range []struct {
		name string
		cell cell
		p    program
		want bool
	}{
		{"any", cell{network: far}, anyone, true},
		{"one that is not named", cell{only: []string{"rsync"}}, anyone, false},
		{"without a network", cell{}, raw, true},
		{"of no network's concern", cell{network: far}, raw, false},
	} {
		if got := c.cell.runs(c.p); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
