package config

import (
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestNotify(t *testing.T) {
	c := parse(t, least+`
[[notify]]
type = "webhook"
url = { env = "HOOK" }

[[notify]]
name = "mail"
type = "smtp"
on = ["parked", "recovered", "parked"]
repeat = "never"
interval = "5m"
timeout = "10s"
host = "mail.example.net"
security = "tls"
user = "erp"
password = { credential = "mail" }
from = "a@example.net"
to = ["b@example.net", "c@example.net"]
ca_file = "/k/ca.pem"

[[notify]]
type = "command"
command = ["bin/page", "-x"]
`)
	usual := []string{"parked", "held", "blocked", "host_key_changed", "halted", "stalled", "missing", "expiring", "recovered"}
	dir := filepath.Dir(c.File)
	want := []Notify{
		{
			Name: "webhook#1", Type: "webhook", On: usual, Repeat: 24 * time.Hour, Interval: 30 * time.Second, Timeout: 30 * time.Second,
			URL: Secret{Env: "HOOK"}, Format: "json", Line: 13,
		},
		{
			Name: "mail", Type: "smtp", On: []string{"parked", "recovered"}, Interval: 5 * time.Minute, Timeout: 10 * time.Second,
			Host: "mail.example.net", Port: 465, Security: "tls", User: "erp", Password: Secret{Credential: "mail"}, From: "a@example.net",
			To: []string{"b@example.net", "c@example.net"}, CAFile: at(t, "/k/ca.pem"), Line: 17,
		},
		{
			Name: "command#3", Type: "command", On: usual, Repeat: 24 * time.Hour, Interval: 30 * time.Second, Timeout: 30 * time.Second,
			Command: []string{filepath.Join(dir, "bin", "page"), "-x"}, Line: 32,
		},
	}
	if !reflect.DeepEqual(c.Notify, want) {
		t.Errorf("got\n%+v\nwant\n%+v", c.Notify, want)
	}
}

func TestFaultsOfNotify(t *testing.T) {
	events := "delivered, parked, held, blocked, host_key_changed, halted, stalled, missing, expiring, recovered"
	checkBadFiles(t, []badFile{
		{"nothing", least + "[[notify]]", []string{
			`12: notify 1: type is missing: type = "webhook", "smtp" or "command"`,
		}},
		{"another way", least + "[[notify]]\ntype = \"mail\"", []string{
			`13: notify 1: type = "mail" is not one of webhook, smtp, command`,
		}},
		{"a URL in the file", least + "[[notify]]\ntype = \"webhook\"\nurl = \"https://hooks.example/secret\"", []string{
			`14: notify 1: url is plain text, and secrets do not stand in the file: url = { env = "NAME" }, { file = "FILE" } or { credential = "NAME" }`,
		}},
		{"keys of another way", least + "[[notify]]\nname = \"x\"\ntype = \"webhook\"\nurl = { env = \"X\" }\nhost = \"m\"\ncommand = [\"x\"]", []string{
			`16: notify "x": host is given, and type = "webhook" has no use for it: type = "smtp"`,
			`17: notify "x": command is given, and type = "webhook" has no use for it: type = "command"`,
		}},
		{"events", least + "[[notify]]\ntype = \"command\"\ncommand = [\"x\"]\non = [\"park\", \"recovered\"]", []string{
			`15: notify 1: on holds "park", which is not one of ` + events + `: did you mean "parked"?`,
			`15: notify 1: on holds "recovered" alone, which tells the end of what was told: name what else is to be told`,
		}},
		{"no events", least + "[[notify]]\ntype = \"command\"\ncommand = [\"x\"]\non = []", []string{
			`15: notify 1: on is empty, so that nobody is told of anything: leave it out`,
		}},
		{"mail", least + "[[notify]]\ntype = \"smtp\"\nhost = \"smtp://m\"\nsecurity = \"none\"\nuser = \"u\"\nfrom = \"A <a@b.example>\"\nto = [\"nobody\"]", []string{
			`14: notify 1: host is a URL, not a name or an address: host = "m"`,
			`15: notify 1: security = "none" would send the password in the clear: security = "starttls", or leave user and password out`,
			`16: notify 1: user is given without password: password = { file = "FILE" }`,
			`17: notify 1: from "A <a@b.example>" is more than an address: "a@b.example"`,
			`18: notify 1: to "nobody" is not an address: to = "ops@example.net"`,
		}},
		{"a shell's line", least + "[[notify]]\ntype = \"command\"\ncommand = \"page --team erp\"", []string{
			`14: notify 1: command is text, not a list: each argument by itself, since there is no shell: ["PROGRAM", "ARGUMENT"]`,
		}},
		{"a name twice", least + "[[notify]]\nname = \"x\"\ntype = \"command\"\ncommand = [\"x\"]\n[[notify]]\nname = \"x\"\ntype = \"command\"\ncommand = [\"x\"]", []string{
			`17: notify "x": the name is taken (line 13)`,
		}},
		{"hooks", least + "expect = \"at six\"\nhooks = { on_delivred = [\"x\"], timeout = 5 }\n", []string{
			`12: folder "invoices": expect = "at six": "six" is no time of day: expect = "daily 18:00" or "Mon-Fri 18:00"`,
			`13: folder "invoices": hooks names no program: hooks = { on_delivered = ["/usr/local/bin/sent"] }`,
			`13: folder "invoices": hooks: timeout is a whole number, not a duration: timeout = "5s"`,
			`13: folder "invoices": hooks: unknown key "on_delivred": did you mean "on_delivered"?`,
		}},
		{"listen", least + "[control]\nlisten = \":8622\"\nmetrics = \"yes\"", []string{
			`13: control: listen = ":8622" has no address, and would be every one of this machine: listen = "127.0.0.1:8622", or "0.0.0.0:8622" if it is meant`,
			`14: control: metrics is text, not true or false`,
		}},
		{"hosts", least + "[control]\nhosts = [\"https://erp.example\"]", []string{
			`13: control: hosts holds "https://erp.example", which is not the name of a host: hosts = ["erp.example.net"]`,
		}},
		{"listen nowhere near", least + "[control]\nlisten = \"8622\"", []string{
			`13: control: listen = "8622" is not an address and a port: listen = "127.0.0.1:8622"`,
		}},
		{"listen by name", least + "[control]\nlisten = \"erp.example:80\"", []string{
			`13: control: listen = "erp.example:80" has a name where an address must be: listen = "127.0.0.1:80"`,
		}},
	})
}

func TestListen(t *testing.T) {
	for text, want := range map[string]string{
		"": DefaultListen, "[control]\nlisten = \"\"": "", "[control]\nlisten = \"[::1]:0\"": "[::1]:0", "[control]\nlisten = \"localhost:1\"": "localhost:1",
		"[control]\nlisten = \"0.0.0.0:99\"": "0.0.0.0:99",
	} {
		c := parse(t, least+text)
		if c.Control.Listen != want {
			t.Errorf("%s: %q", text, c.Control.Listen)
		}
		if faults := c.checkControl(); (len(faults) > 0) != strings.Contains(want, "0.0.0.0") {
			t.Errorf("%s: %v", text, faults)
		}
	}
}

// What the disk lacks is told before anybody waits for an alert.
func TestCheckOfNotifyAndHooks(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes are kept elsewhere there")
	}
	dir := t.TempDir()
	loose := filepath.Join(dir, "hook")
	for name, mode := range map[string]os.FileMode{"hook": 0o644, "ca.pem": 0o644, "plain": 0o644} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), mode); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Parse(filepath.Join(dir, "agent.toml"), []byte(`version = 1
[[destination]]
name = "acme"
host = "h.example"
user = "u"
password = { env = "P" }
[[folder]]
name = "in"
path = "."
to = ["acme"]
hooks = { on_delivered = ["./none"], on_failed = ["./plain"] }
[[notify]]
type = "webhook"
url = { file = "hook" }
ca_file = "ca.pem"
[[notify]]
type = "command"
command = ["./none"]
`))
	if err != nil {
		t.Fatal(err)
	}
	all := c.CheckPaths().Error()
	for _, want := range []string{
		`agent.toml:11: folder "in": hooks: on_delivered: `, `agent.toml:11: folder "in": hooks: on_failed: `,
		`agent.toml:14: notify "webhook#1": url: ` + loose + `: mode 0644 lets others than its owner in: chmod 600`,
		`agent.toml:15: notify "webhook#1": ca_file: ` + filepath.Join(dir, "ca.pem") + ` holds no certificate`,
		`agent.toml:18: notify "command#2": command: `,
	} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is missing in\n%s", want, all)
		}
	}
}

