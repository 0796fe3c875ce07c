package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// said returns what always answers text.
func said(text string) func() (string, error) { return func() (string, error) { return text, nil } }

func message(alerts ...Alert) *Message {
	return &Message{Version: 1, Agent: "erp", SentAt: moment, Alerts: alerts}
}

func TestWebhookPostsSignedJSON(t *testing.T) {
	t.Parallel()
	var got Message
	var head http.Header
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = json.Unmarshal(body, &got)
		}
		if err != nil || r.Method != http.MethodPost || r.URL.Path != "/secret-path" {
			t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
		}
		head = r.Header
		if want := Sign("the key", r.Header.Get(TimestampHeader), body); r.Header.Get(SignatureHeader) != want {
			t.Errorf("signature %q, want %q", r.Header.Get(SignatureHeader), want)
		}
	}))
	defer server.Close()
	w := &Webhook{URL: said(server.URL + "/secret-path"), Key: said("the key"), Form: FormJSON, UserAgent: "dropferry/1"}
	if err := w.Send(t.Context(), message(blocked("acme"))); err != nil {
		t.Fatal(err)
	}
	if got.Agent != "erp" || len(got.Alerts) != 1 || got.Alerts[0].Text != "the login was refused" || head.Get("User-Agent") != "dropferry/1" {
		t.Errorf("%+v", got)
	}
	if sum := Sign("k", "1", []byte("x")); sum != "sha256=976cb87e4f568d1c0f03f32859e90af8597cf00b978ba37c229c97d3a15b8449" {
		t.Errorf("signature %q", sum)
	}
}

// Whatever goes wrong, the URL stays a secret.
func TestWebhookThatFails(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/secret/moved":
			http.Redirect(w, r, "/secret/there", http.StatusFound)
		case "/secret/busy":
			w.Header().Set("Retry-After", "90")
			http.Error(w, "not\nnow", http.StatusTooManyRequests)
		case "/secret/there":
			t.Error("a redirection was followed")
		}
	}))
	defer server.Close()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for _, c := range []struct{ url, want string }{
		{server.URL + "/secret/moved", "302 Found, a redirection"},
		{server.URL + "/secret/busy", "429 Too Many Requests: not now"},
		{closed.URL + "/secret", "connect"},
		{"ftp://secret/x", "not one of http or https"},
		{"secret", "not one of http or https"},
		{"http://[::1/secret", "cannot be read"},
	} {
		w := &Webhook{URL: said(c.url), Form: FormJSON}
		err := w.Send(t.Context(), message(blocked("acme")))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", c.url, err)
		}
		if later, ok := errors.AsType[*laterError](err); ok != strings.HasSuffix(c.url, "busy") || ok && later.after != 90*time.Second {
			t.Errorf("%s: %v", c.url, later)
		}
	}
	w := &Webhook{URL: func() (string, error) { return "", errTest }}
	if err := w.Send(t.Context(), message(blocked("acme"))); !errors.Is(err, errTest) {
		t.Errorf("a secret that cannot be read: %v", err)
	}
}

func TestWebhookThatHangs(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-done }))
	defer server.Close()
	defer close(done)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	w := &Webhook{URL: said(server.URL), Form: FormJSON}
	if err := w.Send(ctx, message(blocked("acme"))); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestRetryAfter(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"7": 7 * time.Second, "": -1, "soon": -1, "-1": -1, "Sun, 29 Nov 2026 18:01:00 GMT": time.Minute, "Sun, 29 Nov 2026 17:00:00 GMT": 0,
	} {
		got, ok := retryAfter(text, moment)
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("%q: %s, %v", text, got, ok)
		}
	}
}

func TestForms(t *testing.T) {
	a := parked("a<b>&*c*_[x](http://evil).xml")
	a.Hint = "look"
	m := message(a)
	m.Omitted = 3
	slack, err := form(FormSlack, m)
	if err != nil {
		t.Fatal(err)
	}
	var text struct{ Text string }
	if err := json.Unmarshal(slack, &text); err != nil || !strings.HasPrefix(text.Text, ":warning: *erp: 4 alerts") ||
		!strings.Contains(text.Text, "a&lt;b&gt;&amp;") || !strings.Contains(text.Text, "What to do: look") {
		t.Errorf("%v: %s", err, text.Text)
	}
	teams, err := form(FormTeams, m)
	if err != nil {
		t.Fatal(err)
	}
	var card struct {
		Type        string
		Attachments []struct {
			ContentType string
			Content     struct {
				Type, Version string
				Body          []struct{ Type, Text, Color string }
			}
		}
	}
	if err := json.Unmarshal(teams, &card); err != nil || card.Type != "message" || len(card.Attachments) != 1 {
		t.Fatalf("%v: %s", err, teams)
	}
	content := card.Attachments[0].Content
	if content.Type != "AdaptiveCard" || len(content.Body) != 3 || content.Body[0].Color != "attention" ||
		!strings.Contains(content.Body[1].Text, `\*c\*\_\[x](http`) || !strings.Contains(content.Body[2].Text, "3 more were left out") {
		t.Errorf("%s", teams)
	}
}

// A chat refuses what is too large, and would refuse it for ever.
func TestFormsHaveABound(t *testing.T) {
	many := message()
	for i := range mostAtOnce {
		a := parked(strings.Repeat("ü", 200) + fmt.Sprint(i))
		a.Text, a.Hint = strings.Repeat("*\"", longestText/2), strings.Repeat("_", longestText)
		many.Alerts = append(many.Alerts, a)
	}
	for name, most := range map[string]int{FormTeams: 28 << 10, FormSlack: 40000} {
		text, err := form(name, many)
		if err != nil || len(text) > most || !strings.Contains(string(text), "more were left out") {
			t.Errorf("%s: %v, %d bytes", name, err, len(text))
		}
	}
	if text, err := form(FormJSON, many); err != nil || strings.Count(string(text), `"event":"parked"`) != mostAtOnce {
		t.Errorf("%v: %d bytes", err, len(text))
	}
}

func TestSubjects(t *testing.T) {
	for _, c := range []struct {
		m    Message
		want string
	}{
		{*message(blocked("acme")), "erp: blocked: destination acme"},
		{*message(Alert{Event: Delivered, Folder: "in", Path: "a", Destination: "acme"}, parked("b")), "erp: 2 alerts, parked: in/b to acme"},
		{Message{Agent: "erp", Omitted: 7}, "erp: 7 alerts were left out"},
		{*message(Alert{Event: Missing, Folder: "in"}), "erp: missing: folder in"},
		{*message(Alert{Event: Recovered, Of: Stalled, Folder: "in", Destination: "acme"}), "erp: recovered (stalled): in to acme"},
		{*message(Alert{Event: Halted}), "erp: halted"},
	} {
		if got := c.m.Subject(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
