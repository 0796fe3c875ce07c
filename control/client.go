package control

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"runtime"
	"time"
)

// greetWithin bounds the greeting, which an agent answers without doing anything for it.
const greetWithin = 5 * time.Second

// Client asks the agent of another process. Each request has a connection of its own, so there is nothing to close. An
// error of the agent has the text that it had there, and no more of its kind; an ErrNoAgent says that the agent has
// ended meanwhile. How long an answer may take is up to the contexts.
type Client struct {
	address   address
	transport *http.Transport
}

var _ API = (*Client)(nil)

// Dial returns a client of the agent that runs on stateDir. An ErrNoAgent says that none answers.
func Dial(ctx context.Context, stateDir string) (*Client, error) {
	dir, err := filepath.Abs(stateDir)
	if err != nil {
		return nil, err
	}
	a, err := find(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w on %s", ErrNoAgent, dir)
	}
	if err != nil {
		return nil, told(err)
	}
	c := newClient(a)
	if err := c.greet(ctx); err != nil {
		return nil, told(err)
	}
	return c, nil
}

// told says who may ask an agent, where this account may not.
func told(err error) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	who := "root: type sudo before it"
	if runtime.GOOS == "windows" {
		who = "administrators, in a window that was opened with \"Run as administrator\""
	}
	return fmt.Errorf("%w: only the account that the agent runs as may ask it, and %s", err, who)
}

func newClient(a address) *Client {
	return &Client{a, &http.Transport{
		DialContext:        func(ctx context.Context, _, _ string) (net.Conn, error) { return a.connect(ctx) },
		DisableKeepAlives:  true,
		DisableCompression: true,
	}}
}

// greet makes sure that it is an agent that answers. For a socket, to connect is enough: nobody else can have made it. A
// port may be anyone's by now.
func (c *Client) greet(ctx context.Context) error {
	if c.address.token == "" {
		conn, err := c.address.connect(ctx)
		if err != nil {
			return err
		}
		return conn.Close()
	}
	within, cancel := context.WithTimeout(ctx, greetWithin)
	defer cancel()
	nonce := rand.Text()
	var h hello
	err := c.get(within, greeting, url.Values{"nonce": {nonce}}, &h)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && !errors.Is(err, ErrNoAgent):
		return fmt.Errorf("dial %s: %w: somebody else answers there: %w", c.address.where, ErrNoAgent, err)
	case err == nil && !hmac.Equal(h.Proof, proof(c.address.token, nonce)):
		return fmt.Errorf("dial %s: %w: somebody else answers there", c.address.where, ErrNoAgent)
	}
	return err
}

// Status implements API.
func (c *Client) Status(ctx context.Context) (s Status, err error) {
	err = c.get(ctx, "status", nil, &s)
	restoreAttention(s.Attention)
	return s, err
}

// History implements API.
func (c *Client) History(ctx context.Context, q HistoryQuery) (h History, err error) {
	err = c.get(ctx, "history", q.values(), &h)
	restoreDeliveries(h.Deliveries)
	restoreRemovals(h.Removals)
	if q.Failed && h.Failed == nil {
		h.Failed = []Attention{}
	}
	restoreAttention(h.Failed)
	return h, err
}

// Explain implements API.
func (c *Client) Explain(ctx context.Context, name string) (e Explanation, err error) {
	err = c.get(ctx, "explain", explainValues(name), &e)
	restore(&e.Path, e.PathB64)
	restoreDeliveries(e.Receipts)
	return e, err
}

// Plan implements API.
func (c *Client) Plan(ctx context.Context) (p Plan, err error) {
	err = c.get(ctx, "plan", nil, &p)
	for i := range p.Operations {
		restore(&p.Operations[i].Path, p.Operations[i].PathB64)
	}
	for i := range p.Waiting {
		restore(&p.Waiting[i].Path, p.Waiting[i].PathB64)
	}
	return p, err
}

func restoreDeliveries(all []Delivery) {
	for i := range all {
		restore(&all[i].Path, all[i].PathB64)
	}
}

func restoreAttention(all []Attention) {
	for i := range all {
		restore(&all[i].Path, all[i].PathB64)
	}
}

// restore puts back the bytes of a path that JSON could not carry as they are.
func restore(path *string, exact []byte) {
	if len(exact) > 0 {
		*path = string(exact)
	}
}

// get asks for what and decodes the answer.
func (c *Client) get(ctx context.Context, what string, query url.Values, into any) error {
	u := url.URL{Scheme: "http", Host: "agent", Path: prefix + what, RawQuery: query.Encode()}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	return c.send(r, what, into)
}

// send sends a request for what and decodes the answer.
func (c *Client) send(r *http.Request, what string, into any) error {
	if c.address.token != "" && what != greeting {
		r.Header.Set("Authorization", bearer(c.address.token))
	}
	response, err := c.transport.RoundTrip(r)
	if err != nil {
		return fmt.Errorf("ask the agent for %s: %w", what, err)
	}
	defer func() { _ = response.Body.Close() }() // it has been read: nothing can be lost
	if response.StatusCode != http.StatusOK {
		return faultIn(response)
	}
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		return fmt.Errorf("read the agent's %s: %w", what, err)
	}
	return nil
}

// faultIn returns the error that the agent has answered with.
func faultIn(response *http.Response) error {
	var f fault
	if err := json.NewDecoder(response.Body).Decode(&f); err != nil || f.Error == "" {
		return fmt.Errorf("the agent answered %s", response.Status)
	}
	restore(&f.Error, f.ErrorB64)
	if f.Refusal != "" {
		return &Refusal{Text: f.Error, Usage: f.Refusal == refusedUsage, Config: f.Refusal == refusedConfig}
	}
	return errors.New(f.Error)
}
