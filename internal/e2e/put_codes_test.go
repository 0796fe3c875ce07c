package e2e

import (
	"os"
	"strings"
	"testing"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// TestPutExitCodes gives each cause its code, in words and in JSON, and leaves nothing behind.
func TestPutExitCodes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		table func(r *rig) string
		code  int
		want  []string
	}{
		{
			"authentication", func(r *rig) string { return replaced(t, r.acme(), r.sshd.KeyFile, r.keyFile("other")) }, 12,
			[]string{"check user, key_file and password"},
		},
		{"host key", func(r *rig) string { return r.stranger() }, 13, []string{"is not known", " trust acme"}},
		{"refused", func(r *rig) string { return r.dead("acme") }, 14, []string{"connection refused", "attempt failed"}},
		{"silent", func(r *rig) string {
			w := sftptest.StartWire(t, r.sshd.Addr)
			w.Blackhole(true)
			return sftptest.Through(w, replaced(t, replaced(t, r.acme(), patient, hasty), `connect_timeout = "6s"`, `connect_timeout = "500ms"`))
		}, 14, []string{"connect_timeout", "500ms"}},
		{
			"root missing", func(r *rig) string { return replaced(t, r.acme(), r.sshd.Dir, r.sshd.Dir+"/missing") }, 14,
			[]string{"missing", "create it at the server"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := putRig(t)
			r.configure(c.table(r))
			name := r.source("a.txt", "a")
			got := r.expect(c.code, "put", "--timeout", "1s", name, "acme:in/")
			contains(t, got.stderr, c.want...)
			if got.stdout != "" {
				t.Errorf("standard output: %s", got.stdout)
			}
			line := decode[putJSON](t, r.expect(c.code, "put", "--json", "--timeout", "0s", name, "acme:in/").stdout)
			if line.Type != "failed" || line.Code != c.code || line.Error == "" || line.Destination != "acme" {
				t.Errorf("%+v", line)
			}
			wantTree(t, r.sshd.Dir, map[string]string{})
			r.configure(r.acme())
			r.expect(0, "put", name, "acme:in/")
		})
	}
}

// TestPutUsage refuses what makes no sense before anything is connected to.
func TestPutUsage(t *testing.T) {
	t.Parallel()
	r := bareRig(t)
	r.configure("[[destination]]\nname = \"acme\"\nhost = \"127.0.0.1\"\nport = 1\nuser = \"u\"\npassword = { env = \"X\" }\n")
	name := r.source("a.txt", "a")
	for _, c := range []struct {
		code int
		why  string
		args []string
	}{
		{4, "accepts 2 arg", nil},
		{4, "accepts 2 arg", []string{name}},
		{4, `"acme" is not of the form DEST:PATH`, []string{name, "acme"}},
		{4, "did you mean acme?", []string{name, "akme:x"}},
		{4, "standard input has no name", []string{"-", "acme:in/"}},
		{4, "standard input has no name", []string{"-", "acme:"}},
		{4, `holds ".."`, []string{name, "acme:in/../../etc/"}},
		{4, "--sha256", []string{name, "acme:x", "--sha256", "12"}},
		{4, "--verify", []string{name, "acme:x", "--verify", "never"}},
		{4, "--size", []string{name, "acme:x", "--size", "-1"}},
		{4, "--timeout", []string{name, "acme:x", "--timeout", "-1s"}},
		{4, "--timeout", []string{name, "acme:x", "--timeout", "soon"}},
		{1, "no such file", []string{r.at("nowhere"), "acme:x"}},
		{1, "is a directory", []string{r.dir, "acme:x"}},
		{1, "is no regular file", []string{os.DevNull, "acme:x"}},
	} {
		contains(t, r.expect(c.code, append([]string{"put"}, c.args...)...).stderr, c.why)
	}
	r.write(r.config, "version = 1\n[[destination]]\nname = \"acme\"\n")
	contains(t, r.expect(5, "put", name, "acme:x").stderr, "host")
	r.config = r.at("nowhere.toml")
	r.expect(5, "put", name, "acme:x")
}

// TestPutDoesNotRepeatARefusedLogin keeps a put in cron from locking the account, until the secret changes or a person
// says so.
func TestPutDoesNotRepeatARefusedLogin(t *testing.T) {
	t.Parallel()
	r := putRig(t)
	r.configure(replaced(t, r.acme(), r.sshd.KeyFile, r.keyFile("other")))
	name := r.source("a.txt", "a")
	refused := func() int { return lines(r.sshd.Log(), "Failed publickey") }
	r.expect(12, "put", name, "acme:")
	for range 2 {
		contains(t, r.expect(12, "put", name, "acme:other.txt").stderr, "not tried again", "--retry-login", "check user")
	}
	if n := refused(); n != 1 {
		t.Errorf("%d attempts to log in: accounts lock", n)
	}
	r.expect(12, "put", "--retry-login", name, "acme:")
	if n := refused(); n != 2 {
		t.Errorf("%d attempts to log in, want 2", n)
	}
	r.configure(r.acme())
	r.expect(0, "put", name, "acme:")
}

// TestPutThatTheServerRefuses ends with 3 and says why.
func TestPutThatTheServerRefuses(t *testing.T) {
	t.Parallel()
	r := putRig(t)
	name := r.source("a.txt", "a")
	contains(t, r.expect(3, "put", name, "acme:"+strings.Repeat("n", 300)).stderr, "stat acme:", "the server answered")
	r.write(r.inbox("file"), "in the way")
	contains(t, r.expect(3, "put", name, "acme:file/a.txt").stderr, r.inbox("file"), "a file stands where a directory is needed")
	wantTree(t, r.sshd.Dir, map[string]string{"file": "in the way"})
}

// TestPutOfWhatIsExpected publishes nothing else.
func TestPutOfWhatIsExpected(t *testing.T) {
	t.Parallel()
	r := putRig(t)
	const sum = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb" // of "a"
	wrong := strings.Repeat("0", len(sum))
	for _, from := range []string{r.source("a.txt", "a"), "-"} {
		for _, args := range [][]string{{"--size", "2"}, {"--sha256", wrong}, {"--size", "1", "--sha256", wrong}} {
			r.stdin = strings.NewReader("a")
			contains(t, r.expect(3, append([]string{"put", from, "acme:a.txt"}, args...)...).stderr, "not what was expected")
			wantTree(t, r.sshd.Dir, map[string]string{})
		}
		r.stdin = strings.NewReader("a")
		contains(t, r.expect(0, "put", from, "acme:a.txt", "--size", "1", "--sha256", sum).stdout, "delivered")
		if err := os.Remove(r.inbox("a.txt")); err != nil {
			t.Fatal(err)
		}
	}
	r.write(r.inbox("there.txt"), "a")
	r.stdin = strings.NewReader("not read at all")
	contains(t, r.expect(0, "put", "-", "acme:there.txt", "--sha256", sum).stdout, "already", "nothing was sent")
}
