package sftptest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

func TestLogin(t *testing.T) {
	key, err := NewKey("ed25519")
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewKey("ecdsa")
	if err != nil {
		t.Fatal(err)
	}
	keys := []ssh.PublicKey{key.Signer.PublicKey()}
	byKey := func(k Key) ssh.AuthMethod { return ssh.PublicKeys(k.Signer) }
	asked := func(answer string) ssh.AuthMethod {
		return ssh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
			if len(questions) == 0 {
				return nil, nil
			}
			return []string{answer}, nil
		})
	}
	tests := []struct {
		name    string
		options ServerOptions
		user    string
		methods []ssh.AuthMethod
		ok      bool
		refused int
	}{
		{"key", ServerOptions{AuthorizedKeys: keys}, "u", []ssh.AuthMethod{byKey(key)}, true, 0},
		{"another key", ServerOptions{AuthorizedKeys: keys}, "u", []ssh.AuthMethod{byKey(other)}, false, 1},
		{"another user", ServerOptions{AuthorizedKeys: keys, User: "v"}, "u", []ssh.AuthMethod{byKey(key)}, false, 1},
		{"password", ServerOptions{Password: "secret"}, "u", []ssh.AuthMethod{ssh.Password("secret")}, true, 0},
		{"wrong password", ServerOptions{Password: "secret"}, "u", []ssh.AuthMethod{ssh.Password("guess")}, false, 1},
		{
			"password where it is asked for interactively",
			ServerOptions{Password: "secret", Interactive: true},
			"u",
			[]ssh.AuthMethod{ssh.Password("secret")},
			false, 0,
		},
		{"interactive", ServerOptions{Password: "secret", Interactive: true}, "u", []ssh.AuthMethod{asked("secret")}, true, 0},
		{"interactive, wrong", ServerOptions{Password: "secret", Interactive: true}, "u", []ssh.AuthMethod{asked("guess")}, false, 1},
		{
			"both wanted, both given",
			ServerOptions{AuthorizedKeys: keys, Password: "secret", PartialKeyThenPassword: true},
			"u",
			[]ssh.AuthMethod{byKey(key), ssh.Password("secret")},
			true, 0,
		},
		{
			"both wanted, key alone",
			ServerOptions{AuthorizedKeys: keys, Password: "secret", PartialKeyThenPassword: true},
			"u",
			[]ssh.AuthMethod{byKey(key)},
			false, 0,
		},
		{
			"both wanted, password alone",
			ServerOptions{AuthorizedKeys: keys, Password: "secret", PartialKeyThenPassword: true},
			"u",
			[]ssh.AuthMethod{ssh.Password("secret")},
			false, 0,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.options.Dir = t.TempDir()
			s, err := NewServer(tt.options)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close() //nolint:errcheck // the test is over
			c, err := ssh.Dial("tcp", s.Addr(), &ssh.ClientConfig{
				User: tt.user, Auth: tt.methods, HostKeyCallback: ssh.InsecureIgnoreHostKey(), Timeout: patience,
			})
			if (err == nil) != tt.ok {
				t.Fatalf("login: %v", err)
			}
			if err == nil {
				session(t, c)
				_ = c.Close()
			}
			waitFor(t, "the failures are counted", func() bool { return s.Stats().Refused >= tt.refused })
			if got := s.Stats(); got.Refused != tt.refused || got.Connections != 1 || (got.Logins == 1) != tt.ok {
				t.Errorf("%+v, want %d refused", got, tt.refused)
			}
		})
	}
}

func TestNoCommonAlgorithm(t *testing.T) {
	s := StartServer(t, ServerOptions{Algorithms: ssh.Config{Ciphers: []string{"aes128-ctr"}}})
	_, err := ssh.Dial("tcp", s.Addr(), &ssh.ClientConfig{
		User: s.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(s.Key)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
		Config: ssh.Config{Ciphers: []string{"aes256-ctr"}}, Timeout: patience,
	})
	if _, ok := errors.AsType[*ssh.AlgorithmNegotiationError](err); !ok {
		t.Errorf("%v", err)
	}
}

func TestNewServerRefusesBadOptions(t *testing.T) {
	key, err := NewKey("rsa")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		options ServerOptions
		want    string
	}{
		{"no way to log in", ServerOptions{Dir: t.TempDir()}, "neither a key nor a password"},
		{"half of both", ServerOptions{Dir: t.TempDir(), Password: "x", PartialKeyThenPassword: true}, "one of them is missing"},
		{"no directory", ServerOptions{Dir: filepath.Join(t.TempDir(), "none"), Password: "x"}, "none"},
		{"bad address", ServerOptions{Dir: t.TempDir(), Password: "x", Listen: "127.0.0.1:99999"}, "port"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.options.HostKeys = []ssh.Signer{key.Signer}
			s, err := NewServer(tt.options)
			if err == nil {
				_ = s.Close()
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

func TestKeys(t *testing.T) {
	for kind, algorithm := range map[string]string{
		"ed25519": "ssh-ed25519", "rsa": "ssh-rsa", "ecdsa": "ecdsa-sha2-nistp256",
	} {
		t.Run(kind, func(t *testing.T) {
			k, err := NewKey(kind)
			if err != nil {
				t.Fatal(err)
			}
			name := filepath.Join(t.TempDir(), "key")
			if err := k.Write(name); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			read, err := ssh.ParsePrivateKey(text)
			if err != nil {
				t.Fatal(err)
			}
			if got := read.PublicKey(); got.Type() != algorithm || ssh.FingerprintSHA256(got) != k.Fingerprint() {
				t.Errorf("%s %s, want %s", got.Type(), ssh.FingerprintSHA256(got), k.Fingerprint())
			}
		})
	}
	if _, err := NewKey("dsa"); err == nil {
		t.Error("a key of an unknown kind was made")
	}
}
