package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/remote"
)

// Connection is what `check --connect` has found out about one destination.
type Connection struct {
	Destination  string               `json:"destination"`
	Address      string               `json:"address"`
	Way          []string             `json:"way,omitempty"` // what the connection goes through: a proxy's URL, names of destinations
	HostKey      string               `json:"host_key,omitempty"`
	Capabilities *remote.Capabilities `json:"capabilities,omitempty"`
	Findings     []remote.Finding     `json:"findings,omitempty"` // what follows from the capabilities
	Free         *int64               `json:"free,omitempty"`     // bytes under the root, where the server tells
	Seconds      float64              `json:"seconds"`            // to connect and log in
	Error        string               `json:"error,omitempty"`
	Hint         string               `json:"hint,omitempty"`
	Err          error                `json:"-"`
}

// wayOf names what the connection to a destination goes through.
func wayOf(c *config.Config, d *config.Destination) []string {
	first, names := d, []string(nil)
	for i, hop := range c.Way(d) {
		if i == 0 {
			first = hop
		}
		names = append(names, hop.Name)
	}
	if first.Proxy.IsSet() {
		names = append([]string{first.Proxy.String()}, names...)
	}
	return names
}

// Connect logs in to a destination and probes what the server can do there, and how long it bears a session without uploads, up to idle.
// It leaves nothing behind. Where others are only reached through it, a login is all there is to try.
func Connect(ctx context.Context, c *config.Config, d *config.Destination, idle time.Duration) Connection {
	target := targetOf(c, d)
	result := Connection{Destination: d.Name, Address: target.Addr()}
	fail := func(err error) Connection {
		result.Err, result.Error, result.Hint = err, err.Error(), remote.HintOf(err)
		return result
	}
	if result.Way = wayOf(c, d); c.OnlyJump(d) {
		started := time.Now()
		key, err := remote.Login(ctx, target)
		if err != nil {
			return fail(err)
		}
		result.Seconds, result.HostKey = time.Since(started).Seconds(), key.Fingerprint
		return result
	}
	s, capabilities, err := probe(ctx, target, &result)
	if err != nil {
		return fail(err)
	}
	defer s.Close()
	result.Capabilities, result.Findings = &capabilities, findingsOf(d, &capabilities)
	if free, err := s.Free(ctx); err == nil {
		result.Free = &free
	}
	result.Findings = append(result.Findings, s.Channels(ctx))
	if f, ok := s.Connections(ctx); ok && s.Err() == nil {
		result.Findings = append(result.Findings, f)
	}
	if idle > 0 && s.Err() == nil {
		result.Findings = append(result.Findings, s.Rests(ctx, idle))
	}
	if !capabilities.Rename && !isDirect(d) {
		return fail(&remote.Error{
			Op: "rename", Destination: d.Name, Path: d.Root, Kind: remote.Unsupported,
			Err:  errors.New("the server refuses renames, so that nothing can be published there"),
			Hint: `ask the server's owner to let the account rename its files, or set publish = "direct", which is not atomic`,
		})
	}
	return result
}

func isDirect(d *config.Destination) bool { return d.Publish == "direct" }

// findingsOf tells what follows from the capabilities, as the destination is configured.
func findingsOf(d *config.Destination, c *remote.Capabilities) []remote.Finding {
	findings := c.Consequences()
	if !isDirect(d) {
		return findings
	}
	for i := range findings {
		switch f := &findings[i]; {
		case f.Name != "rename":
		case f.OK:
			f.Text = `works, but files are written at their final names, which is not atomic: publish = "rename" is better here`
		default:
			f.Text = `refused: files are written at their final names, which is not atomic (publish = "direct")`
		}
	}
	return findings
}

// probe logs in and finds out what the server can do. Where that ends the session, the next one is more careful.
func probe(ctx context.Context, target remote.Target, result *Connection) (*remote.Session, remote.Capabilities, error) {
	const tries = 3 // what a server that bears one request at a time takes: see remote.Session.Probe
	var known remote.Capabilities
	for try := 1; ; try++ {
		started := time.Now()
		s, err := remote.Dial(ctx, target)
		if err != nil {
			return nil, known, err
		}
		result.Seconds, result.HostKey = time.Since(started).Seconds(), s.HostKey()
		s.Use(known)
		if err = s.CheckRoot(ctx); err == nil && !known.Current(started) {
			_, err = s.Probe(ctx, started)
		}
		if err == nil {
			return s, s.Capabilities(), nil
		}
		s.Close()
		learned, changed := known.Learn(s.Capabilities())
		if !changed || try == tries {
			return nil, known, err
		}
		known = learned
	}
}

// HostKeys returns the keys that a destination's server shows, nothing sent of the account.
func HostKeys(ctx context.Context, c *config.Config, d *config.Destination) ([]remote.Key, error) {
	return remote.HostKeys(ctx, targetOf(c, d))
}

// TrustedKeys returns the lines of the file that `trust` writes which speak of a destination: those that a new key would
// stand beside or replace.
func TrustedKeys(c *config.Config, d *config.Destination) ([]string, error) {
	target := targetOf(c, d)
	keys, err := target.Trusted()
	if err != nil {
		return nil, fmt.Errorf("read known hosts: %w", err)
	}
	var known []string
	for _, k := range keys {
		known = append(known, k.String())
	}
	return known, nil
}

// Trust stores a host key of a destination, and with replace removes those that were stored for it before. It refuses
// where the configuration says which keys are right: `trust` writes only what is its own.
func Trust(c *config.Config, d *config.Destination, key remote.Key, replace bool) (file string, err error) {
	if len(d.HostKey) > 0 || d.KnownHosts != "" {
		return "", fmt.Errorf("destination %s: the configuration says which keys are right, so it is edited by hand", d.Name)
	}
	target := targetOf(c, d)
	name := knownHostsOf(c, d)
	line := target.KnownLine(key)
	old, err := os.ReadFile(name)
	if err != nil && !os.IsNotExist(err) {
		return "", err
	}
	var lines []string
	if text := strings.TrimSpace(string(old)); text != "" {
		lines = strings.Split(text, "\n")
	}
	if replace {
		host := strings.Fields(line)[0]
		lines = slices.DeleteFunc(lines, func(l string) bool { f := strings.Fields(l); return len(f) > 0 && f[0] == host })
	}
	if !slices.Contains(lines, line) {
		lines = append(lines, line)
	}
	return name, writeFileAs(c, name, []byte(strings.Join(lines, "\n")+"\n"))
}
