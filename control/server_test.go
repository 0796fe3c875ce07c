package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLivingAgentIsNotReplaced(t *testing.T) {
	dir := stateDir(t)
	serve(t, dir, fake{status: func(context.Context) (Status, error) { return Status{Agent: AgentStatus{Name: "first"}}, nil }})
	if _, err := Listen(dir); !errors.Is(err, ErrRunning) {
		t.Errorf("a second agent: %v", err)
	}
	if s, err := dial(t, dir).Status(t.Context()); err != nil || s.Agent.Name != "first" {
		t.Errorf("the first agent afterwards: %+v, %v", s, err)
	}
}

func TestNothingIsLeft(t *testing.T) {
	dir := stateDir(t)
	for range 3 {
		if err := serve(t, dir, fake{})(); err != nil {
			t.Fatal(err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Fatalf("left: %v, %v", left, err)
		}
	}
}

func TestRelativeStateDir(t *testing.T) {
	dir := stateDir(t)
	t.Chdir(filepath.Dir(dir))
	serve(t, filepath.Base(dir), fake{})
	dial(t, dir)
}

func TestMissingStateDir(t *testing.T) {
	if _, err := Listen(filepath.Join(stateDir(t), "absent")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("listen: %v", err)
	}
}

// An agent that stops ends the requests that are under way, and says so to those who wait for them.
func TestServeEndsWithItsContext(t *testing.T) {
	begun := make(chan struct{})
	running := false
	dir := stateDir(t)
	stop := serve(t, dir, fake{plan: func(ctx context.Context) (Plan, error) {
		running = true
		close(begun)
		<-ctx.Done()
		running = false // unsynchronised, so that the race detector sees a Serve that does not wait
		return Plan{}, ctx.Err()
	}})
	c := dial(t, dir)
	answered := make(chan error, 1)
	go func() {
		_, err := c.Plan(t.Context())
		answered <- err
	}()
	within(t, begun)
	if err := stop(); err != nil {
		t.Error(err)
	}
	if running {
		t.Error("Serve has returned before the request ended")
	}
	if err := within(t, answered); err == nil || err.Error() != errStopping.Error() {
		t.Errorf("the client hears %v", err)
	}
}

// Connections that say nothing do not hold up the end.
func TestServeEndsWithSilentConnections(t *testing.T) {
	dir := stateDir(t)
	stop := serve(t, dir, fake{})
	c := dial(t, dir)
	conn, err := c.address.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestCloseEndsServe(t *testing.T) {
	s, err := Listen(stateDir(t))
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(context.Background(), fake{}) }()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := within(t, served); err != nil {
		t.Errorf("serve: %v", err)
	}
}

func TestRefusedRequests(t *testing.T) {
	dir := stateDir(t)
	serve(t, dir, fake{
		status: func(context.Context) (Status, error) { return Status{}, nil },
		plan:   func(context.Context) (Plan, error) { return Plan{}, os.ErrNotExist },
		explain: func(context.Context, string) (Explanation, error) {
			return Explanation{}, errors.New("no")
		},
		history: func(context.Context, HistoryQuery) (History, error) {
			return History{}, context.DeadlineExceeded
		},
	})
	c := dial(t, dir)
	for _, test := range []struct {
		name, method, target, body, want string
		status                           int
	}{
		{"fine", "GET", "/api/v1/status", "", "", 200},
		{"other address", "GET", "/api/v2/status", "", "no such request", 404},
		{"other call", "GET", "/api/v1/", "", "no such request", 404},
		{"method", "POST", "/api/v1/status", "", "only GET", 405},
		{"body", "GET", "/api/v1/status", "x", "no body", 413},
		{"body with method", "PUT", "/api/v1/status", "x", "only GET", 405},
		{"unknown filter", "GET", "/api/v1/history?from=1", "", `"from" is not known`, 400},
		{"filter twice", "GET", "/api/v1/history?folder=a&folder=b", "", `"folder" is given 2 times`, 400},
		{"parameter for none", "GET", "/api/v1/plan?x=1", "", `"x" is not known`, 400},
		{"since", "GET", "/api/v1/history?since=yesterday", "", "RFC 3339", 400},
		{"limit", "GET", "/api/v1/history?limit=many", "", "not a number", 400},
		{"escape", "GET", "/api/v1/history?folder=%zz", "", "invalid URL escape", 400},
		{"base64", "GET", "/api/v1/explain?path=!", "", "base64url", 400},
		{"not found", "GET", "/api/v1/plan", "", "file does not exist", 404},
		{"too late", "GET", "/api/v1/history", "", "deadline", 504},
		{"fault", "GET", "/api/v1/explain?path=YQ", "", "no", 500},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), test.method, "http://agent"+test.target, strings.NewReader(test.body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", bearer(c.address.token))
			status, f := exchange(t, c, r)
			if status != test.status || !strings.Contains(f.Error, test.want) {
				t.Errorf("got %d %q, want %d %q", status, f.Error, test.status, test.want)
			}
		})
	}
}

