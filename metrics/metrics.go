// Package metrics is what Prometheus reads of an agent. Counters and histograms follow what happens; gauges are what is so
// at the moment of a scrape, and cost nothing in between. Names and units go by
// https://prometheus.io/docs/practices/naming/.
package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are those of one agent. All methods may be called by any goroutine.
type Metrics struct {
	registry   *prometheus.Registry
	scrapes    http.Handler
	deliveries *prometheus.CounterVec
	bytes      *prometheus.CounterVec
	failures   *prometheus.CounterVec
	aside      *prometheus.CounterVec
	connects   *prometheus.CounterVec
	lost       *prometheus.CounterVec
	settle     *prometheus.HistogramVec
	delivery   *prometheus.HistogramVec
}

// Labels that several metrics have.
const (
	folderLabel      = "folder"
	destinationLabel = "destination"
	kindLabel        = "kind"
	stateLabel       = "state"
)

// New returns the metrics of an agent of that version. look is called at each scrape for what the gauges show.
func New(version string, look Look) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		m.registry.MustRegister(c)
		return c
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
		m.registry.MustRegister(h)
		return h
	}
	m.deliveries = counter("dropferry_deliveries_total", "Files published, each with a receipt.", folderLabel, destinationLabel)
	m.bytes = counter("dropferry_delivered_bytes_total", "Bytes of the files published.", folderLabel, destinationLabel)
	m.failures = counter("dropferry_failures_total", "Attempts that failed and are repeated, by the kind of failure.", destinationLabel, kindLabel)
	m.aside = counter("dropferry_set_aside_total", "Files that began to wait for a person: held or parked.", folderLabel, destinationLabel, stateLabel)
	m.connects = counter("dropferry_connects_total", "Sessions established.", destinationLabel)
	m.lost = counter("dropferry_connection_failures_total", "Sessions lost, or not established, by the kind of failure.", destinationLabel, kindLabel)
	m.settle = histogram("dropferry_settle_seconds", "Time from the last change of a file until it was found ready.",
		[]float64{.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200}, folderLabel)
	m.delivery = histogram("dropferry_delivery_seconds", "Time from a file being ready until it was published.",
		[]float64{.025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 86400}, folderLabel, destinationLabel)
	info := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "dropferry_build_info", Help: "Always 1; the label is the program's version.", ConstLabels: prometheus.Labels{"version": version},
	}, func() float64 { return 1 })
	m.registry.MustRegister(
		info, newGauges(look), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	m.scrapes = promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4}) // one: each would count by itself
	return m
}

// Registry has all of them, for tests and for those who write them elsewhere.
func (m *Metrics) Registry() *prometheus.Registry { return m.registry }

// ServeHTTP answers a scrape.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.scrapes.ServeHTTP(w, r) }

// Begin has the counters of a route begin at 0, where they have not begun yet: the first delivery of a month is no step for who reads
// them if it comes with its series.
func (m *Metrics) Begin(folder, destination string) {
	m.deliveries.WithLabelValues(folder, destination)
	m.bytes.WithLabelValues(folder, destination)
	m.connects.WithLabelValues(destination)
	for _, state := range []string{"held", "parked"} {
		m.aside.WithLabelValues(folder, destination, state)
	}
}

// Ready notes that a file was found ready, so long after its last change.
func (m *Metrics) Ready(folder string, settled time.Duration) {
	m.settle.WithLabelValues(folder).Observe(max(0, settled.Seconds()))
}

// Delivered notes a receipt, so long after the file was ready.
func (m *Metrics) Delivered(folder, destination string, size int64, took time.Duration) {
	m.deliveries.WithLabelValues(folder, destination).Inc()
	m.bytes.WithLabelValues(folder, destination).Add(float64(size))
	m.delivery.WithLabelValues(folder, destination).Observe(max(0, took.Seconds()))
}

// Failed notes an attempt that is repeated.
func (m *Metrics) Failed(destination, kind string) {
	m.failures.WithLabelValues(destination, kind).Inc()
}

// SetAside notes a file that waits for a person: state is held or parked.
func (m *Metrics) SetAside(folder, destination, state string) {
	m.aside.WithLabelValues(folder, destination, state).Inc()
}

// Connected notes a session.
func (m *Metrics) Connected(destination string) { m.connects.WithLabelValues(destination).Inc() }

// Lost notes a session that has ended before its time, or could not be had.
func (m *Metrics) Lost(destination, kind string) { m.lost.WithLabelValues(destination, kind).Inc() }

// Forget drops what is no longer in the configuration. Counters of a name that comes back begin at 0.
func (m *Metrics) Forget(folders, destinations []string) {
	for _, vec := range []interface {
		DeletePartialMatch(labels prometheus.Labels) int
	}{m.deliveries, m.bytes, m.failures, m.aside, m.connects, m.lost, m.settle, m.delivery} {
		for _, name := range folders {
			vec.DeletePartialMatch(prometheus.Labels{folderLabel: name})
		}
		for _, name := range destinations {
			vec.DeletePartialMatch(prometheus.Labels{destinationLabel: name})
		}
	}
}
