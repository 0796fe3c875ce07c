package reference

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dropferry/dropferry/metrics"
)

// metricsPage gathers metrics of which each has a value.
func metricsPage() (string, error) {
	m := metrics.New("", func(context.Context) (metrics.Now, error) {
		return metrics.Now{
			Folders:      []metrics.Folder{{Name: "f", Files: map[string]int{"ready": 1}, LastScan: time.Unix(1, 0), Readable: true}},
			Destinations: []metrics.Destination{{Name: "d", State: "idle"}},
			Routes:       []metrics.Route{{Folder: "f", Destination: "d"}},
		}, nil
	})
	m.Ready("f", time.Second)
	m.Delivered("f", "d", 1, time.Second)
	m.Failed("d", "transient")
	m.SetAside("f", "d", "held")
	m.Connected("d")
	m.Lost("d", "transient")
	families, err := m.Registry().Gather()
	if err != nil {
		return "", err
	}
	p := newPage("Metrics", "the metrics themselves")
	p.printf("\nWhat `/metrics` has of dropferry, besides the usual `go_*` and `process_*`. How to scrape it, rules for alerts and a dashboard are in\n" +
		"[monitoring](../monitoring/README.md).\n")
	p.table("metric", "type", "labels", "meaning")
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "dropferry_") {
			continue
		}
		labels := map[string]bool{}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = true
			}
		}
		p.row(code(f.GetName()), strings.ToLower(f.GetType().String()), codes(slices.Sorted(maps.Keys(labels))), f.GetHelp())
	}
	return p.String(), nil
}
