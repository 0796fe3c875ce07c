package sftptest

import (
	"bytes"
	"crypto/rand"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is for what should happen at once.
const patience = 20 * time.Second

// dial logs in with a key and pins the host key.
func dial(t *testing.T, addr, user string, key ssh.Signer, fingerprint string) *ssh.Client {
	t.Helper()
	return dialWith(t, addr, &ssh.ClientConfig{
		User: user, Auth: []ssh.AuthMethod{ssh.PublicKeys(key)},
		HostKeyCallback: func(_ string, _ net.Addr, got ssh.PublicKey) error {
			if f := ssh.FingerprintSHA256(got); f != fingerprint {
				t.Errorf("host key %s, want %s", f, fingerprint)
			}
			return nil
		},
	})
}

func dialWith(t *testing.T, addr string, c *ssh.ClientConfig) *ssh.Client {
	t.Helper()
	c.Timeout = patience
	client, err := ssh.Dial("tcp", addr, c)
	if err != nil {
		t.Fatalf("dial %s: %v", addr, err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// session opens an SFTP session.
func session(t *testing.T, c *ssh.Client, options ...sftp.ClientOption) *sftp.Client {
	t.Helper()
	client, err := sftp.NewClient(c, options...)
	if err != nil {
		t.Fatalf("start SFTP: %v", err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// hostile starts a server with faults and a session with it.
func hostile(t *testing.T, o ServerOptions, faults ...Fault) (*TestServer, *sftp.Client) {
	t.Helper()
	s := StartServer(t, o, faults...)
	return s, session(t, dial(t, s.Addr(), s.User, s.Key, s.Fingerprint()))
}

// put uploads in one go and returns the first error.
func put(c *sftp.Client, name string, content []byte) error {
	f, err := c.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

func mustPut(t *testing.T, c *sftp.Client, name string, content []byte) {
	t.Helper()
	if err := put(c, name, content); err != nil {
		t.Fatalf("put %s: %v", name, err)
	}
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// holds checks a file on disk.
func holds(t *testing.T, want []byte, elements ...string) {
	t.Helper()
	got, err := os.ReadFile(filepath.Join(elements...))
	if err != nil {
		t.Error(err)
	} else if !bytes.Equal(got, want) {
		t.Errorf("%s holds %d other bytes than the %d that it should", filepath.Join(elements...), len(got), len(want))
	}
}

// absent checks that there is no such file on disk.
func absent(t *testing.T, elements ...string) {
	t.Helper()
	if _, err := os.Lstat(filepath.Join(elements...)); !os.IsNotExist(err) {
		t.Errorf("%s: %v, want none", filepath.Join(elements...), err)
	}
}

// soon waits for a call that a fault should have freed or ended.
func soon[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("%s: nothing happened in %v", what, patience)
		panic("unreachable")
	}
}

// async runs f and returns where its error arrives.
func async(f func() error) <-chan error {
	c := make(chan error, 1)
	go func() { c <- f() }()
	return c
}
