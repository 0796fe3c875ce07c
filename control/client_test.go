package control

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// nasty is a path that is not UTF-8 and holds what JSON, HTTP and HTML have plans for.
const nasty = "/srv/out/a\xff\xfe \x01\n\t\x1b[31m\x7f<&>\"\\%2f+?#;=\u2028\u00e9.csv"

func TestRoundTrip(t *testing.T) {
	at := time.Date(2025, 3, 1, 12, 30, 0, 123456789, time.UTC)
	query := HistoryQuery{Since: at, Folder: "in & out", Destination: "acme;+ü", Before: "0+1", Limit: 7}
	delivery := Delivery{
		ID: "0123", Folder: "f", Destination: "d", Path: nasty, PathB64: []byte(nasty), RemotePath: "/in/\x02\"", Size: 1 << 60,
		SHA256: "ab", Evidence: "read-back", Attempts: 2, StartedAt: at, DeliveredAt: at, HostKey: "SHA256:x",
	}
	status := Status{
		Agent:        AgentStatus{Name: "a", Running: true, PID: 5, StartedAt: &at, Config: "/etc/\u0007"},
		Folders:      []FolderStatus{{Name: "f", Mode: "outbox", Path: "/x", State: "watching", Files: 3, LastScan: &at}},
		Destinations: []DestinationStatus{{Name: "d", State: "blocked", Reason: "no\x00", NextAttempt: &at}},
		Transfers:    []Transfer{{ID: "1", Path: "b\x1b", Size: 9, Sent: 4, StartedAt: at}},
	}
	history := History{Deliveries: []Delivery{delivery, {Path: "plain"}}}
	explanation := Explanation{
		Path: nasty, PathB64: []byte(nasty), State: "parked", Reason: "why\r\n", Until: &at, Receipts: []Delivery{delivery},
		Routes: []RouteOf{{Destination: "d", State: "failed", LastError: "\x03"}},
	}
	plan := Plan{
		Operations: []Operation{{Op: "upload", Path: nasty, PathB64: []byte(nasty), Reason: "new"}},
		Waiting:    []Waiting{{Path: nasty, PathB64: []byte(nasty), Until: &at}},
		Unreached:  map[string]string{"d": "dial: \x04"},
	}
	var gotQuery HistoryQuery
	var gotName string
	dir := stateDir(t)
	serve(t, dir, fake{
		status:  func(context.Context) (Status, error) { return status, nil },
		history: func(_ context.Context, q HistoryQuery) (History, error) { gotQuery = q; return history, nil },
		explain: func(_ context.Context, name string) (Explanation, error) { gotName = name; return explanation, nil },
		plan:    func(context.Context) (Plan, error) { return plan, nil },
	})
	c := dial(t, dir)
	for _, test := range []struct {
		name string
		ask  func() (any, error)
		want any
	}{
		{"status", func() (any, error) { return c.Status(t.Context()) }, status},
		{"history", func() (any, error) { return c.History(t.Context(), query) }, history},
		{"explain", func() (any, error) { return c.Explain(t.Context(), nasty) }, explanation},
		{"plan", func() (any, error) { return c.Plan(t.Context()) }, plan},
	} {
		got, err := test.ask()
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: got %+v\nwant %+v", test.name, got, test.want)
		}
	}
	if gotQuery != query {
		t.Errorf("query %+v, want %+v", gotQuery, query)
	}
	if gotName != nasty {
		t.Errorf("explain %q, want %q", gotName, nasty)
	}
	if _, err := c.History(t.Context(), HistoryQuery{}); err != nil || gotQuery != (HistoryQuery{Limit: historyPage}) {
		t.Errorf("the empty query arrives as %+v, %v", gotQuery, err)
	}
}

func TestErrorTexts(t *testing.T) {
	var fail error
	dir := stateDir(t)
	serve(t, dir, fake{plan: func(context.Context) (Plan, error) { return Plan{}, fail }})
	c := dial(t, dir)
	for _, fail = range []error{
		errors.New("read ledger: disk I/O error"),
		&os.PathError{Op: "open", Path: "/srv/\xff\x01", Err: os.ErrNotExist},
		errors.New("line\nand \"quotes\""),
		context.DeadlineExceeded,
		context.Canceled, // of something else than the request
	} {
		_, err := c.Plan(t.Context())
		if err == nil || err.Error() != fail.Error() {
			t.Errorf("got %q, want %q", err, fail)
		}
	}
}

