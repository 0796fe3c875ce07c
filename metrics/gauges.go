package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Now is what the gauges show.
type Now struct {
	Folders      []Folder
	Destinations []Destination
	Routes       []Route
}

// Folder is one watched folder.
type Folder struct {
	Name     string
	Files    map[string]int // by state
	LastScan time.Time      // zero: none has ended yet
	Readable bool           // it was, when last looked at
	Reliable bool           // its system tells of changes
	Polling  bool
	Halted   bool
	Watches  int // directories
}

// Destination is one server.
type Destination struct {
	Name      string
	State     string // one of States
	Connected bool
	Transfers int // under way
}

// Route is one folder to one destination.
type Route struct {
	Folder, Destination string
	Queued              int
	Oldest              time.Duration // since when the first of them has been ready
	Stalled             bool          // that is longer than the folder allows, without the time in which nothing was to be sent
}

// States are those that a destination can have.
func States() []string {
	return []string{"idle", "connecting", "active", "waiting", "blocked", "closed"}
}

// Look returns what is so now. An error fails the scrape.
type Look func(ctx context.Context) (Now, error)

// lookWithin bounds what one scrape may take; Prometheus gives up after 10 s.
const lookWithin = 9 * time.Second

// gauges collects what a look shows.
type gauges struct {
	look                                                          Look
	files, lastScan, readable, reliable, polling, halted, watches *prometheus.Desc
	state, connected, transfers                                   *prometheus.Desc
	queued, oldest, stalled                                       *prometheus.Desc
}

func newGauges(look Look) *gauges {
	gauge := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	route := []string{folderLabel, destinationLabel}
	return &gauges{
		look:      look,
		files:     gauge("dropferry_folder_files", "Files of a folder, by what they wait for.", folderLabel, stateLabel),
		lastScan:  gauge("dropferry_folder_last_scan_timestamp_seconds", "When the last scan of a folder ended.", folderLabel),
		readable:  gauge("dropferry_folder_readable", "1 if the folder could be read when it was last looked at.", folderLabel),
		reliable:  gauge("dropferry_folder_events_reliable", "1 unless a scan has found what the system should have told of.", folderLabel),
		polling:   gauge("dropferry_folder_polling", "1 if the folder is scanned often, since events cannot be relied on.", folderLabel),
		halted:    gauge("dropferry_folder_halted", "1 if the folder waits for a person.", folderLabel),
		watches:   gauge("dropferry_folder_watches", "Directories of a folder that are watched.", folderLabel),
		state:     gauge("dropferry_destination_state", "1 for the state that a destination has.", destinationLabel, stateLabel),
		connected: gauge("dropferry_destination_connected", "1 if a session stands.", destinationLabel),
		transfers: gauge("dropferry_transfers", "Files under way.", destinationLabel),
		queued:    gauge("dropferry_queue_files", "Files that are ready and not published.", route...),
		oldest:    gauge("dropferry_oldest_undelivered_age_seconds", "How long the first of them has been ready; 0 where there is none.", route...),
		stalled:   gauge("dropferry_route_stalled", "1 if the first of them has waited for longer than stalled_after; hours outside a schedule, pauses and halts do not count.", route...),
	}
}

// Describe implements prometheus.Collector.
func (g *gauges) Describe(all chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		g.files, g.lastScan, g.readable, g.reliable, g.polling, g.halted, g.watches, g.state, g.connected, g.transfers, g.queued, g.oldest, g.stalled,
	} {
		all <- d
	}
}

// Collect implements prometheus.Collector.
func (g *gauges) Collect(all chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), lookWithin)
	defer cancel()
	now, err := g.look(ctx)
	if err != nil {
		all <- prometheus.NewInvalidMetric(g.files, err)
		return
	}
	show := func(d *prometheus.Desc, v float64, labels ...string) {
		all <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for _, f := range now.Folders {
		for state, n := range f.Files {
			show(g.files, float64(n), f.Name, state)
		}
		if !f.LastScan.IsZero() {
			show(g.lastScan, float64(f.LastScan.UnixMilli())/1000, f.Name)
		}
		show(g.readable, truth(f.Readable), f.Name)
		show(g.reliable, truth(f.Reliable), f.Name)
		show(g.polling, truth(f.Polling), f.Name)
		show(g.halted, truth(f.Halted), f.Name)
		show(g.watches, float64(f.Watches), f.Name)
	}
	for _, d := range now.Destinations {
		for _, state := range States() {
			show(g.state, truth(d.State == state), d.Name, state)
		}
		show(g.connected, truth(d.Connected), d.Name)
		show(g.transfers, float64(d.Transfers), d.Name)
	}
	for _, r := range now.Routes {
		show(g.queued, float64(r.Queued), r.Folder, r.Destination)
		show(g.oldest, r.Oldest.Seconds(), r.Folder, r.Destination)
		show(g.stalled, truth(r.Stalled), r.Folder, r.Destination)
	}
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