func TestExpect(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	day := func(text string) time.Time {
		at, err := time.ParseInLocation("2006-01-02 15:04", text, berlin)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, c := range []struct{ expect, now, last, before string }{
		{"daily 18:00", "2026-11-29 18:00", "2026-11-29 18:00", "2026-11-28 18:00"},
		{"daily 18:00", "2026-11-29 17:59", "2026-11-28 18:00", "2026-11-27 18:00"},
		{"Mon-Fri 7:30", "2026-11-29 12:00", "2026-11-27 07:30", "2026-11-26 07:30"}, // a Sunday
		{"mon-fri 07:30", "2026-11-30 12:00", "2026-11-30 07:30", "2026-11-27 07:30"},
		{"Sat-Mon,Wed 00:00", "2026-12-01 12:00", "2026-11-30 00:00", "2026-11-29 00:00"},
		{"Tue 23:59", "2026-12-01 12:00", "2026-11-24 23:59", "2026-11-17 23:59"},
		{"daily 02:30", "2026-03-29 12:00", "2026-03-29 03:30", "2026-03-28 02:30"}, // the hour that is not there
		{"daily 02:30", "2026-10-25 12:00", "2026-10-25 02:30", "2026-10-24 02:30"}, // the hour that is there twice
	} {
		e, err := parseExpect(c.expect)
		if err != nil {
			t.Errorf("%s: %v", c.expect, err)
			continue
		}
		last, before := e.Last(day(c.now).UTC(), berlin)
		if got := last.Format("2006-01-02 15:04"); got != c.last {
			t.Errorf("%s at %s: last %s, want %s", c.expect, c.now, got, c.last)
		}
		if got := before.Format("2006-01-02 15:04"); got != c.before {
			t.Errorf("%s at %s: before %s, want %s", c.expect, c.now, got, c.before)
		}
	}
	for _, text := range []string{"18:00", "daily", "daily 25:00", "daily 18", "Mo-Fr 18:00", "Mon- 18:00", ", 18:00", "Mon.. 18:00"} {
		if e, err := parseExpect(text); err == nil {
			t.Errorf("%q is taken for %+v", text, e)
		}
	}
}
