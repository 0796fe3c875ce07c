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
				Name: "in", Files: map[string]int{"ready": 2, "held": 1, "parked": 0}, LastScan: time.Unix(1_700_000_000, 5e8), Readable: true, Reliable: true, Watches: 7,
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

// TestDashboardCanBeImported looks at what Grafana asks of a file: https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/.
func TestDashboardCanBeImported(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "docs", "monitoring", "dashboard.json"))
	if err != nil {
		t.Fatal(err)
	}
	type source struct{ Type, UID string }
	var d struct {
		Title, UID    string
		ID            *int
		SchemaVersion int
		Templating    struct {
			List []struct {
				Name, Type string
				Datasource source
			}
		}
		Panels []struct {
			ID          int
			Title, Type string
			Datasource  source
			GridPos     struct{ X, Y, W, H int }
			Targets     []struct{ RefID, Expr string }
		}
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	if d.Title == "" || d.UID == "" || d.ID != nil || d.SchemaVersion < 36 || len(d.Panels) < 10 { // an id is the server's own; 36 knows sources by type and uid
		t.Errorf("title %q, uid %q, id %v, schema version %d, %d panels", d.Title, d.UID, d.ID, d.SchemaVersion, len(d.Panels))
	}
	variables := map[string]bool{"__rate_interval": true}
	for i, v := range d.Templating.List {
		if variables[v.Name] = true; i == 0 && (v.Name != "datasource" || v.Type != "datasource") {
			t.Errorf("the first variable is %+v: what follows asks the source that it names", v)
		}
	}
	prometheus := source{"prometheus", "${datasource}"}
	ids, taken := map[int]string{}, map[[2]int]string{}
	shown := scrape(t, busy())
	for _, p := range d.Panels {
		if other, there := ids[p.ID]; there || p.ID == 0 || p.Title == "" || p.Datasource != prometheus || len(p.Targets) == 0 {
			t.Errorf("panel %d, %q: of %q, from %+v, with %d targets", p.ID, p.Title, other, p.Datasource, len(p.Targets))
		}
		ids[p.ID] = p.Title
		g := p.GridPos
		if g.W < 1 || g.H < 1 || g.X < 0 || g.X+g.W > 24 {
			t.Errorf("%s stands at %+v, outside of a grid of 24 columns", p.Title, g)
		}
		for x := g.X; x < g.X+g.W; x++ {
			for y := g.Y; y < g.Y+g.H; y++ {
				if other, there := taken[[2]int{x, y}]; there {
					t.Fatalf("%s lies over %s", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		refs := map[string]bool{}
		for _, target := range p.Targets {
			if target.RefID == "" || refs[target.RefID] {
				t.Errorf("%s has the target %q twice", p.Title, target.RefID)
			}
			refs[target.RefID] = true
			for _, m := range regexp.MustCompile(`\$\{?(\w+)`).FindAllStringSubmatch(target.Expr, -1) {
				if !variables[m[1]] {
					t.Errorf("%s asks for $%s, which is no variable", p.Title, m[1])
				}
			}
			for _, m := range regexp.MustCompile(`(\w+)=~?"([^"$]+)"`).FindAllStringSubmatch(target.Expr, -1) {
				for value := range strings.SplitSeq(m[2], "|") {
					if !strings.Contains(shown, m[1]+`="`+value+`"`) {
						t.Errorf("%s asks for a %s %q, which no metric has", p.Title, m[1], value)
					}
				}
			}
		}
	}
}

// promtool finds Prometheus' own tool.
func promtool(t *testing.T) string {
	t.Helper()
	return sftptest.Program(t, "promtool", "prometheus")
}
