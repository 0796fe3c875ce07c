package metrics

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// busy are metrics of which each has a value.
func busy() *Metrics {
	m := New("1.2.3", func(context.Context) (Now, error) {
		return Now{
			Folders: []Folder{{
				Name: "in", Files: map[string]int{"ready": 2, "held": 1}, LastScan: time.Unix(1_700_000_000, 5e8), Readable: true, Reliable: true, Watches: 7,
			}},
			Destinations: []Destination{{Name: "acme", State: "active", Connected: true, Transfers: 2}},
			Routes:       []Route{{Folder: "in", Destination: "acme", Queued: 2, Oldest: 90 * time.Second, Stalled: true}},
		}, nil
	})
	m.Ready("in", 3*time.Second)
	m.Delivered("in", "acme", 1000, 40*time.Millisecond)
	m.Delivered("in", "acme", 24, -time.Second) // a clock was set back
	m.Failed("acme", "permission")
	m.SetAside("in", "acme", "held")
	m.Connected("acme")
	m.Lost("acme", "transient")
	return m
}

// scrape returns what Prometheus reads.
func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestWhatIsScraped(t *testing.T) {
	text := scrape(t, busy())
	for _, want := range []string{
		`dropferry_build_info{version="1.2.3"} 1`,
		`dropferry_deliveries_total{destination="acme",folder="in"} 2`,
		`dropferry_delivered_bytes_total{destination="acme",folder="in"} 1024`,
		`dropferry_failures_total{destination="acme",kind="permission"} 1`,
		`dropferry_set_aside_total{destination="acme",folder="in",state="held"} 1`,
		`dropferry_connects_total{destination="acme"} 1`,
		`dropferry_connection_failures_total{destination="acme",kind="transient"} 1`,
		`dropferry_settle_seconds_bucket{folder="in",le="5"} 1`,
		`dropferry_settle_seconds_bucket{folder="in",le="2.5"} 0`,
		`dropferry_delivery_seconds_bucket{destination="acme",folder="in",le="0.05"} 2`,
		`dropferry_folder_files{folder="in",state="held"} 1`,
		`dropferry_folder_last_scan_timestamp_seconds{folder="in"} 1.7000000005e+09`,
		`dropferry_folder_readable{folder="in"} 1`,
		`dropferry_folder_halted{folder="in"} 0`,
		`dropferry_folder_watches{folder="in"} 7`,
		`dropferry_destination_state{destination="acme",state="active"} 1`,
		`dropferry_destination_state{destination="acme",state="blocked"} 0`,
		`dropferry_transfers{destination="acme"} 2`,
		`dropferry_queue_files{destination="acme",folder="in"} 2`,
		`dropferry_oldest_undelivered_age_seconds{destination="acme",folder="in"} 90`,
		`dropferry_route_stalled{destination="acme",folder="in"} 1`,
		"go_goroutines ", "process_start_time_seconds ",
	} {
		if !strings.Contains(text, want+"\n") && !strings.Contains(text, "\n"+want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

func TestNamesGoByTheConventions(t *testing.T) {
	problems, err := testutil.GatherAndLint(busy().Registry())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	problems, err = promlint.New(strings.NewReader(scrape(t, busy()))).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("%v: %v", err, problems)
	}
}

// Prometheus' own tool finds nothing either.
func TestPromtool(t *testing.T) {
	c := exec.Command(promtool(t), "check", "metrics")
	c.Stdin = strings.NewReader(scrape(t, busy()))
	if out, err := c.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v: %s", err, out)
	}
}

func TestWhatCannotBeLookedAt(t *testing.T) {
	m := New("1", func(context.Context) (Now, error) { return Now{}, errors.New("the disk is on fire") })
	w := httptest.NewRecorder()
	m.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 500 || !strings.Contains(w.Body.String(), "the disk is on fire") {
		t.Errorf("%d: %s", w.Code, w.Body)
	}
}

func TestBegin(t *testing.T) {
	m := busy()
	m.Begin("in", "acme")
	m.Begin("new", "acme")
	text := scrape(t, m)
	for _, want := range []string{
		`dropferry_deliveries_total{destination="acme",folder="in"} 2`, `dropferry_deliveries_total{destination="acme",folder="new"} 0`,
		`dropferry_delivered_bytes_total{destination="acme",folder="new"} 0`, `dropferry_connects_total{destination="acme"} 1`,
		`dropferry_set_aside_total{destination="acme",folder="new",state="parked"} 0`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

func TestForget(t *testing.T) {
	m := busy()
	m.Delivered("other", "acme", 1, time.Second)
	m.Forget([]string{"in"}, nil)
	if text := scrape(t, m); strings.Contains(text, `dropferry_deliveries_total{destination="acme",folder="in"}`) || !strings.Contains(text, `folder="other"`) {
		t.Errorf("%s", text)
	}
	m.Forget(nil, []string{"acme"})
	if text := scrape(t, m); strings.Contains(text, `dropferry_connects_total{`) || strings.Contains(text, `folder="other"`) {
		t.Errorf("%s", text)
	}
}

// TestMonitoringFiles holds docs/monitoring to the metrics that there are, and its rules to what they promise.
func TestMonitoringFiles(t *testing.T) {
	dir := filepath.Join("..", "docs", "monitoring")
	text := scrape(t, busy())
	name := regexp.MustCompile(`dropferry_[a-z_]+[a-z]`)
	for _, file := range []string{"README.md", "alerts.yml", "dashboard.json"} {
		page, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, ".json") && !json.Valid(page) {
			t.Errorf("%s is no JSON", file)
		}
		for _, n := range name.FindAllString(string(page), -1) {
			if !strings.Contains(text, "\n"+n+"{") && !strings.Contains(text, "\n# TYPE "+n+" ") {
				t.Errorf("%s speaks of %s, which is no metric", file, n)
			}
		}
	}
	readme, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(text, "\n") {
		if n, ok := strings.CutPrefix(line, "# TYPE "); ok && strings.HasPrefix(n, "dropferry_") {
			if n, _, _ := strings.Cut(n, " "); !strings.Contains(string(readme), n) {
				t.Errorf("README.md does not say what %s is", n)
			}
		}
	}
	tool := promtool(t)
	for _, args := range [][]string{{"check", "rules", "alerts.yml"}, {"test", "rules", "alerts_test.yml"}} {
		c := exec.Command(tool, args...)
		c.Dir = dir
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
}

// promtool finds Prometheus' own tool.
func promtool(t *testing.T) string {
	t.Helper()
	return sftptest.Program(t, "promtool", "prometheus")
}
