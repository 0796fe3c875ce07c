package agent

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/notify"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/syncer"
)

// Whatever the configuration can name, people can be told of.
func TestEventsOfTheConfiguration(t *testing.T) {
	var events []string
	for _, e := range notify.Events() {
		events = append(events, string(e))
	}
	if known := config.NotifyEvents(); !slices.Equal(known, events) {
		t.Errorf("the configuration knows %q, and notify %q", known, events)
	}
}

// mailbox is a notify.Sender that keeps what it is sent.
type mailbox struct {
	mu   sync.Mutex
	said []string
}

func (l *mailbox) Send(_ context.Context, m *notify.Message) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range m.Alerts {
		l.said = append(l.said, m.Alerts[i].Subject())
	}
	return nil
}

// still is an agent that is made and does not run, with a folder and somebody who is told.
type still struct {
	*Agent
	t    *testing.T
	hear *mailbox
	look *lookout
	at   time.Time
	dir  string
}

func newStill(t *testing.T, folder string) *still {
	t.Helper()
	dir := t.TempDir()
	c, err := config.Parse(filepath.Join(dir, "agent.toml"), []byte(fmt.Sprintf(`version = 1
[agent]
state_dir = "state"
[[destination]]
name = "acme"
host = "acme.example"
user = "u"
password = { env = "P" }
[[folder]]
name = "in"
path = "in"
to = ["acme"]
stable_for = "1ms"
%s
[[notify]]
type = "command"
command = ["x"]
`, folder)))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "in"), 0o755); err != nil {
		t.Fatal(err)
	}
	a, err := New(t.Context(), c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &still{Agent: a, t: t, hear: &mailbox{}, look: a.lookout(), at: time.Now(), dir: dir}
	s.look.now, s.look.scanned = func() time.Time { return s.at }, true
	n, err := notify.New(t.Context(), notify.Options{Receivers: []notify.Receiver{{
		Name: "x", On: notify.Events(), Repeat: 24 * time.Hour, Timeout: time.Minute, Sender: s.hear,
	}}, Memory: a.store, Log: a.log})
	if err != nil {
		t.Fatal(err)
	}
	a.alerts.to, a.alerts.started = n, c.Notify
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// drop puts a file into the folder, and has it planned.
func (s *still) drop(name string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, "in", name), []byte("x"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if err := s.scanAll(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// looks looks at a moment, and returns what is open then.
func (s *still) looks(at time.Time) []string {
	s.t.Helper()
	s.at = at
	if err := s.look.look(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	return s.alerts.open()
}

func wantOpen(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("open are %q, want %q", got, want)
	}
}

// All that was told, and its end, in order.
func (s *still) said() string {
	s.alerts.to.Close()
	s.alerts.to.Run(context.Background()) // which ends by itself
	return strings.Join(s.hear.said, "\n")
}

func TestAFileThatDoesNotGoOn(t *testing.T) {
	t.Parallel()
	s := newStill(t, `stalled_after = "2h"`)
	now := time.Now()
	s.drop("a.txt")
	wantOpen(t, s.looks(now.Add(time.Hour)))
	wantOpen(t, s.looks(now.Add(3*time.Hour)), "stalled:in/acme")
	if _, _, err := s.store.Pause(t.Context(), state.Route{Folder: "in"}, now); err != nil {
		t.Fatal(err)
	}
	wantOpen(t, s.looks(now.Add(4*time.Hour))) // a pause is meant: nothing is told of it
	if got := s.said(); got != "" {
		t.Errorf("what ended before it was sent was told:\n%s", got)
	}
}

func TestAFileThatDoesNotCome(t *testing.T) {
	t.Parallel()
	s := newStill(t, "expect = \"daily 18:00\"\ntimezone = \"UTC\"")
	day := func(n, hour, minute int) time.Time { return time.Date(2030, 6, n, hour, minute, 0, 0, time.UTC) }
	came := func(at time.Time) {
		s.arrivals.hear(syncer.Event{Type: syncer.EventPlanned, Folder: "in", At: at})
	}
	const missing = "missing:in"
	wantOpen(t, s.looks(day(1, 19, 0))) // the looking begins after this day's time
	wantOpen(t, s.looks(day(2, 17, 59)))
	wantOpen(t, s.looks(day(2, 18, 0)), missing)
	came(day(2, 18, 30))
	wantOpen(t, s.looks(day(2, 18, 31))) // late
	// What came after one time counts for the next.
	wantOpen(t, s.looks(day(3, 18, 0)))
	wantOpen(t, s.looks(day(4, 18, 1)), missing)
	wantOpen(t, s.looks(day(5, 18, 1)), missing)

	// It is remembered over a start.
	came(day(5, 20, 0))
	s.looks(day(5, 20, 1))
	s.look.arrivals = newArrivals(s.store)
	wantOpen(t, s.looks(day(6, 18, 1)))
	wantOpen(t, s.looks(day(7, 18, 1)), missing)
}

func TestAFolderThatIsHaltedAndAFileThatIsHeld(t *testing.T) {
	t.Parallel()
	s := newStill(t, "")
	ctx, now := t.Context(), time.Now()
	if _, err := s.store.SetHalt(ctx, state.Halt{Folder: "in", Since: now, Reason: "emptied", Detail: "all files are gone"}); err != nil {
		t.Fatal(err)
	}
	s.alerts.hear(syncer.Event{Type: syncer.EventHalted, At: now, Folder: "in", Reason: "all files are gone"})
	s.alerts.hear(syncer.Event{Type: syncer.EventHeld, At: now, Folder: "in", Destination: "acme", Path: file.Path("a"), ID: "ID", Reason: "theirs"})
	s.alerts.hear(syncer.Event{Type: syncer.EventBlocked, At: now, Destination: "gone", Reason: "refused"})
	wantOpen(t, s.alerts.open(), "delivery:ID", "destination:gone", "folder:in")
	// The store knows nothing of such a file, and the configuration of no such destination.
	wantOpen(t, s.looks(now), "folder:in")
	if _, err := s.store.ClearHalt(ctx, "in"); err != nil {
		t.Fatal(err)
	}
	wantOpen(t, s.looks(now))
}

// A disk that was full when the agent ended may have room when it begins: nobody else would say that it is over, and the next time it
// is full would be taken for this one.
func TestRoomThatCameWhileNobodyLooked(t *testing.T) {
	t.Parallel()
	s := newStill(t, "")
	now := time.Now()
	full := &state.RoomError{Dir: s.dir}
	s.look.links = func() []syncer.LinkStatus {
		return []syncer.LinkStatus{{Destination: "acme", State: syncer.LinkWaiting, Err: fmt.Errorf("plan: %w", full)}}
	}
	s.alerts.hear(syncer.Event{Type: syncer.EventNoRoom, At: now, Err: full})
	wantOpen(t, s.looks(now), "room") // a quota, say: the disk has room
	s.look.links = func() []syncer.LinkStatus { return nil }
	wantOpen(t, s.looks(now))
}

// Somebody who is told at a moment when everything fails is told what it is about.
func TestWhatIsToldOfAStalledRoute(t *testing.T) {
	t.Parallel()
	s := newStill(t, "")
	s.drop("a.txt")
	in, found, err := s.store.Oldest(t.Context(), state.Route{Folder: "in", Destination: "acme"})
	if err != nil || !found {
		t.Fatal(found, err)
	}
	in.LastError = "put acme:/a.txt: no"
	s.look.links = func() []syncer.LinkStatus {
		return []syncer.LinkStatus{{Destination: "acme", State: syncer.LinkWaiting, Reason: "dial: refused"}}
	}
	a := s.look.stalled(&in, 7)
	for _, want := range []string{"7 files wait, the first", "a.txt", "the destination is waiting: dial: refused", "put acme:/a.txt: no"} {
		if !strings.Contains(a.Text, want) {
			t.Errorf("%q is missing in %q", want, a.Text)
		}
	}
}

func TestEnvironmentOfPrograms(t *testing.T) {
	t.Setenv("P", "secret")
	t.Setenv("NOTIFY_SOCKET", "/run/x")
	t.Setenv("PLAIN", "seen")
	c := &config.Config{Destinations: []config.Destination{{Password: config.Secret{Env: "P"}}}}
	got := environment(c)
	if slices.Contains(got, "P=secret") || slices.Contains(got, "NOTIFY_SOCKET=/run/x") || !slices.Contains(got, "PLAIN=seen") {
		t.Errorf("%q", got)
	}
	if variable("windows", "Acme_Password") != variable("windows", "ACME_PASSWORD") || variable("linux", "a") == variable("linux", "A") {
		t.Error("names of variables are not compared as the system does")
	}
}

// hostKey is one as servers announce it.
func hostKey(t *testing.T) remote.Key {
	t.Helper()
	key, err := sftptest.NewKey("ed25519")
	if err != nil {
		t.Fatal(err)
	}
	_, parsed, ok := remote.ParseKnownKey(append([]byte("h "), ssh.MarshalAuthorizedKey(key.Signer.PublicKey())...))
	if !ok {
		t.Fatal("no key")
	}
	return parsed
}

// Until somebody has put a new certificate there, or accepted the new key.
func TestWhatIsGoingToEnd(t *testing.T) {
	t.Parallel()
	s := newStill(t, "")
	now := time.Now()
	d := &s.current().config.Destinations[0]
	d.KeyFile = certified(t, now.Add(-300*24*time.Hour), now.Add(30*24*time.Hour))
	wantOpen(t, s.looks(now))
	wantOpen(t, s.looks(now.Add(20*24*time.Hour)), "certificate:acme")
	wantOpen(t, s.looks(now.Add(31*24*time.Hour)), "certificate:acme")
	s.alerts.to.Close() // what is over before it was sent is not told at all
	s.alerts.to.Run(context.Background())
	d.KeyFile = certified(t, now, now.Add(365*24*time.Hour))
	wantOpen(t, s.looks(now.Add(31*24*time.Hour)))
	if got := strings.Join(s.hear.said, "\n"); got != "expiring: destination acme" {
		t.Errorf("told was:\n%s", got)
	}

	known, next := hostKey(t), hostKey(t)
	if _, err := Trust(s.current().config, d, known, false); err != nil {
		t.Fatal(err)
	}
	hear := announced(s.current().config, d, s.log)
	hear([]remote.Key{known, next})
	wantOpen(t, s.looks(now), "new-host-key:acme")
	if _, err := Trust(s.current().config, d, next, false); err != nil {
		t.Fatal(err)
	}
	wantOpen(t, s.looks(now))
}
