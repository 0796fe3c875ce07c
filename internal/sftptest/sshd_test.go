package sftptest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// login connects to the server as its account, by its known_hosts file.
func (s *SSHD) login(t *testing.T) *ssh.Client {
	t.Helper()
	pem, err := os.ReadFile(s.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.ParsePrivateKey(pem)
	if err != nil {
		t.Fatal(err)
	}
	known, err := knownhosts.New(s.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	return dialWith(t, s.Addr, &ssh.ClientConfig{
		User: s.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: known,
		HostKeyAlgorithms: []string{ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoRSASHA256},
	})
}

func TestSSHDRoundTrip(t *testing.T) {
	s := StartSSHD(t, SSHDOptions{Env: []string{"GREETING=good day"}})
	client := s.login(t)
	c := session(t, client)
	content, name := random(1<<20), filepath.Join(s.Dir, "a")
	mustPut(t, c, name, content)
	holds(t, content, name)
	run, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := run.Output(`echo "$GREETING"`); err != nil || string(out) != "good day\n" {
		t.Errorf("exec: %q, %v", out, err)
	}
	info, err := os.Stat(s.KeyFile)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key file: %v, %v", info, err)
	}
	if !strings.Contains(s.Log(), "Accepted publickey for "+s.User) {
		t.Errorf("the log does not tell of the login:\n%s", s.Log())
	}
	for _, want := range []string{
		fmt.Sprintf("port = %d\n", s.Port), fmt.Sprintf("root = %q\n", s.Dir), fmt.Sprintf("key_file = %q\n", s.KeyFile),
		fmt.Sprintf("host_key = [%q]\n", s.Fingerprints[0]),
	} {
		if table := s.TOML("acme"); !strings.Contains(table, want) {
			t.Errorf("no %q in:\n%s", want, table)
		}
	}
}

func TestSSHDOptions(t *testing.T) {
	s := StartSSHD(t, SSHDOptions{
		HostKeys: []string{"rsa", "ecdsa", "ed25519"}, NoExec: true,
		Config: []string{"MaxSessions 1", "Match User " + "nobody-at-all", "ForceCommand /bin/false"},
	})
	if len(s.Fingerprints) != 3 || len(slices.Compact(slices.Sorted(slices.Values(s.Fingerprints)))) != 3 {
		t.Errorf("fingerprints %q", s.Fingerprints)
	}
	client := s.login(t)
	c := session(t, client)
	if _, err := client.NewSession(); err == nil {
		t.Error("a line of Config did not win over the server's own")
	}
	_ = c.Close()
	// sshd frees the place of a session a moment after its end.
	var run *ssh.Session
	waitFor(t, "a session is free", func() (ok bool) {
		var err error
		run, err = client.NewSession()
		return err == nil
	})
	defer run.Close() //nolint:errcheck // the test is over
	if out, err := run.Output("echo hello"); strings.Contains(string(out), "hello") {
		t.Errorf("a command ran: %q, %v", out, err)
	}
}

func TestSSHDStopAndStart(t *testing.T) {
	s := StartSSHD(t, SSHDOptions{External: true})
	client := s.login(t)
	c := session(t, client)
	port, children := s.Port, descendants(s.process.pid)
	if len(children) == 0 {
		t.Fatal("no session process was found")
	}
	s.Stop()
	s.Stop() // does nothing
	for _, child := range children {
		if stateOf(child.pid) != ended {
			t.Errorf("process %d lives on: %+v", child.pid, child)
		}
	}
	if _, err := c.Stat("/"); err == nil {
		t.Error("the session lives on")
	}
	if conn, err := net.DialTimeout("tcp", s.Addr, time.Second); err == nil {
		_ = conn.Close()
		t.Error("the port answers")
	}
	s.Start()
	if s.Port != port {
		t.Errorf("port %d, before %d", s.Port, port)
	}
	session(t, s.login(t))
	s.Restart()
	session(t, s.login(t))
}

func TestSSHDKillSessions(t *testing.T) {
	s := StartSSHD(t, SSHDOptions{})
	one, two := s.login(t), s.login(t)
	c := session(t, one)
	s.KillSessions()
	for _, client := range []*ssh.Client{one, two} {
		if err := soon(t, "the connection ends", async(client.Wait)); err == nil {
			t.Error("the connection was closed in an orderly way")
		}
	}
	if _, err := c.Stat("/"); err == nil {
		t.Error("the session lives on")
	}
	session(t, s.login(t)) // the server goes on
	if left := len(descendants(s.process.pid)); left == 0 {
		t.Error("the new session has no process")
	}
}

func TestSSHDFreeze(t *testing.T) {
	s := StartSSHD(t, SSHDOptions{External: true})
	client := s.login(t)
	c := session(t, client)
	thaw := s.Freeze()
	hung := async(func() error { _, err := c.Stat("/"); return err })
	if _, _, err := client.SendRequest("keepalive@openssh.com", true, nil); err != nil {
		t.Errorf("keepalive: %v", err)
	}
	select {
	case err := <-hung:
		t.Errorf("a frozen sftp-server answered: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	thaw()
	if err := soon(t, "the answer", hung); err != nil {
		t.Error(err)
	}
	s.Freeze()
	s.Stop() // takes frozen processes too
}

func TestSSHDNewHostKeys(t *testing.T) {
	s := StartSSHD(t, SSHDOptions{})
	s.login(t)
	before, err := os.ReadFile(s.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	old := s.Fingerprints[0]
	s.NewHostKeys("ed25519", "ecdsa")
	s.Restart()
	if len(s.Fingerprints) != 2 || slices.Contains(s.Fingerprints, old) {
		t.Errorf("fingerprints %q, before %q", s.Fingerprints, old)
	}
	session(t, s.login(t))
	if after, err := os.ReadFile(s.KnownHosts); err != nil || bytes.Equal(before, after) {
		t.Errorf("known_hosts is unchanged, %v", err)
	}
}

func TestSSHDsSideBySide(t *testing.T) {
	for i := range 4 {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			t.Parallel()
			s := StartSSHD(t, SSHDOptions{})
			session(t, s.login(t))
		})
	}
}

func TestSSHDBehindAWire(t *testing.T) {
	s := StartSSHD(t, SSHDOptions{})
	w := StartWire(t, s.Addr)
	s.Addr = w.Addr() // known_hosts would not match: pin by fingerprint
	pem, err := os.ReadFile(s.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.ParsePrivateKey(pem)
	if err != nil {
		t.Fatal(err)
	}
	client := dial(t, w.Addr(), s.User, key, s.Fingerprints[0])
	c := session(t, client, sftp.UseConcurrentWrites(true))
	cut := w.CutAfter(1 << 20)
	if err := put(c, filepath.Join(s.Dir, "a"), make([]byte, 8<<20)); err == nil {
		t.Error("8 MiB went through a wire that was cut after one")
	}
	soon(t, "the cut", cut)
	// sshd writes out what has reached it, then ends.
	waitFor(t, "the session ends", func() bool { return len(descendants(s.process.pid)) == 0 })
	info, err := os.Stat(filepath.Join(s.Dir, "a"))
	if err != nil || info.Size() > 1<<20 {
		t.Errorf("%v, %v, want a part of it, or nothing", info, err)
	}
}

// stranger is a TB that notes how a test would have ended.
type stranger struct {
	TB
	ended string
}

func (s *stranger) end(format string, args ...any) {
	s.ended = fmt.Sprintf(format, args...)
	panic(errEnded)
}

var errEnded = errors.New("the test has ended")

func (s *stranger) Skipf(format string, args ...any)  { s.end("skip: "+format, args...) }
func (s *stranger) Fatalf(format string, args ...any) { s.end("fatal: "+format, args...) }

func TestMissingSSHD(t *testing.T) {
	for required, want := range map[string]string{"": "skip: ", "1": "fatal: "} {
		t.Run("required="+required, func(t *testing.T) {
			t.Setenv(RequireSSHD, required)
			s := &stranger{TB: t}
			func() {
				defer func() {
					if err, _ := recover().(error); !errors.Is(err, errEnded) {
						t.Errorf("ended with %v", err)
					}
				}()
				missingSSHD(s, errors.New("no sshd"))
			}()
			if !strings.HasPrefix(s.ended, want) || !strings.Contains(s.ended, "no sshd") {
				t.Errorf("%q, want %q", s.ended, want)
			}
		})
	}
}

func TestParseProcStat(t *testing.T) {
	tests := []struct {
		text string
		want child
		ok   bool
	}{
		{"12 (sshd) S 7 12 12 0", child{12, 7, running, "sshd"}, true},
		{"12 (a) b (c)) T 7 12 12 0", child{12, 7, stopped, "a) b (c)"}, true},
		{"12 (sshd) Z 7 12", child{12, 7, ended, "sshd"}, true},
		{"12 (sshd", child{}, false},
		{"x (sshd) S 7", child{}, false},
		{"", child{}, false},
	}
	for _, tt := range tests {
		if got, ok := parseProcStat(tt.text); got != tt.want || ok != tt.ok {
			t.Errorf("%q: %+v, %v", tt.text, got, ok)
		}
	}
}
