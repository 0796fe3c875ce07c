package control

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Web answers people and monitoring over TCP: everything but the sign of life wants the token, from this machine too, since
// other accounts and every page in a browser reach its ports.
type Web struct {
	server *Server
	token  string
	hosts  []string
}

// Site is what a Web shows.
type Site struct {
	API     API
	Metrics http.Handler // nil: there are none
	// Ready returns why the agent is not up to date, nothing where it is.
	Ready func(context.Context) ([]string, error)
	Page  http.Handler // for browsers; nil: there is none
	// Configuration returns what is in effect, to be shown as JSON, and Log the last lines of the log.
	Configuration func() any
	Log           func() []string
	// Activity returns what went on lately, over one of Spans, and Servers what is known of the other sides.
	Activity func(ctx context.Context, span string) (Activity, error)
	Servers  func(context.Context) (Servers, error)
	// Delivery returns one delivery with its story; ErrNoDelivery is in the error where there is none.
	Delivery func(ctx context.Context, id string) (DeliveryStory, error)
}

// LogTail is the end of the log.
type LogTail struct {
	Lines []string `json:"lines"`
}

// Readiness is the answer of /readyz.
type Readiness struct {
	Ready   bool     `json:"ready"`
	Reasons []string `json:"reasons"`
}

// ListenWeb listens at where, host:port. hosts are names that a proxy in front of it is known by.
func ListenWeb(where, token string, hosts []string) (*Web, error) {
	l, err := net.Listen("tcp", where)
	if err != nil {
		return nil, fmt.Errorf("listen at %s: %w", where, err)
	}
	e := endpoint{address{network: "tcp", where: l.Addr().String(), token: token}, l, func() error { return nil }}
	return &Web{server: newServer(e), token: token, hosts: hosts}, nil
}

// Address returns http://host:port. Of one that listens everywhere it is that of this machine.
func (w *Web) Address() string {
	where := w.server.endpoint.where
	if host, port, err := net.SplitHostPort(where); err == nil && net.ParseIP(host).IsUnspecified() {
		where = net.JoinHostPort("127.0.0.1", port)
	}
	return "http://" + where
}

// Close stops listening.
func (w *Web) Close() error { return w.server.Close() }

// Serve answers until ctx ends. See Server.Serve.
func (w *Web) Serve(ctx context.Context, s Site) error {
	return w.server.serve(ctx, "the page and the API", w.guarded(s.routes()))
}

// routes returns what is behind the guard.
func (s Site) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("ok\n")) // who has gone needs no answer
	})
	mux.HandleFunc("GET /readyz", s.readyz)
	for name, answer := range s.gets() {
		mux.HandleFunc("GET "+prefix+name, answer)
	}
	mux.Handle(prefix, serveAPI(s.API))
	if s.Metrics != nil {
		mux.Handle("GET /metrics", s.Metrics)
	}
	if s.Page != nil {
		mux.Handle("/", onlyRead(s.Page))
	}
	return mux
}

// gets returns what is answered here alone, and not to commands, by the last element of the request's path.
func (s Site) gets() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"openapi.json":  func(w http.ResponseWriter, _ *http.Request) { write(w, http.StatusOK, OpenAPI()) },
		"events":        s.events,
		"configuration": plainGet(func() any { return s.Configuration() }),
		"log":           plainGet(func() any { return LogTail{append([]string{}, s.Log()...)} }),
		"activity":      s.activity,
		"servers":       s.servers,
		"delivery":      s.delivery,
	}
}

// plainGet answers what takes no parameters.
func plainGet(answer func() any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := only(r.URL.Query()); err != nil {
			refuse(w, http.StatusBadRequest, err)
			return
		}
		write(w, http.StatusOK, answer())
	}
}

// onlyRead refuses what wants more than to read.
func onlyRead(inner http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			refuseBody(w, http.StatusMethodNotAllowed, fmt.Errorf("%s %s: only GET is allowed", r.Method, r.URL.Path))
			return
		}
		inner.ServeHTTP(w, r)
	})
}

