package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
)

const testToken = "TESTTOKENTESTTOKEN"

// newWeb serves a site until the test ends.
func newWeb(t *testing.T, s Site, hosts ...string) *Web {
	t.Helper()
	w, err := ListenWeb("127.0.0.1:0", testToken, hosts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Serve(ctx, s) }()
	t.Cleanup(func() {
		cancel()
		if err := within(t, done); err != nil {
			t.Error(err)
		}
	})
	return w
}

func testSite() Site {
	return Site{
		API: fake{
			status:  func(context.Context) (Status, error) { return Status{Agent: AgentStatus{Name: "erp"}}, nil },
			history: func(context.Context, HistoryQuery) (History, error) { return History{}, nil },
			explain: func(context.Context, string) (Explanation, error) { return Explanation{}, nil },
			plan:    func(context.Context) (Plan, error) { return Plan{}, nil },
			command: func(_ context.Context, c Command) (Outcome, error) { return Outcome{Verb: c.Verb}, nil },
		},
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "x 1\n") }),
		Ready:   func(context.Context) ([]string, error) { return nil, nil },
		Log:     func() []string { return []string{"a line"} }, Configuration: func() any { return 1 },
		Activity: func(_ context.Context, span string) (Activity, error) { return Activity{Span: span}, nil },
		Delivery: func(_ context.Context, id string) (DeliveryStory, error) {
			if id != "d1" {
				return DeliveryStory{}, ErrNoDelivery
			}
			return DeliveryStory{Delivery: Delivery{ID: id}}, nil
		},
		Servers: func(context.Context) (Servers, error) { return Servers{}, nil },
		Page:    http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "the page") }),
	}
}

// asked sends one request, with headers "Name: value", and returns what came.
func asked(t *testing.T, w *Web, method, path, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, w.Address()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if r.Header.Set(name, value); name == "Host" {
			r.Host = value
		}
	}
	c := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	answer, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // all of it is read
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}

const bearerHeader = "Authorization: Bearer " + testToken

