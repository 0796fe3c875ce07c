package config

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Destination is an SFTP server and an account there.
type Destination struct {
	Name          string
	Host          string // a name or an address; no port, no brackets
	Port          int
	User          string
	KeyFile       string // absolute; "" without
	KeyPassphrase Secret
	Password      Secret
	HostKey       []string // fingerprints "SHA256:..." of which the server's key must have one; empty without
	KnownHosts    string   // absolute; "" without
	Root          string   // remote directory that relative templates are below; "" is the login directory
	Publish       string   // "rename", or "direct": files are written at their final names, where a server refuses renames
	TempDir       string   // remote directory for temps; "" is each final name's own
	AuthRetry     string   // on, or off: a refused login is not tried again by itself
	Channels      int      // of SFTP on a connection at most, for uploads over a long line
	Connections   int      // at most, each with so many channels
	Profile       string   // kind of server; "auto" is what it shows itself to be
	Requests      int      // under way at once, at most; 0 is what the profile and the server say
	OpenFiles     int      // likewise
	Transfers     int      // files under way at once, of all folders; 0 is any number
	Bandwidth     int64    // bytes of content in a second, to and from it; 0 is no limit of its own

	SshAgent         string   // socket or pipe of the agent that signs, or EnvironmentAgent; "" without
	Certificate      string   // absolute; "" is KEY_FILE-cert.pub, where it is there
	Answers          []Answer // to prompts of keyboard-interactive
	LegacyAlgorithms []string // that are used although they are weak

	Jump          []string // names of the destinations that the connection goes through; see Config.Way
	Proxy         Proxy    // that the first connection goes through
	ProxyUser     string   // "" where it asks for none
	ProxyPassword Secret
	BindAddress   string // address of this machine that the first connection comes from; "" lets the system choose

	ConnectTimeout time.Duration // from dialling to an SFTP session
	Keepalive      time.Duration // silence after which a keepalive is sent; less than StallTimeout
	StallTimeout   time.Duration // silence after which the connection is dead
	Schedule       Schedule      // when it is used
	BandwidthTimes Timetable     // when another rate holds than Bandwidth

	MaxSessionAge time.Duration // after which a connection is replaced by a fresh one; 0 is never

	Was *string // the earlier name; nil without, "" says that it is a new one

	SshConfig     string // a host of OpenSSH's configuration, whose settings fill the fields that the file leaves out
	SshConfigFile string // absolute; "" is the account's own, and behind it the system's
	HostKeyAlias  string // under which known_hosts files have the server's key; "" is host and port

	Line int // of the table in the file, from 1

	ignored []string // settings of SshConfig that nothing here is made of
}

// RemotePath returns where t puts a file at the destination.
func (d *Destination) RemotePath(t Template, v Values) string { return JoinRemote(d.Root, t.Expand(v)) }

// TempPath returns the remote directory for temps; "" where each stands beside its final name.
func (d *Destination) TempPath() string {
	if d.TempDir == "" {
		return ""
	}
	return JoinRemote(d.Root, d.TempDir)
}

// The defaults of [[destination]].
const (
	defaultPort           = 22
	defaultChannels       = 8
	mostChannels          = 64
	mostConnections       = 16
	mostAtOnce            = 1024
	leastSessionAge       = time.Minute
	defaultConnectTimeout = 20 * time.Second
	defaultKeepalive      = 10 * time.Second
	defaultStallTimeout   = 30 * time.Second
)

// Profiles are the kinds of servers that profile may name.
var Profiles = []string{
	"auto", "openssh", "aws-transfer", "azure-blob", "proftpd", "sftpgo", "bitvise", "crushftp", "goanywhere", "dropbear", "strict-mft",
}

func (t table) destination() Destination {
	t.unknown()
	t, ignored := t.withSSHConfig()
	d := Destination{
		Port:           t.integer("port", defaultPort, 1, 65535),
		KeyPassphrase:  t.secret("key_passphrase"),
		Password:       t.secret("password"),
		HostKey:        t.hostKeys(),
		Root:           t.remoteDir("root"),
		Publish:        t.choice("publish", "rename", words{keys: []string{"rename", "direct"}}),
		TempDir:        t.remoteDir("temp_dir"),
		AuthRetry:      t.choice("auth_retry", "on", words{keys: []string{"on", "off"}}),
		Channels:       t.integer("channels", defaultChannels, 1, mostChannels),
		Connections:    t.integer("connections", 1, 1, mostConnections),
		Profile:        t.choice("profile", "auto", words{keys: Profiles}),
		Requests:       t.integer("requests", 0, 1, mostAtOnce),
		OpenFiles:      t.integer("open_files", 0, 1, mostAtOnce),
		Transfers:      t.integer("transfers", 0, 1, mostAtOnce),
		Bandwidth:      t.bandwidth(),
		ConnectTimeout: t.duration("connect_timeout", defaultConnectTimeout),
		Keepalive:      t.duration("keepalive", defaultKeepalive),
		StallTimeout:   t.duration("stall_timeout", defaultStallTimeout),
		MaxSessionAge:  t.duration("max_session_age", 0),
		Was:            t.was(),
		Line:           t.line(),
		ignored:        ignored,
	}
	d.SshConfig, _ = t.text("ssh_config")
	d.SshConfigFile, _ = t.local("ssh_config_file")
	d.HostKeyAlias, _ = t.text("host_key_alias")
	if name, given := t.required("name", `"acme"`); given {
		t.checkName(name)
		d.Name = name
	}
	if host, given := t.required("host", `"sftp.example.com"`); given {
		t.checkHost(host)
		d.Host = host
	}
	d.User, _ = t.required("user", `"contoso"`)
	t.unless("ssh_config", "host", "user")
	d.KeyFile, _ = t.local("key_file")
	d.KnownHosts, _ = t.local("known_hosts")
	t.waysIn(&d)
	t.proofs(&d)
	d.LegacyAlgorithms = t.legacyAlgorithms()

	if t.has("host_key") && t.has("known_hosts") {
		t.faultAt("known_hosts", "known_hosts is given together with host_key", "keep one of them")
	}
	if d.Publish == "direct" && d.TempDir != "" {
		t.faultAt("temp_dir", `temp_dir is given together with publish = "direct", which uses no temps`, "keep one of them")
	}
	if d.Connections > 1 && len(d.Answers) > 0 {
		t.faultAt("connections", "connections = "+strconv.Itoa(d.Connections)+" is given together with answers, of which a code counts for one login",
			"leave connections out")
	}
	if age := d.MaxSessionAge; age > 0 && age < leastSessionAge {
		t.faultAt("max_session_age", "max_session_age = "+show(short(age))+" is less than 1m, so that it would be dialled all the time", "")
	}
	if d.Keepalive >= d.StallTimeout {
		key := "keepalive"
		if !t.has(key) {
			key = "stall_timeout"
		}
		t.faultAt(key, "keepalive = "+show(short(d.Keepalive))+" is not less than stall_timeout = "+show(short(d.StallTimeout))+
			", so that a quiet connection would be taken for dead", "")
	}
	return d
}

