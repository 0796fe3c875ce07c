package main

import (
	"fmt"
	"slices"
	"time"
)

// cell is one workload over one network.
type cell struct {
	workload workload
	network  network
	only     []string // programs that run it; nil is all
}

// runs tells whether a program takes part.
func (c cell) runs(p program) bool {
	return (c.only == nil || slices.Contains(c.only, p.name)) && (!p.local || c.network.direct())
}

// The workloads that the goals and the full set speak of.
var (
	large    = workload{count: 1, size: 512 << 20}
	middling = workload{count: 200, size: 1 << 20}
	small    = workload{count: 2000, size: 4 << 10, dirs: 50}
	longHaul = workload{count: 1, size: 256 << 20}

	giant = workload{count: 1, size: 1 << 30}
	many  = workload{count: 10_000, size: 4 << 10, dirs: 100}
	tiny  = workload{count: 100_000, size: 1 << 10, dirs: 1000}
)

var far = network{rtt: 50 * time.Millisecond}

// tableCells are what the goals speak of.
func tableCells() []cell {
	return []cell{
		{workload: large},
		{workload: middling},
		{workload: small},
		{workload: longHaul, network: far},
		{workload: middling, network: far},
		{workload: small, network: far},
	}
}

// fullCells are those and all the others.
func fullCells() []cell {
	all := tableCells()
	for _, n := range []network{
		{}, {rtt: 20 * time.Millisecond}, far, {rtt: 150 * time.Millisecond}, {far.rtt, 20 << 20},
	} {
		for _, w := range []workload{giant, middling, many, tiny} {
			c := cell{workload: w, network: n}
			if w == tiny { // too many for the others, on any network
				c.only = []string{coldName, warmName, "rsync", rawName, streamName}
			}
			if !slices.ContainsFunc(all, func(other cell) bool { return other.workload == w && other.network == n }) {
				all = append(all, c)
			}
		}
	}
	return all
}

// parseCells returns a set of cells, or with "" each of the workloads over each of the networks.
func parseCells(set, workloads, rtts, rates string, scale float64) ([]cell, error) {
	var all []cell
	switch set {
	case "table":
		all = tableCells()
	case "full":
		all = fullCells()
	case "":
		w, err := parseWorkloads(workloads)
		if err != nil {
			return nil, err
		}
		n, err := parseNetworks(rtts, rates)
		if err != nil {
			return nil, err
		}
		for _, over := range n {
			for _, from := range w {
				all = append(all, cell{workload: from, network: over})
			}
		}
	default:
		return nil, fmt.Errorf("-set: %q is not one of table, full", set)
	}
	for i := range all {
		all[i].workload = all[i].workload.scaled(scale)
	}
	return all, nil
}