func (s Site) readyz(w http.ResponseWriter, r *http.Request) {
	reasons, err := s.Ready(r.Context())
	if err != nil {
		reasons = append(reasons, err.Error())
	}
	status := http.StatusOK
	if len(reasons) > 0 {
		status = http.StatusServiceUnavailable
	}
	write(w, status, Readiness{Ready: len(reasons) == 0, Reasons: append([]string{}, reasons...)})
}

// cookieName is that of the cookie of a browser that has signed in. Browsers send cookies to all ports of a host: each agent has a name
// of its own there, so that to sign in at one does not sign out at another.
func cookieName(token string) string {
	return "dropferry-" + hex.EncodeToString(proof(token, "cookie name"))[:12]
}

// signInPath is where the URL of `dropferry page` leads.
const signInPath = "/signin"

// SignInURL returns the URL that signs a browser in.
func SignInURL(address, token string) string {
	return address + signInPath + "?token=" + url.QueryEscape(token)
}

// cookieOf is what a browser keeps, which is of no use as a token elsewhere.
func cookieOf(token string) string {
	return hex.EncodeToString(proof(token, "cookie"))
}

// guarded lets those through who know the token, and nobody whom a stranger's page has sent: it would come with another
// Origin, or under a name that has been made to lead here.
func (w *Web) guarded(inner http.Handler) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		h := out.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
		h.Set("Cache-Control", "no-store")
		switch {
		case !w.knowsHost(r.Host):
			refuseBody(out, http.StatusMisdirectedRequest, errors.New("this agent is not known by that name: see [control] hosts"))
		case r.URL.Path == "/healthz":
			inner.ServeHTTP(out, r)
		case !w.isOwn(r):
			refuseBody(out, http.StatusForbidden, errors.New("another site has sent this request"))
		case r.URL.Path == signInPath && r.Method == http.MethodGet && same(r.URL.Query().Get("token"), w.token):
			http.SetCookie(out, &http.Cookie{
				Name: cookieName(w.token), Value: cookieOf(w.token), Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode, MaxAge: 30 * 24 * 60 * 60,
			})
			toPage(out, r)
		case !w.isKnown(r):
			h.Set("WWW-Authenticate", "Bearer")
			refuseBody(out, http.StatusUnauthorized, errors.New("the token is missing or wrong: `dropferry page` prints the address that signs a browser in, "+
				"and programs send the token of control.token in the state directory as Authorization: Bearer"))
		default:
			inner.ServeHTTP(out, r)
		}
	})
}

// toPage leads a browser that has just signed in to the page. After a link of another site a redirection still counts as that site's, and
// the cookie would not be sent: so the browser goes there from a page of our own.
func toPage(out http.ResponseWriter, r *http.Request) {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "cross-site" && site != "same-site" {
		http.Redirect(out, r, "/", http.StatusSeeOther)
		return
	}
	out.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = out.Write([]byte(signedIn)) // who has gone needs no page
}

const signedIn = `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=/"><title>dropferry</title><a href="/">dropferry</a>`

// isKnown tells whether a request shows the token, or the cookie that it was exchanged for.
func (w *Web) isKnown(r *http.Request) bool {
	if given := r.Header.Get("Authorization"); given != "" {
		return same(given, bearer(w.token))
	}
	c, err := r.Cookie(cookieName(w.token))
	return err == nil && same(c.Value, cookieOf(w.token))
}

// isOwn tells whether no other site has a browser send the request.
func (w *Web) isOwn(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	if origin := r.Header.Get("Origin"); origin != "" {
		u, err := url.Parse(origin)
		return err == nil && w.knowsHost(u.Host) && u.Host == r.Host
	}
	if site == "cross-site" || site == "same-site" { // a link elsewhere may lead to the page, and to nothing that does something
		return r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate"
	}
	// A browser that says neither is too old to be believed when it wants something done.
	return r.Method == http.MethodGet || r.Method == http.MethodHead || site == "same-origin" || r.Header.Get("Authorization") != ""
}

// knowsHost tells whether a Host header names this agent: an address, localhost, or a name of the configuration. Any other name
// may be a stranger's that was made to lead here.
func (w *Web) knowsHost(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.Trim(name, "[]")
	return net.ParseIP(name) != nil || strings.EqualFold(name, "localhost") ||
		slices.ContainsFunc(w.hosts, func(h string) bool { return strings.EqualFold(h, name) })
}
