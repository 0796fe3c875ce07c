package config

import (
	"crypto/x509"
	"fmt"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Notify is somebody who is told of what goes wrong.
type Notify struct {
	Name     string // of its own; TYPE#N, which no name can be, for the N-th of the file where it gives none
	Type     string // webhook, smtp or command
	On       []string
	Repeat   time.Duration // after which a trouble that goes on is told again; 0 is never
	Interval time.Duration // between two messages, at least
	Timeout  time.Duration // of one attempt

	URL        Secret // of a webhook
	SigningKey Secret
	Format     string // json, slack or teams

	Host     string // of a mail server
	Port     int
	Security string // starttls, tls or none
	User     string // "" does not log in
	Password Secret
	From     string
	To       []string

	CAFile string // absolute; certificates of authorities that count besides the system's; "" without

	Command []string // the program, and its arguments

	Line int // of the table in the file, from 1
}

// Ways to tell somebody.
const (
	NotifyWebhook = "webhook"
	NotifySMTP    = "smtp"
	NotifyCommand = "command"
)

// The defaults of [[notify]].
const (
	defaultRepeat        = 24 * time.Hour
	defaultInterval      = 30 * time.Second
	defaultNotifyTimeout = 30 * time.Second
)

// NotifyEvents returns what somebody can be told of.
func NotifyEvents() []string {
	return []string{"delivered", "parked", "held", "blocked", "host_key_changed", "halted", "stalled", "missing", "expiring", "recovered"}
}

// notifyKeys are the keys that all ways have, and notifyKeysOf those of one.
func notifyKeys() []string { return []string{"name", "type", "on", "repeat", "interval", "timeout"} }

func notifyKeysOf(way string) []string {
	switch way {
	case NotifyWebhook:
		return []string{"url", "signing_key", "format", "ca_file"}
	case NotifySMTP:
		return []string{"host", "port", "security", "user", "password", "from", "to", "ca_file"}
	case NotifyCommand:
		return []string{"command"}
	}
	return nil
}

func notifyWays() []string { return []string{NotifyWebhook, NotifySMTP, NotifyCommand} }

// notify reads the n-th [[notify]], from 1.
func (t table) notify(n int) Notify {
	t.unknown()
	o := Notify{
		Line:     t.line(),
		On:       t.events(),
		Repeat:   t.durationOr("repeat", defaultRepeat, "never", 0),
		Interval: t.duration("interval", defaultInterval),
		Timeout:  t.duration("timeout", defaultNotifyTimeout),
	}
	if !t.has("type") {
		t.faultAt("type", "type is missing", `type = "webhook", "smtp" or "command"`)
	}
	o.Type = t.choice("type", "", words{keys: notifyWays()})
	t.needs("type")
	o.Name = fmt.Sprintf("%s#%d", o.Type, n)
	if name, given := t.text("name"); given {
		t.checkName(name)
		o.Name = name
	}
	t.ofOtherWays(o.Type)
	switch o.Type {
	case NotifyWebhook:
		o.URL, o.SigningKey = t.secret("url"), t.secret("signing_key")
		t.needs("url")
		if !t.has("url") {
			t.faultAt("url", "url is missing", `url = { file = "FILE" }: whoever knows it can post there`)
		}
		o.Format = t.choice("format", "json", words{keys: []string{"json", "slack", "teams"}})
	case NotifySMTP:
		t.mail(&o)
	case NotifyCommand:
		if !t.has("command") {
			t.faultAt("command", "command is missing", `command = ["/usr/local/bin/alert"]`)
		}
		o.Command = t.arguments("command")
		t.needs("command")
	}
	o.CAFile, _ = t.local("ca_file")
	return o
}

// ofOtherWays finds keys that the type has no use for.
func (t table) ofOtherWays(way string) {
	if way == "" {
		return
	}
	own := append(notifyKeys(), notifyKeysOf(way)...)
	for _, key := range vocabulary(kindNotify).keys {
		if t.has(key) && !slices.Contains(own, key) {
			var ways []string
			for _, w := range notifyWays() {
				if slices.Contains(notifyKeysOf(w), key) {
					ways = append(ways, "type = "+show(w))
				}
			}
			t.faultAt(key, key+" is given, and type = "+show(way)+" has no use for it", strings.Join(ways, " or "))
		}
	}
}

func (t table) mail(o *Notify) {
	if host, given := t.required("host", `"mail.example.net"`); given {
		t.checkHost(host)
		o.Host = host
	}
	o.Security = t.choice("security", "starttls", words{keys: []string{"starttls", "tls", "none"}})
	ports := map[string]int{"starttls": 587, "tls": 465, "none": 25}
	o.Port = t.integer("port", ports[o.Security], 1, 65535)
	o.User, _ = t.text("user")
	o.Password = t.secret("password")
	switch {
	case t.has("user") && !t.has("password"):
		t.faultAt("user", "user is given without password", `password = { file = "FILE" }`)
	case t.has("password") && !t.has("user"):
		t.faultAt("password", "password is given without user", `user = "NAME"`)
	}
	if t.has("user") && o.Security == "none" {
		t.faultAt("security", `security = "none" would send the password in the clear`, `security = "starttls", or leave user and password out`)
	}
	if from, given := t.required("from", `"dropferry@example.net"`); given {
		t.checkMailbox(t.at.key("from"), "from", from)
		o.From = from
	}
	elements, given := t.list("to")
	t.needs("to")
	if !t.has("to") || given && len(elements) == 0 {
		t.faultAt("to", "to is missing", `to = ["ops@example.net"]`)
	}
	for _, e := range elements {
		if e.text != "" {
			t.checkMailbox(e.at, "to", e.text)
			o.To = append(o.To, e.text)
		}
	}
}

// checkMailbox takes an address alone: a name in front of it would have to be taken apart by everybody.
func (t table) checkMailbox(at place, key, text string) {
	a, err := mail.ParseAddress(text)
	switch {
	case err != nil:
		t.faultOn(at, key, key+" "+show(text)+" is not an address", key+" = "+show("ops@example.net"))
	case a.Address != text:
		t.faultOn(at, key, key+" "+show(text)+" is more than an address", show(a.Address))
	}
}

// events returns what a receiver is told of: all that a person has to look at by default.
func (t table) events() []string {
	const key = "on"
	t.takes(key, Shape{Type: TextList, Words: NotifyEvents()})
	known := NotifyEvents()
	if !t.has(key) {
		return slices.DeleteFunc(known, func(e string) bool { return e == "delivered" })
	}
	elements, given := t.list(key)
	if given && len(elements) == 0 {
		t.faultAt(key, key+" is empty, so that nobody is told of anything", "leave it out")
	}
	var on []string
	for _, e := range elements {
		switch {
		case e.text == "":
		case !slices.Contains(known, e.text):
			t.faultOn(e.at, key, key+" holds "+show(e.text)+", which is not one of "+strings.Join(known, ", "), didYouMean(e.text, known))
		case !slices.Contains(on, e.text):
			on = append(on, e.text)
		}
	}
	if slices.Equal(on, []string{"recovered"}) {
		t.faultAt(key, `on holds "recovered" alone, which tells the end of what was told`, "name what else is to be told")
	}
	return on
}

// arguments returns a program with its arguments. A path of it is relative to the file; a mere name is looked for in $PATH.
func (t table) arguments(key string) []string {
	elements, given := t.list(key)
	if !given {
		if _, isText := t.values[key].(string); isText && len(t.faults) > 0 { // list has said that it wants a list
			t.faults[len(t.faults)-1].Hint = `each argument by itself, since there is no shell: ["PROGRAM", "ARGUMENT"]`
		}
		return nil
	}
	if len(elements) == 0 {
		t.faultAt(key, key+" is empty", key+` = ["/usr/local/bin/alert"]`)
		return nil
	}
	var args []string
	for _, e := range elements {
		args = append(args, e.text)
	}
	if program := args[0]; strings.ContainsAny(filepath.ToSlash(program), "/") {
		full, err := absolute(t.dir, program)
		if err != nil {
			t.faultOn(elements[0].at, key, key+" "+show(program)+": "+err.Error(), "")
			return nil
		}
		args[0] = full
	}
	return args
}

// checkNotify compares one [[notify]] with the disk.
func (c *Config) checkNotify(i int) Faults {
	o := &c.Notify[i]
	var faults Faults
	check := c.pathChecker(&faults, place("").key("notify").index(i), o.Line, fmt.Sprintf("notify %q", o.Name), "notify")
	check("url", o.URL.File, checkSecretFile)
	check("signing_key", o.SigningKey.File, checkSecretFile)
	check("password", o.Password.File, checkSecretFile)
	check("ca_file", o.CAFile, checkAuthorities)
	if len(o.Command) > 0 {
		check("command", o.Command[0], checkProgram)
	}
	return faults
}

func checkAuthorities(name string) error {
	if err := checkRegular(name); err != nil {
		return err
	}
	text, err := os.ReadFile(name)
	if err == nil && !x509.NewCertPool().AppendCertsFromPEM(text) {
		return &hinted{name + " holds no certificate", "it is to hold blocks of -----BEGIN CERTIFICATE-----"}
	}
	return err
}

func checkProgram(name string) error {
	_, err := exec.LookPath(name)
	return err
}
