package agent

import (
	"crypto/rand"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/remote"
)

// Both packages name the algorithms; neither may import the other.
func TestWeakAlgorithmsAreThoseOfTheConfiguration(t *testing.T) {
	t.Parallel()
	if want, got := remote.WeakAlgorithms(), config.LegacyAlgorithms(); !slices.Equal(got, want) {
		t.Errorf("the configuration knows %v, want %v", got, want)
	}
	if remote.EnvironmentAgent != config.EnvironmentAgent {
		t.Error("the agent of the environment has two names")
	}
}

// certified writes a key with a certificate beside it that ends then.
func certified(t *testing.T, from, until time.Time) (keyFile string) {
	t.Helper()
	key, err := sftptest.NewKey("ed25519")
	if err != nil {
		t.Fatal(err)
	}
	authority, err := sftptest.NewKey("ed25519")
	if err != nil {
		t.Fatal(err)
	}
	c := &ssh.Certificate{
		Key: key.Signer.PublicKey(), CertType: ssh.UserCert, ValidPrincipals: []string{"u"},
		ValidAfter: uint64(from.Unix()), ValidBefore: uint64(until.Unix()),
	}
	keyFile = filepath.Join(t.TempDir(), "key")
	if err := c.SignCert(rand.Reader, authority.Signer); err != nil {
		t.Fatal(err)
	}
	if err := key.Write(keyFile); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(keyFile+"-cert.pub", ssh.MarshalAuthorizedKey(c), 0o600); err != nil {
		t.Fatal(err)
	}
	return keyFile
}

func TestCertificatesThatExpireAreToldOf(t *testing.T) {
	t.Parallel()
	now := time.Now()
	day := 24 * time.Hour
	for name, test := range map[string]struct {
		until time.Duration
		want  string
	}{
		"long yet": {100 * day, ""},
		"soon":     {10 * day, " expires on 2"},
		"over":     {-day, " has expired, on 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := config.Destination{Name: "acme", Host: "h", User: "u", KeyFile: certified(t, now.Add(-300*day), now.Add(test.until))}
			c := &config.Config{Destinations: []config.Destination{d}}
			faults := CertificateWarnings(c)
			var said strings.Builder
			warnOfAccounts(slog.New(slog.NewTextHandler(&said, nil)), c)
			status := destinationStatus(c, "acme", nil)
			if test.want == "" {
				if len(faults) > 0 || said.Len() > 0 || len(status.Warnings) > 0 {
					t.Errorf("%v, %s, %v", faults, said.String(), status.Warnings)
				}
				return
			}
			if len(faults) != 1 || !faults[0].Warning || !strings.Contains(faults[0].Text, test.want) || faults[0].Hint == "" {
				t.Errorf("faults %+v", faults)
			}
			if !strings.Contains(said.String(), test.want) || len(status.Warnings) != 1 || !strings.Contains(status.Warnings[0], test.want) {
				t.Errorf("log %s, status %v", said.String(), status.Warnings)
			}
		})
	}
}

// A block ends when what the account proves itself with changes, whatever that is, and that of the servers in front too.
func TestFingerprintsOfAccounts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(file(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"proxy", "jump", "key"} {
		write(name, "one")
	}
	c := &config.Config{Destinations: []config.Destination{
		{
			Name: "front", Host: "f", User: "u", Password: config.Secret{File: file("jump")},
			Proxy: config.Proxy{Kind: config.ProxySOCKS, Address: "p:1080"}, ProxyUser: "u", ProxyPassword: config.Secret{File: file("proxy")},
		},
		{Name: "acme", Host: "h", User: "u", KeyFile: file("key"), Jump: []string{"front"}, SshAgent: file("no-agent")},
	}}
	print := func() string { return fingerprintOf([]byte("key"), c, &c.Destinations[1]) }
	last := print()
	if print() != last {
		t.Fatal("it changes by itself")
	}
	for name, change := range map[string]func(){
		"the jump host's password": func() { write("jump", "two") },
		"the proxy's password":     func() { write("proxy", "two") },
		"the key":                  func() { write("key", "two") },
		"a certificate":            func() { write("key-cert.pub", "one") },
		"another certificate":      func() { write("key-cert.pub", "two") },
		"the proxy":                func() { c.Destinations[0].Proxy.Address = "q:1080" },
		"a prompt":                 func() { c.Destinations[1].Answers = []config.Answer{{Prompt: "*code*"}} },
		"the agent":                func() { c.Destinations[1].SshAgent = "" },
	} {
		if name == "another certificate" {
			continue // after the first one, below
		}
		change()
		if now := print(); now == last {
			t.Errorf("%s changes nothing", name)
		} else {
			last = now
		}
	}
	write("key-cert.pub", "three")
	if print() == last {
		t.Error("another certificate changes nothing")
	}
}
