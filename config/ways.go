package config

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
)

// Proxy is a server that passes connections on. The zero value is none.
type Proxy struct {
	Kind    string // ProxySOCKS or ProxyHTTP
	Address string // host:port
}

// The kinds of proxies, as a URL writes them.
const (
	ProxySOCKS = "socks5" // RFC 1928
	ProxyHTTP  = "http"   // CONNECT, RFC 9110 section 9.3.6
)

// IsSet tells whether there is a proxy.
func (p Proxy) IsSet() bool { return p != Proxy{} }

// String writes the proxy as the file does.
func (p Proxy) String() string {
	if !p.IsSet() {
		return ""
	}
	return p.Kind + "://" + p.Address
}

// defaultSOCKSPort is that of RFC 1928. HTTP proxies have no port that most of them use.
const defaultSOCKSPort = "1080"

// proxy returns the proxy at "proxy". No fault shows a user's part of its URL, which may hold a password.
func (t table) proxy() Proxy {
	const key = "proxy"
	text, given := t.text(key)
	if !given {
		return Proxy{}
	}
	const example = `proxy = "socks5://HOST:1080" or "http://HOST:PORT"`
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		t.faultAt(key, "proxy is no URL of a proxy", example)
		return Proxy{}
	case u.User != nil:
		t.faultAt(key, "proxy holds a user", fmt.Sprintf(`proxy = %q, proxy_user = %q and proxy_password = { env = "NAME" }`,
			u.Scheme+"://"+u.Host, u.User.Username()))
		return Proxy{}
	case u.Scheme == "socks5h" || u.Scheme == "socks":
		u.Scheme = ProxySOCKS
	case u.Scheme != ProxySOCKS && u.Scheme != ProxyHTTP:
		t.faultAt(key, "proxy = "+show(text)+" is not of a kind that is known", example)
		return Proxy{}
	}
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		t.faultAt(key, "proxy = "+show(text)+" has more than a host and a port", fmt.Sprintf("proxy = %q", u.Scheme+"://"+u.Host))
	}
	port := u.Port()
	switch {
	case port == "" && u.Scheme == ProxySOCKS:
		port = defaultSOCKSPort
	case port == "":
		t.faultAt(key, "proxy = "+show(text)+" names no port", fmt.Sprintf(`proxy = "http://%s:3128"`, u.Host))
	}
	return Proxy{Kind: u.Scheme, Address: net.JoinHostPort(u.Hostname(), port)}
}

// jumps returns the names at "jump".
func (t table) jumps() []string {
	const key = "jump"
	elements, given := t.list(key)
	if !given {
		return nil
	}
	var names []string
	for _, e := range elements {
		if e.text == "" {
			continue
		}
		if slices.Contains(names, e.text) {
			t.faultOn(e.at, key, "jump holds "+show(e.text)+" twice", "")
			continue
		}
		names = append(names, e.text)
	}
	return names
}

// waysIn reads how a destination's server is reached.
func (t table) waysIn(d *Destination) {
	d.Jump, d.Proxy = t.jumps(), t.proxy()
	d.ProxyUser, _ = t.text("proxy_user")
	d.ProxyPassword = t.secret("proxy_password")
	if d.BindAddress, _ = t.text("bind_address"); d.BindAddress != "" && !isAddress(d.BindAddress) {
		t.faultAt("bind_address", "bind_address = "+show(d.BindAddress)+" is no address", `bind_address = "192.0.2.7": one that this machine has`)
	}
	if len(d.Jump) > 0 && t.has("bind_address") {
		t.faultAt("bind_address", "bind_address is given together with jump", "move it to destination "+show(d.Jump[0])+", which is reached first")
	}
	switch {
	case len(d.Jump) > 0 && t.has("proxy"):
		t.faultAt("proxy", "proxy is given together with jump", "move it to destination "+show(d.Jump[0])+", which is reached first")
	case t.has("proxy"):
	case t.has("proxy_user"):
		t.faultAt("proxy_user", "proxy_user is given without proxy", "")
	case t.has("proxy_password"):
		t.faultAt("proxy_password", "proxy_password is given without proxy", "")
	}
	if t.has("proxy_user") != t.has("proxy_password") && t.has("proxy") {
		given, missing := "proxy_user", "proxy_password"
		if t.has(missing) {
			given, missing = missing, given
		}
		t.faultAt(given, given+" is given without "+missing, "")
	}
}