// short writes d as a file would: "1h", not "1h0m0s".
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// checkHost finds hosts with more in them than a host. It shows none of a user's part, which may hold a password.
func (t table) checkHost(host string) {
	const key = "host"
	switch {
	case strings.Contains(host, "://"):
		t.faultAt(key, "host is a URL, not a name or an address", urlHint(host))
	case strings.Contains(host, "@"):
		t.faultAt(key, "host holds a user", urlHint("sftp://"+host))
	case isAddress(host):
	case isAddress(strings.Trim(host, "[]")):
		t.faultAt(key, "host = "+show(host)+" has brackets", key+" = "+show(strings.Trim(host, "[]")))
	case strings.Contains(host, ":"):
		t.faultAt(key, "host = "+show(host)+" holds a port", urlHint("sftp://"+host))
	case strings.ContainsAny(host, " /\\[]?#%\"'"):
		t.faultAt(key, "host = "+show(host)+" is neither a name nor an address", "")
	}
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// urlHint writes the parts of a URL as the keys that hold them.
func urlHint(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" {
		return ""
	}
	parts := []string{"host = " + show(u.Hostname())}
	if port, err := strconv.Atoi(u.Port()); err == nil && port != defaultPort {
		parts = append(parts, "port = "+u.Port())
	}
	if name := u.User.Username(); name != "" {
		parts = append(parts, "user = "+show(name))
	}
	if strings.Trim(u.Path, "/") != "" {
		parts = append(parts, "root = "+show(u.Path))
	}
	return strings.Join(parts, ", ")
}

func (t table) hostKeys() []string {
	const key = "host_key"
	elements, given := t.list(key)
	if list, ok := t.values[key].([]any); given && ok && len(list) == 0 {
		t.faultAt(key, key+" is empty, so that no server would do", "leave it out to use known_hosts or `dropferry trust`")
	}
	var keys []string
	for _, e := range elements {
		print, why, ok := HostKeyPrint(e.text)
		switch said := key + " holds " + show(e.text); {
		case ok:
			e.text = print
		case e.text == "": // which is said already
		case why != "":
			t.faultOn(e.at, key, said+", which is not SHA256: and 43 letters of base64", "it is "+why)
		default:
			t.faultOn(e.at, key, said+", which is not SHA256: and 43 letters of base64", "paste it from `ssh-keygen -lf KEY.pub`")
		}
		keys = append(keys, e.text)
	}
	return keys
}

// remoteDir returns a directory at the server, as it is written; "" is as good as none.
func (t table) remoteDir(key string) string {
	t.takes(key, Shape{Type: Text, MayBeEmpty: true})
	if t.values[key] == "" {
		return ""
	}
	dir, given := t.text(key)
	said := key + " = " + show(dir)
	switch {
	case !given:
	case strings.ContainsAny(dir, "{}"):
		t.faultAt(key, said+" holds braces", "placeholders stand in a folder's `to`")
	case strings.HasPrefix(dir, "~") && dir != "~" && !strings.HasPrefix(dir, "~/"):
		t.faultAt(key, said+" names another account's directory", "write the whole path")
	case hasDotDot(dir):
		t.faultAt(key, said+` holds ".."`, "write the whole path")
	case hasDrive(dir):
		t.faultAt(key, said+" begins with a drive, and not with /", key+" = "+show(withDrive(dir)))
	case strings.Contains(dir, `\`):
		t.faultAt(key, said+" holds a backslash", "SFTP paths have / on every server")
	}
	return dir
}

// hasDrive tells whether a path begins as one of Windows does, in which SFTP would see a directory "C:".
func hasDrive(p string) bool {
	return len(p) >= 2 && p[1] == ':' && (p[0]|0x20 >= 'a' && p[0]|0x20 <= 'z') && (len(p) == 2 || p[2] == '/' || p[2] == '\\')
}

// withDrive writes a path with a drive as SFTP servers on Windows have it.
func withDrive(p string) string { return "/" + strings.ReplaceAll(p, `\`, "/") }

func hasDotDot(slashed string) bool {
	for element := range strings.SplitSeq(slashed, "/") {
		if element == ".." {
			return true
		}
	}
	return false
}
