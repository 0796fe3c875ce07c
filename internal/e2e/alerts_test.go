package e2e

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// alertJSON is what a receiver gets of one trouble.
type alertJSON struct {
	Event       string
	Of          string
	Key         string
	Folder      string
	Destination string
	Path        string
	Text        string
	Hint        string
	Since       time.Time
	Receipt     struct{ ID, SHA256 string }
}

// hook is a receiver of webhooks that a test looks into.
type hook struct {
	*httptest.Server
	t *testing.T

	mu       sync.Mutex
	alerts   []alertJSON
	messages int
	refusing int // so many messages more
}

func newHook(t *testing.T) *hook {
	h := &hook{t: t}
	h.Server = httptest.NewServer(h)
	t.Cleanup(h.Close)
	return h
}

// ServeHTTP takes a message, or refuses it.
func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var m struct {
		Agent  string
		Alerts []alertJSON
	}
	if err == nil {
		err = json.Unmarshal(body, &m)
	}
	if err != nil || m.Agent != "rig" {
		h.t.Errorf("%v: %s", err, body)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refusing > 0 {
		h.refusing--
		http.Error(w, "not now", http.StatusServiceUnavailable)
		return
	}
	h.messages++
	h.alerts = append(h.alerts, m.Alerts...)
}

// told returns the alerts so far of an event.
func (h *hook) told(event string) (told []alertJSON) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, a := range h.alerts {
		if a.Event == event {
			told = append(told, a)
		}
	}
	return told
}

// hears waits until an event was told n times, and returns the last of them.
func (h *hook) hears(event string, n int) alertJSON {
	h.t.Helper()
	eventually(h.t, fmt.Sprintf("%s is told %d times", event, n), time.Minute, func() bool { return len(h.told(event)) >= n })
	told := h.told(event)
	if len(told) != n {
		h.t.Fatalf("%s is told %d times, want %d: %+v", event, len(told), n, told)
	}
	return told[n-1]
}

// tells adds a [[notify]] to the rig's configuration that posts to the hook.
func (r *rig) tells(h *hook, lines string) {
	r.t.Helper()
	r.write(r.at("hook"), h.URL+"/secret-of-the-hook\n")
	r.secrets = append(r.secrets, "secret-of-the-hook")
	r.write(r.config, r.configuration()+"\n[[notify]]\ntype = \"webhook\"\ninterval = \"100ms\"\nurl = { file = \"hook\" }\n"+lines+"\n")
}

// TestAlerts follows troubles from their beginning to their end, over restarts of the agent and failures of the receiver.
func TestAlerts(t *testing.T) {
	t.Parallel()
	r := newRig(t, "to = [\"acme\"]")
	h := newHook(t)
	h.refusing = 1
	r.tells(h, "")
	key, err := os.ReadFile(r.sshd.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	r.write(r.inbox("held.txt"), "theirs")
	r.drop("held.txt", "ours")
	a := r.watching()
	held := h.hears("held", 1) // although the first message was refused
	if held.Path != "held.txt" || held.Folder != "outbox" || held.Destination != "acme" || !strings.Contains(held.Hint, "--overwrite") || held.Key == "" {
		t.Errorf("%+v", held)
	}
	if code := a.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}

	// The account's key is another one: a person has to know, once, over two starts.
	r.write(r.sshd.KeyFile, r.otherKey())
	r.drop("b.txt", "b")
	a = r.watching()
	blocked := h.hears("blocked", 1)
	if blocked.Destination != "acme" || !strings.Contains(blocked.Hint, "check user, key_file and password") || blocked.Text == "" {
		t.Errorf("%+v", blocked)
	}
	a.stop()
	a = r.watching()
	a.wait("destination blocked")
	a.stop()

	// What ends while nobody runs is told as over by the next agent.
	r.expect(0, "cancel", strings.TrimPrefix(held.Key, "delivery:"))
	r.write(r.sshd.KeyFile, string(key))
	a = r.watching()
	over := h.hears("recovered", 2)
	if code := a.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	of := map[string]bool{}
	for _, o := range h.told("recovered") {
		of[o.Of+" "+o.Key] = true
	}
	if !of["held "+held.Key] || !of["blocked "+blocked.Key] {
		t.Errorf("over are %v, the last %+v", of, over)
	}
	for event, n := range map[string]int{"held": 1, "blocked": 1, "recovered": 2, "delivered": 0, "stalled": 0} {
		if got := len(h.told(event)); got != n {
			t.Errorf("%s was told %d times, want %d", event, got, n)
		}
	}
}

// otherKey returns a key that no server knows.
func (r *rig) otherKey() string {
	r.t.Helper()
	text, err := os.ReadFile(r.keyFile("stranger"))
	if err != nil {
		r.t.Fatal(err)
	}
	return string(text)
}