// A body that never comes does not delay the refusal.
func TestBodyIsNotWaitedFor(t *testing.T) {
	dir := stateDir(t)
	serve(t, dir, fake{})
	c := dial(t, dir)
	conn, err := c.address.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, err = fmt.Fprintf(conn, "GET /api/v1/status HTTP/1.1\r\nHost: agent\r\nAuthorization: %s\r\nTransfer-Encoding: chunked\r\n\r\n",
		bearer(c.address.token))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusRequestEntityTooLarge || !response.Close {
		t.Errorf("got %s, close %t", response.Status, response.Close)
	}
	if err := response.Body.Close(); err != nil {
		t.Error(err)
	}
}

// With a token, as on Windows, both ends must know it.
func TestToken(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := address{network: "tcp4", where: l.Addr().String(), token: "secret"}
	s := newServer(endpoint{a, l, func() error { return nil }})
	start(t, s, fake{status: func(context.Context) (Status, error) { return Status{Agent: AgentStatus{Name: "x"}}, nil }})

	c := newClient(a)
	if err := c.greet(t.Context()); err != nil {
		t.Errorf("greeting: %v", err)
	}
	if s, err := c.Status(t.Context()); err != nil || s.Agent.Name != "x" {
		t.Errorf("status: %+v, %v", s, err)
	}
	if err := a.free(); !errors.Is(err, ErrRunning) {
		t.Errorf("free: %v", err)
	}
	a.token = "guess"
	if err := newClient(a).greet(t.Context()); !errors.Is(err, ErrNoAgent) {
		t.Errorf("greeting of somebody else: %v", err)
	}
	for _, header := range []string{"", "Bearer", "Bearer guess", "Bearer secretx", "secret"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://agent/api/v1/status", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", header)
		if status, f := exchange(t, c, r); status != http.StatusUnauthorized || f.Error == "" {
			t.Errorf("%q: got %d %q", header, status, f.Error)
		}
	}
}

// What listens at a dead agent's port does not get the token, and is not taken for an agent.
func TestPortOfSomebodyElse(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan string, 1)
	go func() {
		defer close(heard)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		b := make([]byte, 4096)
		n, _ := conn.Read(b) // what has come is judged below
		heard <- string(b[:n])
		_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")) // likewise
		_ = conn.Close()
	}()
	a := address{network: "tcp4", where: l.Addr().String(), token: "secret"}
	if err := a.free(); err != nil {
		t.Errorf("free: %v", err)
	}
	if text := within(t, heard); !strings.HasPrefix(text, "GET ") || strings.Contains(text, "secret") {
		t.Errorf("it has heard %q", text)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := newClient(a).greet(t.Context()); !errors.Is(err, ErrNoAgent) {
		t.Errorf("once it is gone: %v", err)
	}
}

// exchange sends r as it is, past what a Client would send.
func exchange(t *testing.T, c *Client, r *http.Request) (status int, f fault) {
	t.Helper()
	response, err := c.transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if err := json.NewDecoder(response.Body).Decode(&f); err != nil {
		t.Fatal(err)
	}
	if got := response.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("content type %q", got)
	}
	return response.StatusCode, f
}
