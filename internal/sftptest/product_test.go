package sftptest

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/ssh"
)

// TestProducts holds that an account can log in to each, and that what it writes in Root lies in Dir.
func TestProducts(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(TB, ProductOptions) *Product{
		"ProFTPD": StartProFTPD, "dropbear": StartDropbear, "rclone": StartRclone,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, ProductOptions{})
			for range 2 {
				writesIn(t, p)
				p.Stop()
				p.Start()
			}
			if p.Version == "" || greetsAs(p.Addr, p.recipe.banner) != nil {
				t.Errorf("version %q", p.Version)
			}
		})
	}
}

// TestProFTPDJail holds that Dir is all that the account can see.
func TestProFTPDJail(t *testing.T) {
	t.Parallel()
	writesIn(t, StartProFTPD(t, ProductOptions{Jail: true}))
}

func writesIn(t *testing.T, p *Product) {
	t.Helper()
	text, err := os.ReadFile(p.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.ParsePrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	client := session(t, dialWith(t, p.Addr, &ssh.ClientConfig{
		User: p.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(key)},
		HostKeyCallback: func(_ string, _ net.Addr, got ssh.PublicKey) error {
			if f := ssh.FingerprintSHA256(got); f != p.Fingerprints[0] {
				t.Errorf("host key %s, want %s", f, p.Fingerprints[0])
			}
			return nil
		},
		HostKeyAlgorithms: []string{ssh.KeyAlgoED25519}, // dropbear ends on a question for a kind of key that it lacks
	}))
	f, err := client.Create(p.Root + "/a.txt")
	if err == nil {
		_, err = f.Write([]byte("arrived"))
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(p.Dir, "a.txt")); err != nil || string(got) != "arrived" {
		t.Errorf("the file holds %q, %v", got, err)
	}
}
