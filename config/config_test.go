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

// destinationText and folderText are the least that a file may hold; a fault added after both stands on line 12.
const (
	destinationText = `version = 1
[[destination]]
name = "acme"
host = "sftp.acme.example"
user = "contoso"
key_file = "acme_ed25519"
`
	folderText = `
[[folder]]
name = "invoices"
path = "/srv/invoices"
to = ["acme"]
`
	least = destinationText + folderText
)

// at returns the operating system's form of an absolute path.
func at(t *testing.T, slashed string) string {
	t.Helper()
	name, err := filepath.Abs(filepath.FromSlash(slashed))
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func parse(t *testing.T, text string) *Config {
	t.Helper()
	c, err := Parse("agent.toml", []byte(text))
	if err != nil {
		t.Fatalf("Parse:\n%v", err)
	}
	return c
}

func TestParseLeastFile(t *testing.T) {
	t.Setenv("HOME", at(t, "/home/u"))
	t.Setenv("XDG_STATE_HOME", "")
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	got := parse(t, least)
	want := &Config{
		File: at(t, "agent.toml"),
		Agent: Agent{
			Name:          host,
			StateDir:      StateDirFor("agent.toml"),
			ShutdownGrace: 30 * time.Second,
		},
		Log: Log{
			Level: "info", Format: "auto", Target: "auto",
			File: filepath.Join(StateDirFor("agent.toml"), "log", "dropferry.log"), MaxSize: 10 << 20, Keep: 5,
		},
		Destinations: []Destination{{
			Name:           "acme",
			Host:           "sftp.acme.example",
			Port:           22,
			User:           "contoso",
			KeyFile:        at(t, "acme_ed25519"),
			Publish:        "rename",
			AuthRetry:      "on",
			Channels:       8,
			Connections:    1,
			Profile:        "auto",
			ConnectTimeout: 20 * time.Second,
			Keepalive:      10 * time.Second,
			StallTimeout:   30 * time.Second,
			Line:           2,
		}},
		Control: Control{Listen: DefaultListen, Metrics: true},
		Folders: []Folder{{
			Name:      "invoices",
			Mode:      "outbox",
			Path:      at(t, "/srv/invoices"),
			Exclude:   []string{".DS_Store", "Thumbs.db"},
			Rescan:    time.Hour,
			After:     "keep",
			Verify:    "auto",
			Ambiguous: "delivered",

			OnConflict: "hold",
			Timezone:   time.UTC,
			Retry:      Retry{Initial: time.Second, Max: 5 * time.Minute, GiveUpAfter: 72 * time.Hour},
			To:         []Target{{Destination: "acme"}},
			Line:       8,

			Checkpoint:   Checkpoint{Size: 64 << 20, Every: 10 * time.Second},
			Delta:        "auto",
			Watch:        "auto",
			PollInterval: 30 * time.Second,
			Ready:        ReadyStable,
			Symlinks:     SkipLinks,
			Order:        ByName,
			Names:        StrictNames,
			StalledAfter: time.Hour,
		}},
	}
	want.shown, want.lines = got.shown, got.lines
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

func TestParseEveryKey(t *testing.T) {
	c := parse(t, `
version = 1
agent.name = "erp-1"
agent.state_dir = "/var/lib/x"
agent.max_transfers = 8
agent.bandwidth = "20MiB"
agent.bandwidth_times = ["Mon 08:00-18:00 1MiB"]
agent.shutdown_grace = "1m"
log = { level = "debug", format = "json", target = "stderr" }
[[destination]]
name = "acme"
host = "2001:db8::1"
port = 2222
user = "contoso"
key_file = "/k/acme"
key_passphrase = { credential = "acme-pass" }
host_key = ["SHA256:PUT+THE+FINGERPRINT+OF+YOUR+SERVER+HERE+++A"]
root = "~/in"
temp_dir = ".up"
auth_retry = "off"
channels = 3
connections = 2
connect_timeout = "1s"
keepalive = "2s"
stall_timeout = "3s"
bandwidth = "1.5MiB"
profile = "crushftp"
requests = 4
open_files = 5
transfers = 6
max_session_age = "1h"
bandwidth_times = ["Sat,Sun 22:00-06:00 0"]
schedule = { timezone = "UTC", windows = ["Sat 06:00-24:00"], at_end = "stop" }
[destination.password]
env = "ACME"
[[destination]]
name = "other"
host = "other.example"
user = "u"
password = { file = "/k/other" }
known_hosts = "/k/known_hosts"
publish = "direct"
[[folder]]
name = "f"
mode = "outbox"
path = "/srv/f"
include = ["*.xml"]
exclude = ["a/**"]
stable_for = "3s"
rescan = "10m"
after = "archive"
archive = "/srv/sent/{yyyy}/"
names = "windows"
file_mode = "0640"
verify = "content"
ambiguous = "hold"
on_conflict = "keep-both"
timezone = "Europe/Berlin"
checkpoint = { size = "8MiB", every = "1m" }
delta = "always"
watch = "poll"
poll_interval = "2m"
to = ["acme:in/{yyyy}", "other:/abs:x/{stem}-{dd}{ext}"]
[folder.retry]
initial = "2s"
max = "3s"
give_up_after = "4h"
`)
	times := Timetable{time.UTC, []WindowRate{{Window{[7]bool{1: true}, 8 * time.Hour, 18 * time.Hour}, 1 << 20}}}
	if want := (Agent{"erp-1", at(t, "/var/lib/x"), 8, 20 << 20, times, time.Minute}); !reflect.DeepEqual(c.Agent, want) {
		t.Errorf("agent %+v, want %+v", c.Agent, want)
	}
	if want := (Log{"debug", "json", "stderr", at(t, "/var/lib/x/log/dropferry.log"), 10 << 20, 5}); c.Log != want {
		t.Errorf("log %+v, want %+v", c.Log, want)
	}
	wantDestinations := []Destination{
		{
			Name: "acme", Host: "2001:db8::1", Port: 2222, User: "contoso", KeyFile: at(t, "/k/acme"),
			KeyPassphrase: Secret{Credential: "acme-pass"}, Password: Secret{Env: "ACME"},
			HostKey: []string{"SHA256:PUT+THE+FINGERPRINT+OF+YOUR+SERVER+HERE+++A"}, Root: "~/in", Publish: "rename", TempDir: ".up", AuthRetry: "off", Channels: 3, Connections: 2, Bandwidth: 3 << 19,
			Profile: "crushftp", Requests: 4, OpenFiles: 5, Transfers: 6, MaxSessionAge: time.Hour,
			BandwidthTimes: Timetable{time.UTC, []WindowRate{{Window{[7]bool{0: true, 6: true}, 22 * time.Hour, 6 * time.Hour}, 0}}},
			Schedule:       Schedule{Timezone: time.UTC, Windows: []Window{{Days: [7]bool{6: true}, Begin: 6 * time.Hour, End: 24 * time.Hour}}, AtEnd: StopAtEnd},
			ConnectTimeout: time.Second, Keepalive: 2 * time.Second, StallTimeout: 3 * time.Second, Line: 10,
		},
		{
			Name: "other", Host: "other.example", Port: 22, User: "u", Password: Secret{File: at(t, "/k/other")},
			KnownHosts: at(t, "/k/known_hosts"), Publish: "direct", AuthRetry: "on", Channels: 8, Connections: 1, Profile: "auto", ConnectTimeout: 20 * time.Second, Keepalive: 10 * time.Second,
			StallTimeout: 30 * time.Second, Line: 36,
		},
	}
	if !reflect.DeepEqual(c.Destinations, wantDestinations) {
		t.Errorf("destinations\n%+v, want\n%+v", c.Destinations, wantDestinations)
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	wantFolder := Folder{
		Name: "f", Mode: Outbox, Path: at(t, "/srv/f"), Include: []string{"*.xml"},
		Exclude: []string{".DS_Store", "Thumbs.db", "a/**"}, Ready: ReadyStable, Symlinks: SkipLinks, Order: ByName, StableFor: 3 * time.Second, Rescan: 10 * time.Minute,
		After: Archive, Archive: at(t, "/srv/sent/{yyyy}") + string(filepath.Separator), Verify: "content", Ambiguous: "hold",
		Timezone: berlin, Retry: Retry{2 * time.Second, 3 * time.Second, 4 * time.Hour},
		To:   []Target{{"acme", "in/{yyyy}"}, {"other", "/abs:x/{stem}-{dd}{ext}"}},
		Line: 43, OnConflict: "keep-both", Names: WindowsNames, FileMode: 0o640, Checkpoint: Checkpoint{8 << 20, time.Minute}, Delta: "always", Watch: "poll", PollInterval: 2 * time.Minute,
		StalledAfter: time.Hour,
	}
	if !reflect.DeepEqual(c.Folders, []Folder{wantFolder}) {
		t.Errorf("folders\n%+v, want\n%+v", c.Folders, wantFolder)
	}
}

func TestDefaultsHoldForEveryFolder(t *testing.T) {
	c := parse(t, destinationText+`
[defaults]
exclude = ["*.bak"]
stable_for = "20s"
rescan = "5m"
verify = "size"
timezone = "Europe/Berlin"
ambiguous = "hold"
retry = { initial = "2s", max = "1h" }
[[folder]]
name = "a"
path = "/srv/a"
exclude = ["*.log"]
to = ["acme:a"]
[[folder]]
name = "b"
path = "/srv/b"
stable_for = "auto"
rescan = "1m"
verify = "content"
timezone = "UTC"
ambiguous = "delivered"
retry = { max = "10s" }
to = ["acme:b"]
`)
	a, b := c.Folders[0], c.Folders[1]
	if want := []string{"*.bak", "*.log"}; !reflect.DeepEqual(a.Exclude, want) {
		t.Errorf("a excludes %q, want %q: a folder adds to the defaults", a.Exclude, want)
	}
	if want := []string{"*.bak"}; !reflect.DeepEqual(b.Exclude, want) {
		t.Errorf("b excludes %q, want %q: one folder's list is not another's", b.Exclude, want)
	}
	if a.StableFor != 20*time.Second || a.Rescan != 5*time.Minute || a.Verify != "size" || a.Ambiguous != "hold" ||
		a.Timezone.String() != "Europe/Berlin" || a.Retry != (Retry{2 * time.Second, time.Hour, 72 * time.Hour}) {
		t.Errorf("a has not all the defaults: %+v", a)
	}
	if b.StableFor != 0 || b.Rescan != time.Minute || b.Verify != "content" || b.Ambiguous != "delivered" ||
		b.Timezone != time.UTC || b.Retry != (Retry{2 * time.Second, 10 * time.Second, 72 * time.Hour}) {
		t.Errorf("b has not all its own rules: %+v", b)
	}
}

func TestPathsAreRelativeToTheFile(t *testing.T) {
	t.Setenv("HOME", at(t, "/home/u"))
	t.Setenv("USERPROFILE", at(t, "/home/u"))
	dir := t.TempDir()
	name := filepath.Join(dir, "agent.toml")
	text := `
version = 1
agent.state_dir = "../state"
[[destination]]
name = "acme"
host = "h"
user = "u"
key_file = "~/.ssh/id"
password = { file = "secrets/acme" }
known_hosts = "known_hosts"
[[folder]]
name = "f"
path = "out/./f/"
after = "archive"
archive = "../sent/{yyyy}"
to = ["acme"]
`
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	d, f := c.Destinations[0], c.Folders[0]
	for _, got := range [][2]string{
		{c.File, name},
		{c.Agent.StateDir, filepath.Join(filepath.Dir(dir), "state")},
		{d.KeyFile, at(t, "/home/u/.ssh/id")},
		{d.Password.File, filepath.Join(dir, "secrets", "acme")},
		{d.KnownHosts, filepath.Join(dir, "known_hosts")},
		{f.Path, filepath.Join(dir, "out", "f")},
		{f.Archive, filepath.Join(filepath.Dir(dir), "sent", "{yyyy}")},
	} {
		if got[0] != got[1] {
			t.Errorf("got %s, want %s", got[0], got[1])
		}
	}
}

func TestLookup(t *testing.T) {
	c := parse(t, least)
	if d, ok := c.Destination("acme"); !ok || d != &c.Destinations[0] {
		t.Errorf("Destination(acme) = %v, %v", d, ok)
	}
	if f, ok := c.Folder("invoices"); !ok || f != &c.Folders[0] {
		t.Errorf("Folder(invoices) = %v, %v", f, ok)
	}
	if d, ok := c.Destination("invoices"); ok {
		t.Errorf("Destination(invoices) = %v", d)
	}
	if f, ok := c.Folder("acme"); ok {
		t.Errorf("Folder(acme) = %v", f)
	}
}

// Windows editors write a byte order mark and two-byte line ends.
func TestParseWindowsText(t *testing.T) {
	text := "\uFEFF" + strings.ReplaceAll(least, "\n", "\r\n")
	if got := parse(t, text).Folders[0].Line; got != 8 {
		t.Errorf("the folder is on line %d, want 8", got)
	}
}

func TestWindowsPathsWithoutDrive(t *testing.T) {
	if runtime.GOOS != "windows" {
		t.Skip("drives are known to Windows only")
	}
	if got, err := absolute(`D:\conf`, `\srv\out`); err != nil || got != `D:\srv\out` {
		t.Errorf(`\srv\out is %s, %v`, got, err)
	}
	if got, err := absolute(`D:\conf`, `C:out`); err == nil {
		t.Errorf(`C:out is %s, want an error`, got)
	}
}

func TestMessagesWriteDurationsAsFilesDo(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Second:                    "1s",
		90 * time.Second:               "1m30s",
		time.Minute:                    "1m",
		time.Hour:                      "1h",
		72*time.Hour + 10*time.Minute:  "72h10m",
		10 * time.Second:               "10s",
		500 * time.Millisecond:         "500ms",
		time.Hour + 30*time.Second:     "1h0m30s",
		100 * time.Hour:                "100h",
		20*time.Minute + 0*time.Second: "20m",
	} {
		if got := short(d); got != want {
			t.Errorf("short(%v) = %s, want %s", d, got, want)
		}
	}
}
