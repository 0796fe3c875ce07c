package e2e

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// site is a running agent as monitoring sees it.
type site struct {
	r       *rig
	address string
	token   string
}

// seen adds a [control] that listens at a free port, and starts an agent.
func (r *rig) seen() (*agent, *site) {
	r.t.Helper()
	r.edit(`listen = ""`, `listen = "127.0.0.1:0"`)
	a := r.watching()
	return a, r.site()
}

// site finds out where the running agent answers.
func (r *rig) site() *site {
	r.t.Helper()
	page := decode[struct {
		Address, URL string
		TokenFile    string `json:"token_file"`
	}](r.t, r.expect(0, "page", "--json").stdout)
	token, err := os.ReadFile(page.TokenFile)
	if err != nil {
		r.t.Fatal(err)
	}
	s := &site{r: r, address: page.Address, token: strings.TrimSpace(string(token))}
	if page.URL != s.address+"/signin?token="+s.token || strings.TrimSpace(r.expect(0, "page").stdout) != page.URL {
		r.t.Errorf("page shows %+v", page)
	}
	return s
}

// ask asks with the token.
func (s *site) ask(method, path, body string) (int, string) {
	s.r.t.Helper()
	return s.askAs("Bearer "+s.token, method, path, body)
}

func (s *site) askAs(who, method, path, body string) (int, string) {
	s.r.t.Helper()
	q, err := http.NewRequestWithContext(s.r.t.Context(), method, s.address+path, strings.NewReader(body))
	if err != nil {
		s.r.t.Fatal(err)
	}
	if who != "" {
		q.Header.Set("Authorization", who)
	}
	answer, err := (&http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}).Do(q)
	if err != nil {
		s.r.t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // all of it is read
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.r.t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// TestWeb asks a running agent for all that it answers over HTTP.
func TestWeb(t *testing.T) {
	t.Parallel()
	r := newRig(t, "to = [\"acme\"]")
	r.write(r.inbox("held.txt"), "theirs")
	a, s := r.seen()
	for _, c := range []struct {
		who  string
		path string
		want int
	}{
		{"", "/healthz", 200},
		{"", "/metrics", 401},
		{"", "/readyz", 401},
		{"", "/api/v1/status", 401},
		{"Bearer x", "/api/v1/status", 401},
		{"", "/api/v1/openapi.json", 401},
		{"", "/", 401},
	} {
		if code, text := s.askAs(c.who, "GET", c.path, ""); code != c.want {
			t.Errorf("%s as %q: %d: %s", c.path, c.who, code, text)
		}
	}
	eventually(t, "it is ready", time.Minute, func() bool { code, _ := s.ask("GET", "/readyz", ""); return code == 200 })
	r.drop("a.txt", "twelve bytes")
	a.wait("delivered")
	_, text := s.ask("GET", "/metrics", "")
	contains(t, text, `dropferry_deliveries_total{destination="acme",folder="outbox"} 1`,
		`dropferry_delivered_bytes_total{destination="acme",folder="outbox"} 12`, `dropferry_settle_seconds_count{folder="outbox"} 1`,
		`dropferry_delivery_seconds_count{destination="acme",folder="outbox"} 1`, `dropferry_destination_connected{destination="acme"} 1`,
		`dropferry_connects_total{destination="acme"} 1`, `dropferry_folder_readable{folder="outbox"} 1`,
		`dropferry_oldest_undelivered_age_seconds{destination="acme",folder="outbox"} 0`)
	if tool, err := exec.LookPath("promtool"); err == nil {
		c := exec.Command(tool, "check", "metrics")
		c.Stdin = strings.NewReader(text)
		if out, err := c.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("promtool: %v: %s", err, out)
		}
	}

	// The same JSON as that of the commands.
	type deliveries struct{ Deliveries []struct{ ID, SHA256 string } }
	_, text = s.ask("GET", "/api/v1/history?limit=1", "")
	asked, said := decode[deliveries](t, text), decode[deliveries](t, r.expect(0, "history", "--json").stdout)
	if len(asked.Deliveries) != 1 || len(said.Deliveries) != 1 || asked.Deliveries[0] != said.Deliveries[0] {
		t.Errorf("asked %+v, said %+v", asked, said)
	}

	// What was found out about the server is what `check --connect` finds out.
	type can struct {
		Name, Text string
		OK         bool
	}
	_, text = s.ask("GET", "/api/v1/servers", "")
	told := decode[struct {
		Destinations []struct {
			Servers []struct{ Findings []can }
		}
	}](t, text).Destinations
	checked := decode[struct {
		Destinations []struct{ Findings []can }
	}](t, r.expect(0, "check", "--connect", "--json").stdout).Destinations
	for i := range checked { // which only who asks the server now can tell
		checked[i].Findings = slices.DeleteFunc(checked[i].Findings, func(c can) bool { return c.Name == "channels" })
	}
	if len(told) != 1 || len(told[0].Servers) != 1 || len(checked) != 1 || len(checked[0].Findings) < 5 || !slices.Equal(told[0].Servers[0].Findings, checked[0].Findings) {
		t.Errorf("it tells %+v, and check %+v", told, checked)
	}
	// And what was delivered, and that it was looked at what waits.
	for _, span := range []string{"24h", "30d"} {
		_, text = s.ask("GET", "/api/v1/activity?span="+span, "")
		lately := decode[struct {
			Points []struct {
				Deliveries, Bytes int
				Queued            *int
			}
		}](t, text).Points
		files, bytes, looked := 0, 0, 0
		for _, p := range lately {
			files, bytes = files+p.Deliveries, bytes+p.Bytes
			if p.Queued != nil {
				looked++
			}
		}
		if files != 1 || bytes != 12 || looked == 0 {
			t.Errorf("in %s: %d files, %d bytes, looked at in %d steps", span, files, bytes, looked)
		}
	}

	// What needs a person makes it not ready, and a command frees it.
	r.drop("held.txt", "ours")
	a.wait("held: a person has to decide")
	code, text := s.ask("GET", "/readyz", "")
	if code != 503 || !strings.Contains(text, "1 file waits for a person") {
		t.Errorf("%d: %s", code, text)
	}
	code, text = s.ask("POST", "/api/v1/commands", `{"command":"retry","target":"folder:outbox","overwrite":true}`)
	if code != 200 || !strings.Contains(text, `"released":1`) {
		t.Errorf("%d: %s", code, text)
	}
	eventually(t, "it is ready again, and the file is there", time.Minute, func() bool {
		code, _ := s.ask("GET", "/readyz", "")
		return code == 200 && tree(t, r.sshd.Dir)["held.txt"] == "ours"
	})

	// A reload may be asked for over it, and may take it elsewhere.
	r.edit(`listen = "127.0.0.1:0"`, "listen = \"127.0.0.1:0\"\nmetrics = false")
	code, text = s.ask("POST", "/api/v1/commands", `{"command":"reload","target":""}`)
	if code != 200 || !strings.Contains(text, "control.metrics: changed") {
		t.Errorf("%d: %s", code, text)
	}
	again := r.site()
	if code, _ := again.ask("GET", "/metrics", ""); code == 200 || again.token != s.token {
		t.Errorf("metrics are off, and answer %d", code)
	}
	r.edit("listen = \"127.0.0.1:0\"\nmetrics = false", `listen = ""`)
	r.reload("control.listen: changed", "control.metrics: changed")
	if conn, err := net.Dial("tcp", strings.TrimPrefix(again.address, "http://")); err == nil {
		_ = conn.Close() // there is nothing in it
		t.Error("it still listens")
	}
	contains(t, r.expect(1, "page").stderr, `listen = ""`)
	r.secrets = append(r.secrets, s.token) // the log must not have it
	if code := a.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestNotReadyWhileItIsDialled: a server that does not answer is dialled for long each time, and is not well meanwhile.
func TestNotReadyWhileItIsDialled(t *testing.T) {
	t.Parallel()
	r, wire := slowRig(t, 0, "connect_timeout = \"3s\"\n", "to = [\"acme\"]\nretry = { initial = \"100ms\", max = \"200ms\" }")
	wire.Blackhole(true)
	a, s := r.seen()
	r.drop("a.txt", "a")
	a.wait("destination cannot be used for now")
	eventually(t, "it is dialled again, and not ready", time.Minute, func() bool {
		code, text := s.ask("GET", "/readyz", "")
		if code != 503 {
			t.Errorf("%d: %s", code, text)
		}
		return strings.Contains(text, "destination acme is connecting: it could not be used so far: ")
	})
	contains(t, r.expect(0, "status").stdout, "Destination acme cannot be used now. 0 files under way, 1 queued.")
	wire.Blackhole(false)
	a.wait("delivered")
}

// TestPortThatIsTaken is a warning, and keeps nothing from being delivered.
func TestPortThatIsTaken(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // nothing was written to it
	r := newRig(t, "to = [\"acme\"]")
	r.edit(`listen = ""`, `listen = "`+l.Addr().String()+`"`)
	a := r.watching()
	a.wait("nobody can look at this agent over HTTP")
	r.drop("a.txt", "a")
	a.wait("delivered")
	contains(t, r.expect(1, "page").stderr, "could not listen at "+l.Addr().String())
	if code := a.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	r.expect(10, "page")
}
