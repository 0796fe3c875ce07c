package config

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Control is where people and monitoring look at a running agent.
type Control struct {
	Listen  string   // host:port; "" nowhere
	Metrics bool     // /metrics is there
	Hosts   []string // names that a proxy in front of it is known by
}

// DefaultListen is where a running agent answers over HTTP unless the file says otherwise.
const DefaultListen = "127.0.0.1:8622"

func (t table) control() Control {
	const key = "listen"
	t.unknown()
	t.takes(key, Shape{Type: Text, MayBeEmpty: true, Default: quoted(DefaultListen)})
	c := Control{Listen: DefaultListen, Metrics: t.flag("metrics", true)}
	elements, _ := t.list("hosts")
	for _, e := range elements {
		if strings.ContainsAny(e.text, ":/ *") {
			t.faultOn(e.at, "hosts", "hosts holds "+show(e.text)+", which is not the name of a host", `hosts = ["erp.example.net"]`)
		}
		c.Hosts = append(c.Hosts, e.text)
	}
	if s, isText := t.values[key].(string); isText && s == "" {
		c.Listen = ""
		return c
	}
	text, given := t.text(key)
	if !given {
		return c
	}
	host, port, err := net.SplitHostPort(text)
	n, portErr := strconv.Atoi(port)
	switch {
	case err != nil || portErr != nil || n < 0 || n > 65535:
		t.faultAt(key, key+" = "+show(text)+" is not an address and a port", key+" = "+show(DefaultListen))
	case host == "":
		t.faultAt(key, key+" = "+show(text)+" has no address, and would be every one of this machine", key+" = "+show("127.0.0.1:"+port)+`, or "0.0.0.0:`+port+`" if it is meant`)
	case !isAddress(host) && !strings.EqualFold(host, "localhost"):
		t.faultAt(key, key+" = "+show(text)+" has a name where an address must be", key+" = "+show("127.0.0.1:"+port))
	default:
		c.Listen = text
	}
	return c
}

// checkControl warns of an address that others reach: what is said there is not encrypted.
func (c *Config) checkControl() Faults {
	host, _, err := net.SplitHostPort(c.Control.Listen)
	if err != nil {
		return nil // nowhere
	}
	if a, err := netip.ParseAddr(host); err != nil || a.IsLoopback() {
		return nil
	}
	return Faults{{
		Line: c.line(place("").key("control").key("listen"), 0), Key: "control.listen", Warning: true,
		Text: fmt.Sprintf("control: listen = %s lets other machines in, and the token passes unencrypted", show(c.Control.Listen)),
		Hint: "listen on 127.0.0.1, and put a proxy with TLS or an SSH tunnel in front",
	}}
}