func TestBadQuestions(t *testing.T) {
	dir := stateDir(t)
	serve(t, dir, fake{history: func(context.Context, HistoryQuery) (History, error) { return History{}, nil }})
	c := dial(t, dir)
	if _, err := c.History(t.Context(), HistoryQuery{Limit: -1}); err == nil || !strings.Contains(err.Error(), `limit="-1"`) {
		t.Errorf("negative limit: %v", err)
	}
	if _, err := c.Explain(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "path is missing") {
		t.Errorf("empty path: %v", err)
	}
}

func TestNoAgent(t *testing.T) {
	for _, test := range []struct {
		name string
		dir  func(t *testing.T) string
	}{
		{"no directory", func(t *testing.T) string { return filepath.Join(stateDir(t), "absent") }},
		{"never one", stateDir},
		{"stopped", func(t *testing.T) string {
			dir := stateDir(t)
			if err := serve(t, dir, fake{})(); err != nil {
				t.Error(err)
			}
			return dir
		}},
		{"listened only", func(t *testing.T) string {
			dir := stateDir(t)
			s, err := Listen(dir)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(s.Close(), s.Close()); err != nil {
				t.Error(err)
			}
			return dir
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := test.dir(t)
			began := time.Now()
			if _, err := Dial(t.Context(), dir); !errors.Is(err, ErrNoAgent) {
				t.Errorf("dial: %v", err)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("it took %s to notice", took)
			}
		})
	}
}

func TestAgentEndsLater(t *testing.T) {
	dir := stateDir(t)
	stop := serve(t, dir, fake{})
	c := dial(t, dir)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Status(t.Context()); !errors.Is(err, ErrNoAgent) {
		t.Errorf("status: %v", err)
	}
}

func TestDialEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := stateDir(t)
	serve(t, dir, fake{})
	if _, err := Dial(ctx, dir); !errors.Is(err, context.Canceled) || errors.Is(err, ErrNoAgent) {
		t.Errorf("dial: %v", err)
	}
}

// A client that gives up ends the work that it has asked for, and the agent goes on.
func TestClientGivesUp(t *testing.T) {
	begun, ended := make(chan struct{}), make(chan error, 1)
	dir := stateDir(t)
	serve(t, dir, fake{
		plan: func(ctx context.Context) (Plan, error) {
			close(begun)
			<-ctx.Done()
			ended <- ctx.Err()
			return Plan{}, ctx.Err()
		},
		status: func(context.Context) (Status, error) { return Status{}, nil },
	})
	c := dial(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	answered := make(chan error, 1)
	go func() {
		_, err := c.Plan(ctx)
		answered <- err
	}()
	within(t, begun)
	cancel()
	if err := within(t, answered); !errors.Is(err, context.Canceled) {
		t.Errorf("client: %v", err)
	}
	if err := within(t, ended); !errors.Is(err, context.Canceled) {
		t.Errorf("agent: %v", err)
	}
	if _, err := c.Status(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestForeignAnswers(t *testing.T) {
	for _, test := range []struct {
		name, body, want string
		status           int
	}{
		{"not JSON", "<html>", "the agent answered 502 Bad Gateway", 502},
		{"no text", "{}", "the agent answered 500 Internal Server Error", 500},
		{"text", `{"error":"x"}`, "x", 500},
		{"bytes", `{"error":"x","error_b64":"/w=="}`, "\xff", 404},
	} {
		r := &http.Response{
			StatusCode: test.status, Status: strings.TrimPrefix(test.want, "the agent answered "),
			Body: io.NopCloser(strings.NewReader(test.body)),
		}
		if err := faultIn(r); err.Error() != test.want {
			t.Errorf("%s: got %q, want %q", test.name, err, test.want)
		}
	}
}