// checkJumps finds jumps through what does not exist, in a circle, or with ways of their own in the middle of a way.
func (l *loading) checkJumps() {
	for i := range l.cfg.Destinations {
		d, t := &l.cfg.Destinations[i], l.destinations[i]
		for n, name := range d.Jump {
			hop, known := l.cfg.Destination(name)
			switch {
			case name == d.Name:
				t.faultAt("jump", "jump leads through the destination itself", "name another one: the server in front of it")
			case !known:
				if !t.has("jump") { // it comes from elsewhere
					t.faultAt("ssh_config", "ssh_config: ProxyJump names "+show(name)+", which is no destination",
						fmt.Sprintf("add a [[destination]] with name = %q and ssh_config = %q, or write jump = [\"NAME\"] here", plainName(name), name))
					continue
				}
				t.faultAt("jump", "jump names "+show(name)+", which is no destination",
					cmp.Or(didYouMean(name, l.destinationNames()), "a server in front of another is a [[destination]] too, with host, user and key"))
			case n > 0 && (len(hop.Jump) > 0 || hop.Proxy.IsSet() || hop.BindAddress != ""):
				t.faultAt("jump", "jump goes from "+show(d.Jump[n-1])+" to "+show(name)+", which has a way of its own",
					"only the first of a list may have jump, proxy or bind_address: write jump = ["+show(name)+"], or take them from "+show(name))
			}
		}
		if circle := l.circle(d); circle != "" {
			t.faultAt("jump", "jump leads in a circle: "+circle, "one of them has to be reached directly")
		}
	}
}

// plainName returns what a jump host of OpenSSH's configuration, [user@]host[:port], could be called here.
func plainName(jump string) string {
	_, host, named := strings.Cut(jump, "@")
	if !named {
		host = jump
	}
	name, _, _ := strings.Cut(host, ":")
	return name
}

// circle follows the ways from a destination outwards, and returns the one that leads back to it; "" where none does.
func (l *loading) circle(d *Destination) string {
	words := []string{d.Name}
	for at := d; len(at.Jump) > 0 && at.Jump[0] != at.Name && len(words) <= len(l.cfg.Destinations); {
		next, known := l.cfg.Destination(at.Jump[0])
		if !known {
			return ""
		}
		words = append(words, next.Name)
		if next.Name == d.Name {
			return strings.Join(words, " -> ")
		}
		at = next
	}
	return ""
}

func (l *loading) destinationNames() []string {
	var names []string
	for i := range l.cfg.Destinations {
		names = append(names, l.cfg.Destinations[i].Name)
	}
	return names
}

// Way returns the destinations that the connection to d goes through, the nearest first. Names that do not exist, and
// circles, are faults of the file.
func (c *Config) Way(d *Destination) []*Destination {
	var way []*Destination
	for n, name := range d.Jump {
		hop, known := c.Destination(name)
		if !known || len(way) > len(c.Destinations) {
			continue
		}
		if n == 0 {
			way = append(way, c.Way(hop)...)
		}
		way = append(way, hop)
	}
	return way
}

// OnlyJump tells whether d is there for others to be reached through, and nothing is delivered to it.
func (c *Config) OnlyJump(d *Destination) bool {
	for i := range c.Folders {
		for _, to := range c.Folders[i].To {
			if to.Destination == d.Name {
				return false
			}
		}
	}
	for i := range c.Destinations {
		if slices.Contains(c.Destinations[i].Jump, d.Name) {
			return true
		}
	}
	return false
}
