package sftptest

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// TB is what this package needs of a test. A *testing.T is one; the package itself does without testing, since the
// demo is built on it.
type TB interface {
	Helper()
	Cleanup(func())
	TempDir() string
	Failed() bool
	Logf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Skipf(format string, args ...any)
}

// TestServer is a Server of one test, with an account that can log in by key.
type TestServer struct {
	*Server
	Dir     string // on disk, what the server serves as "/"
	User    string
	KeyFile string // the client's private key
	Key     ssh.Signer
}

// StartServer starts a Server that ends with the test. What the options leave out is filled in: a fresh directory, and
// besides the ways to log in that they name, a fresh key. The faults join those of the options.
func StartServer(tb TB, o ServerOptions, faults ...Fault) *TestServer {
	tb.Helper()
	key, keyFile := clientKey(tb, tb.TempDir())
	if o.Dir == "" {
		o.Dir = tb.TempDir()
	}
	o.AuthorizedKeys = append(slices.Clip(o.AuthorizedKeys), key.PublicKey())
	s, err := NewServer(o)
	if err != nil {
		tb.Fatalf("start the SFTP server: %v", err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Logf("close the SFTP server: %v", err)
		}
	})
	s.Faults.Add(faults...)
	user := o.User
	if user == "" {
		user = "partner"
	}
	return &TestServer{Server: s, Dir: o.Dir, User: user, KeyFile: keyFile, Key: key}
}

// TOML returns a [[destination]] table of agent.toml for the server.
func (s *TestServer) TOML(name string) string {
	return destinationTOML(name, s.Host(), s.Port(), s.User, s.KeyFile, "/", []string{s.Fingerprint()})
}

// StartWire starts a Wire that ends with the test.
func StartWire(tb TB, target string) *Wire {
	tb.Helper()
	w, err := NewWire(target)
	if err != nil {
		tb.Fatalf("start the wire: %v", err)
	}
	tb.Cleanup(func() {
		if err := w.Close(); err != nil {
			tb.Logf("close the wire: %v", err)
		}
	})
	return w
}

// Through returns a destination's table with the address replaced by the wire's.
func Through(w *Wire, table string) string {
	lines := strings.Split(table, "\n")
	for i, l := range lines {
		switch {
		case strings.HasPrefix(l, "host = "):
			lines[i] = fmt.Sprintf("host = %q", w.Host())
		case strings.HasPrefix(l, "port = "):
			lines[i] = fmt.Sprintf("port = %d", w.Port())
		}
	}
	return strings.Join(lines, "\n")
}

// clientKey makes a key in dir.
func clientKey(tb TB, dir string) (ssh.Signer, string) {
	tb.Helper()
	key, err := NewKey("ed25519")
	name := filepath.Join(dir, "client_key")
	if err == nil {
		err = key.Write(name)
	}
	if err != nil {
		tb.Fatalf("make the client's key: %v", err)
	}
	return key.Signer, name
}