// TestAlertsOfOnce are sent before it ends.
func TestAlertsOfOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, "to = [\"acme\"]")
	h := newHook(t)
	r.tells(h, `on = ["delivered", "held"]`)
	r.write(r.inbox("held.txt"), "theirs")
	r.drop("held.txt", "ours")
	r.drop("a.txt", "a")
	r.expect(3, "once")
	h.hears("held", 1)
	d := h.hears("delivered", 1)
	if d.Path != "a.txt" || d.Receipt.ID == "" || len(d.Receipt.SHA256) != 64 || h.messages != 1 {
		t.Errorf("%+v in %d messages", d, h.messages)
	}
}

// TestHostKeyThatChanged is an event of its own.
func TestHostKeyThatChanged(t *testing.T) {
	t.Parallel()
	r := newRig(t, "to = [\"acme\"]")
	h := newHook(t)
	r.write(r.config, regexp.MustCompile(`SHA256:[^"]*`).ReplaceAllString(r.configuration(), "SHA256:THIS+IS+THE+KEY+OF+QUITE+ANOTHER+SERVER+++A"))
	r.tells(h, "")
	r.drop("a.txt", "a")
	r.expect(13, "once")
	if a := h.hears("host_key_changed", 1); a.Destination != "acme" || !strings.Contains(a.Text, "THIS+IS") {
		t.Errorf("%+v", a)
	}
}

// TestCertificateThatExpires is told of once, and again when there is a new one.
func TestCertificateThatExpires(t *testing.T) {
	t.Parallel()
	r := newRig(t, "to = [\"acme\"]")
	authority, err := sftptest.NewKey("ed25519")
	if err != nil {
		t.Fatal(err)
	}
	r.sshd.Authorize(authority.Signer.PublicKey(), "cert-authority")
	key := certificate(t, r, authority, 5*24*time.Hour)
	h := newHook(t)
	r.tells(h, "")
	r.drop("a.txt", "a")
	r.expect(0, "once")
	if a := h.hears("expiring", 1); a.Destination != "acme" || !strings.Contains(a.Text, key+"-cert.pub expires on 2") || a.Hint == "" {
		t.Errorf("%+v", a)
	}
	r.expect(0, "once")
	h.hears("expiring", 1)
	certificate(t, r, authority, 300*24*time.Hour)
	r.expect(0, "once")
	if a := h.hears("recovered", 1); a.Of != "expiring" {
		t.Errorf("%+v", a)
	}
}

// certificate signs the key of the rig's account, for so long from now on and for 50 days until now.
func certificate(t *testing.T, r *rig, authority sftptest.Key, ends time.Duration) (key string) {
	t.Helper()
	text, err := os.ReadFile(r.sshd.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	c := &ssh.Certificate{
		Key: signer.PublicKey(), CertType: ssh.UserCert, ValidPrincipals: []string{r.sshd.User},
		ValidAfter: uint64(now.Add(-50 * 24 * time.Hour).Unix()), ValidBefore: uint64(now.Add(ends).Unix()),
	}
	if err := c.SignCert(rand.Reader, authority.Signer); err != nil {
		t.Fatal(err)
	}
	r.write(r.sshd.KeyFile+"-cert.pub", string(ssh.MarshalAuthorizedKey(c)))
	return r.sshd.KeyFile
}

// TestReceiverThatHangs delays nothing, and keeps the agent from ending no longer than it has to.
func TestReceiverThatHangs(t *testing.T) {
	t.Parallel()
	r := newRig(t, "to = [\"acme\"]")
	free := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-free }))
	t.Cleanup(func() { close(free); server.Close() })
	r.tells(&hook{Server: server}, "on = [\"delivered\"]\ntimeout = \"1s\"")
	for i := range 30 {
		r.drop(fmt.Sprintf("%d.txt", i), "x")
	}
	a := r.watching()
	eventually(t, "all is delivered", time.Minute, func() bool { return len(tree(t, r.sshd.Dir)) == 30 })
	a.wait("an alert could not be sent")
	if code := a.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestNotifyIsReloaded without disturbing anything else.
func TestNotifyIsReloaded(t *testing.T) {
	t.Parallel()
	r := newRig(t, "to = [\"acme\"]")
	h := newHook(t)
	a := r.watching()
	r.tells(h, `on = ["delivered"]`)
	contains(t, r.expect(0, "reload").stdout, "notify: changed")
	r.drop("a.txt", "a")
	h.hears("delivered", 1)
	r.edit(`on = ["delivered"]`, `on = ["deliverd"]`)
	contains(t, r.expect(5, "reload").stderr, `did you mean "delivered"?`)
	r.edit(`on = ["deliverd"]`, `on = ["parked"]`)
	contains(t, r.expect(0, "reload").stdout, "notify: changed")
	r.drop("b.txt", "b")
	r.arrives("b.txt", "b")
	if code := a.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if n := len(h.told("delivered")); n != 1 {
		t.Errorf("delivered was told %d times", n)
	}
}
