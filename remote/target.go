// Package remote knows one SFTP server: how to reach it, prove who it is and who we are, what it can do, and how a file
// gets there so that nobody sees part of it. A Session is one live SSH connection with its SFTP channel.
//
// Nothing here retries and nothing decides what is sent: a failure comes back as an *Error whose Kind says what it
// means. Nothing here can hang: every request has a deadline, a silent connection is found by its silence, and both end
// by closing the network connection, which frees every call that waits on it.
package remote

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/skeema/knownhosts"
)

// Target is a server and an account on it.
type Target struct {
	Name string // of the destination, for messages
	Host string
	Port int
	User string

	KeyFile    string                 // private key in OpenSSH or PEM form; "" where none is used
	Passphrase func() (string, error) // of the key; nil where it has none
	Password   func() (string, error) // nil where none is used

	Certificate string   // of the key, as ssh-keygen -s writes it; "" takes KEY-cert.pub where that is beside the key
	Agent       string   // socket or pipe of the agent that signs; EnvironmentAgent; "" without. KeyFile, or its .pub, then says which key
	Answers     []Answer // to prompts of keyboard-interactive

	PinnedKeys   []string         // SHA256:... fingerprints that are accepted, and no other
	KnownHosts   []string         // known_hosts files, where no key is pinned; missing files are passed over
	HostKeyAlias string           // the name under which KnownHosts have the server, without a port; "" is Addr
	Announced    func(keys []Key) // hears, in a goroutine of the session, which host keys the server has: trusted ones, and others that it proves to have; may be nil
	KeptByHand   bool             // KnownHosts are the configuration's: no command writes them

	Jump  []Target // accounts on the servers that the connection goes through, the nearest first; their own Jump is not looked at
	Gate  *Gate    // of a jump host that several destinations share; nil is none
	Proxy *Proxy   // that the first connection goes through; nil is none. With Jump, that of the first of them counts

	Bind   netip.Addr                                                            // that connections to the network come from; the zero value lets the system choose. With Jump, that of the first
	lookUp func(ctx context.Context, network, host string) ([]netip.Addr, error) // nil is the system's; see net.Resolver

	Legacy []string // weak algorithms that are used where the server has nothing better: see WeakAlgorithms

	Channels int // SFTP channels on the connection at most, for uploads over a long line; DefaultChannels where it is 0

	// Connections is how many connections there are at most, each with so many channels, for uploads over a long line; 1 where it
	// is 0. With Answers there is one.
	Connections int

	Profile   string // what kind of server it is taken for: a name of Profiles; "" is AutoProfile
	Requests  int    // under way at once, at most, whatever the profile says; 0 leaves it to that
	OpenFiles int    // at once, likewise

	Root string // directory that every relative path is under; "" is the login directory

	ConnectTimeout time.Duration // from dialling to SFTP ready; 20 s where it is 0
	Keepalive      time.Duration // silence after which a keepalive is sent, at most half of StallTimeout; 10 s where it is 0
	StallTimeout   time.Duration // silence after which the connection or a request is given up; 30 s where it is 0

	Pacer Pacer // bounds the rate of what is sent and read back; nil bounds nothing
}

// withDefaults returns the target with all times and bounds set: without them nothing would be bounded.
func (t Target) withDefaults() Target {
	t.ConnectTimeout = cmp.Or(t.ConnectTimeout, 20*time.Second)
	t.Keepalive = cmp.Or(t.Keepalive, 10*time.Second)
	t.StallTimeout = cmp.Or(t.StallTimeout, 30*time.Second)
	t.Channels = cmp.Or(t.Channels, DefaultChannels)
	return t
}

// Addr returns host:port. An IPv6 address may stand in brackets or without.
func (t *Target) Addr() string {
	host := t.Host
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
	}
	return net.JoinHostPort(host, strconv.Itoa(t.Port))
}

// knownAddr is the address, host:port, under which the server's keys are known.
func (t *Target) knownAddr() string {
	if t.HostKeyAlias != "" {
		return net.JoinHostPort(t.HostKeyAlias, "22") // which is written without a port
	}
	return t.Addr()
}

// KnownAs returns how a known_hosts file names the server: host, or [host]:port.
func (t *Target) KnownAs() string { return knownhosts.Normalize(t.knownAddr()) }

// KnownLine returns the line of a known_hosts file that trusts k.
func (t *Target) KnownLine(k Key) string { return k.Line(t.knownAddr()) }

// Path returns the remote path of p, which is relative to the root unless it begins with "/". Nothing but leading
// "./" is cleaned: names go to the server as they are.
func (t *Target) Path(p string) string {
	root := strings.TrimPrefix(strings.TrimPrefix(t.Root, "~/"), "./")
	switch {
	case strings.HasPrefix(p, "/") || root == "" || root == "." || root == "~":
		return p
	case p == "":
		return root
	}
	return strings.TrimSuffix(root, "/") + "/" + p
}

// dirOf returns the directory of a remote path, "." for a name in the login directory.
func dirOf(p string) string { return path.Dir(p) }