func TestWhoMayAsk(t *testing.T) {
	t.Parallel()
	w := newWeb(t, testSite(), "erp.example")
	cookie := "Cookie: " + cookieName(testToken) + "=" + cookieOf(testToken)
	own := strings.TrimPrefix(w.Address(), "http://")
	const retry = `{"command":"retry","target":"folder:in"}`
	for _, c := range []struct {
		name, method, path, body string
		headers                  []string
		want                     int
	}{
		{"a sign of life", "GET", "/healthz", "", nil, 200},
		{"a sign of life under a stranger's name", "GET", "/healthz", "", []string{"Host: evil.example"}, 421},
		{"nobody", "GET", "/api/v1/status", "", nil, 401},
		{"nobody wants metrics", "GET", "/metrics", "", nil, 401},
		{"nobody wants to know if it is ready", "GET", "/readyz", "", nil, 401},
		{"nobody wants the page", "GET", "/", "", nil, 401},
		{"nobody wants the description", "GET", "/api/v1/openapi.json", "", nil, 401},
		{"the token", "GET", "/api/v1/status", "", []string{bearerHeader}, 200},
		{"another token", "GET", "/api/v1/status", "", []string{bearerHeader + "X"}, 401},
		{"the cookie as a token", "GET", "/api/v1/status", "", []string{"Authorization: Bearer " + cookieOf(testToken)}, 401},
		{"the token as a cookie", "GET", "/api/v1/status", "", []string{"Cookie: " + cookieName(testToken) + "=" + testToken}, 401},
		{"the cookies of two agents", "GET", "/api/v1/status", "", []string{cookie + "; " + cookieName("ANOTHER") + "=" + cookieOf("ANOTHER")}, 200},
		{"the cookie of another agent", "GET", "/api/v1/status", "", []string{"Cookie: " + cookieName("ANOTHER") + "=" + cookieOf("ANOTHER")}, 401},
		{"the cookie", "GET", "/api/v1/status", "", []string{cookie}, 200},
		{"the page", "GET", "/deliveries", "", []string{cookie}, 200},
		{"a stranger's name", "GET", "/api/v1/status", "", []string{bearerHeader, "Host: evil.example"}, 421},
		{"a stranger's name with our port", "GET", "/api/v1/status", "", []string{cookie, "Host: evil.example:8622"}, 421},
		{"a proxy's name", "GET", "/api/v1/status", "", []string{bearerHeader, "Host: ERP.example"}, 200},
		{"localhost", "GET", "/api/v1/status", "", []string{bearerHeader, "Host: localhost:8622"}, 200},
		{"an address of IPv6", "GET", "/api/v1/status", "", []string{bearerHeader, "Host: [::1]:8622"}, 200},
		{"another site reads", "GET", "/api/v1/status", "", []string{cookie, "Origin: http://evil.example"}, 403},
		{"another port of this machine reads", "GET", "/api/v1/status", "", []string{cookie, "Origin: http://127.0.0.1:1"}, 403},
		{"nobody's page", "GET", "/api/v1/status", "", []string{cookie, "Origin: null"}, 403},
		{"a script of another site", "GET", "/api/v1/status", "", []string{cookie, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"}, 403},
		{"a link elsewhere", "GET", "/", "", []string{cookie, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"}, 200},
		{"a command by a program", "POST", "/api/v1/commands", retry, []string{bearerHeader}, 200},
		{"a command by the page", "POST", "/api/v1/commands", retry, []string{cookie, "Origin: http://" + own}, 200},
		{"a command by the page, once more", "POST", "/api/v1/commands", retry, []string{cookie, "Sec-Fetch-Site: same-origin"}, 200},
		{"a command by who knows whom", "POST", "/api/v1/commands", retry, []string{cookie}, 403},
		{"a command by another site", "POST", "/api/v1/commands", retry, []string{cookie, "Origin: http://evil.example"}, 403},
		{"a command by a form elsewhere", "POST", "/api/v1/commands", retry, []string{cookie, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"}, 403},
		{"a command by a neighbour", "POST", "/api/v1/commands", retry, []string{cookie, "Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: cors"}, 403},
		{"a command through a proxy", "POST", "/api/v1/commands", retry, []string{cookie, "Host: erp.example", "Origin: https://erp.example"}, 200},
		{"something else", "GET", "/api/v1/nothing", "", []string{bearerHeader}, 404},
		{"metrics", "GET", "/metrics", "", []string{bearerHeader}, 200},
		{"metrics are not posted", "POST", "/metrics", "", []string{bearerHeader}, 405},
	} {
		answer, text := asked(t, w, c.method, c.path, c.body, c.headers...)
		if answer.StatusCode != c.want {
			t.Errorf("%s: %d, want %d: %s", c.name, answer.StatusCode, c.want, text)
		}
		if strings.Contains(text, testToken) || !strings.Contains(answer.Header.Get("Content-Security-Policy"), "default-src 'none'") ||
			answer.Header.Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s: %v\n%s", c.name, answer.Header, text)
		}
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	w := newWeb(t, testSite())
	path := strings.TrimPrefix(SignInURL(w.Address(), testToken), w.Address())
	answer, _ := asked(t, w, "GET", path, "", "Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate")
	cookies := answer.Cookies()
	if answer.StatusCode != 303 || answer.Header.Get("Location") != "/" || len(cookies) != 1 {
		t.Fatalf("%d, %v", answer.StatusCode, answer.Header)
	}
	if c := cookies[0]; !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || strings.Contains(c.Value, testToken) {
		t.Errorf("%v", c)
	}
	if answer, _ := asked(t, w, "GET", "/", "", "Cookie: "+cookies[0].Name+"="+cookies[0].Value); answer.StatusCode != 200 {
		t.Errorf("with the cookie: %d", answer.StatusCode)
	}
	// A link in a mail on the web, say: the browser sends no cookie where that site has it redirected.
	if answer, text := asked(t, w, "GET", path, "", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"); answer.StatusCode != 200 || len(answer.Cookies()) != 1 ||
		!strings.Contains(text, `http-equiv="refresh" content="0; url=/"`) || strings.Contains(text, testToken) {
		t.Errorf("by a link of another site: %d, %v, %s", answer.StatusCode, answer.Header, text)
	}
	for _, path := range []string{"/signin", "/signin?token=", "/signin?token=x"} {
		if answer, _ := asked(t, w, "GET", path, ""); answer.StatusCode != 401 || len(answer.Cookies()) > 0 {
			t.Errorf("%s: %d", path, answer.StatusCode)
		}
	}
}

func TestReadiness(t *testing.T) {
	t.Parallel()
	s := testSite()
	var reasons []string
	var fault error
	s.Ready = func(context.Context) ([]string, error) { return reasons, fault }
	w := newWeb(t, s)
	for _, c := range []struct {
		reasons []string
		fault   error
		status  int
		text    string
	}{
		{nil, nil, 200, `{"ready":true,"reasons":[]}`},
		{[]string{"destination acme is blocked"}, nil, 503, `{"ready":false,"reasons":["destination acme is blocked"]}`},
		{nil, errors.New("the store is gone"), 503, `{"ready":false,"reasons":["the store is gone"]}`},
	} {
		reasons, fault = c.reasons, c.fault
		answer, text := asked(t, w, "GET", "/readyz", "", bearerHeader)
		if answer.StatusCode != c.status || strings.TrimSpace(text) != c.text {
			t.Errorf("%d: %s", answer.StatusCode, text)
		}
	}
}

func TestPortThatIsTaken(t *testing.T) {
	t.Parallel()
	w := newWeb(t, testSite())
	if _, err := ListenWeb(strings.TrimPrefix(w.Address(), "http://"), testToken, nil); err == nil {
		t.Error("two listen at one port")
	}
}

func TestTokenFile(t *testing.T) {
	dir := t.TempDir()
	if _, err := Token(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("before there is one: %v", err)
	}
	first, err := MakeToken(dir)
	if err != nil || len(first) < 20 {
		t.Fatal(first, err)
	}
	again, err := MakeToken(dir)
	read, readErr := Token(dir)
	if err != nil || readErr != nil || again != first || read != first {
		t.Errorf("%q, %v, %q, %v, want %q", again, err, read, readErr, first)
	}
	name := TokenPath(dir)
	if runtime.GOOS != "windows" {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
		if err := os.Chmod(name, 0o644); err != nil {
			t.Fatal(err)
		}
		if other, err := MakeToken(dir); err != nil || other == first {
			t.Errorf("one that others could read stays: %v", err)
		}
	}
	if err := os.WriteFile(name, []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := MakeToken(dir); err == nil || !strings.Contains(err.Error(), "remove it") {
		t.Errorf("one that is none: %v", err)
	}
}

// TestEvents sends what has changed, for as long as somebody listens.
func TestEvents(t *testing.T) {
	t.Parallel()
	s := testSite()
	n := 0
	api := s.API.(fake)
	api.status = func(context.Context) (Status, error) {
		if n++; n == 2 {
			return Status{}, errors.New("no store")
		}
		return Status{Agent: AgentStatus{Name: "a<b>\n", PID: n}}, nil
	}
	s.API = api
	w := newWeb(t, s)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", w.Address()+prefix+"events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+testToken)
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // nothing more of it is wanted
	if kind := answer.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Error(kind)
	}
	lines := bufio.NewScanner(answer.Body)
	var got []string
	for len(got) < 9 && lines.Scan() {
		got = append(got, lines.Text())
	}
	if len(got) < 9 || got[0] != "event: status" || !strings.Contains(got[1], `"pid":1`) || got[3] != "event: fault" || !strings.Contains(got[4], "no store") ||
		got[6] != "event: status" || !strings.Contains(got[7], `"pid":3`) {
		t.Errorf("%v: %q", lines.Err(), got)
	}
}

func TestActivityOverASpan(t *testing.T) {
	t.Parallel()
	w := newWeb(t, testSite())
	for query, want := range map[string]string{"": `"span":"24h"`, "?span=30d": `"span":"30d"`, "?span=24h": `"span":"24h"`} {
		if answer, text := asked(t, w, "GET", prefix+"activity"+query, "", bearerHeader); answer.StatusCode != 200 || !strings.Contains(text, want) {
			t.Errorf("%q: %d, %s", query, answer.StatusCode, text)
		}
	}
	if answer, text := asked(t, w, "GET", prefix+"activity?span=1y", "", bearerHeader); answer.StatusCode != 400 || !strings.Contains(text, "neither 24h nor 30d") {
		t.Errorf("%d, %s", answer.StatusCode, text)
	}
}

func TestDeliveryByItsID(t *testing.T) {
	t.Parallel()
	w := newWeb(t, testSite())
	for query, want := range map[string]int{"?id=d1": 200, "?id=d2": 404, "?id=": 400, "": 400} {
		if answer, text := asked(t, w, "GET", prefix+"delivery"+query, "", bearerHeader); answer.StatusCode != want {
			t.Errorf("%q: %d, %s", query, answer.StatusCode, text)
		}
	}
}

// TestOpenAPI holds the description to what is served: every path with its method and parameters, and no other.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			OperationID string
			Parameters  []struct{ Name string }
			Responses   map[string]any
		}
		Components struct {
			Schemas map[string]struct{ Properties map[string]any }
		}
	}
	if err := json.Unmarshal(text, &d); err != nil || !strings.HasPrefix(d.OpenAPI, "3.1") {
		t.Fatal(err, d.OpenAPI)
	}
	routes := testSite().routes()
	ask := func(method, target string) (int, string) {
		w := httptest.NewRecorder()
		body := ""
		if method == "POST" {
			body = `{"command":"reload","target":""}`
		}
		routes.ServeHTTP(w, httptest.NewRequest(method, target, strings.NewReader(body)))
		return w.Code, w.Body.String()
	}
	for path, methods := range d.Paths {
		for method, o := range methods {
			method = strings.ToUpper(method)
			query := url.Values{}
			for _, p := range o.Parameters {
				query.Set(p.Name, map[string]string{"since": "2026-11-29T18:00:00Z", "limit": "3", "failed": "true", "path": "L2E", "span": Month, "id": "d1"}[p.Name])
			}
			if strings.HasSuffix(path, "/events") { // has a test of its own, since it goes on
				continue
			}
			target := path
			if len(query) > 0 {
				target += "?" + query.Encode()
			}
			if code, text := ask(method, target); code != 200 {
				t.Errorf("%s %s: %d: %s", method, target, code, text)
			}
			if strings.HasPrefix(path, prefix) && method == "GET" && !strings.HasSuffix(path, ".json") {
				if code, _ := ask(method, path+"?undescribed=1"); code != 400 {
					t.Errorf("%s takes parameters that are not described: %d", path, code)
				}
			}
		}
	}
	served := slices.AppendSeq(slices.Collect(maps.Keys(calls(testSite().API))), maps.Keys(testSite().gets()))
	for _, name := range served {
		if d.Paths[prefix+name]["get"].OperationID == "" {
			t.Errorf("%s is served, and not described", name)
		}
	}
	for _, ref := range slices.Compact(slices.Sorted(strings.SplitSeq(string(text), `"$ref":"#/components/schemas/`))) {
		if name, _, ok := strings.Cut(ref, `"`); ok && name != "{" && len(name) > 1 && d.Components.Schemas[name].Properties == nil {
			t.Errorf("there is no schema %q", name)
		}
	}
	if p := d.Components.Schemas["Delivery"].Properties; p["sha256"] == nil || p["delivered_at"] == nil {
		t.Errorf("the schema of a delivery is %v", p)
	}
}
