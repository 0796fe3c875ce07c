package remote

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// oldSSHD is a real server as it was configured a decade ago.
func oldSSHD(t *testing.T) *sftptest.SSHD {
	t.Helper()
	return sftptest.StartSSHD(t, sftptest.SSHDOptions{HostKeys: []string{"rsa"}, Config: []string{
		"KexAlgorithms diffie-hellman-group14-sha1,diffie-hellman-group1-sha1", "Ciphers aes128-cbc,3des-cbc", "MACs hmac-sha1",
		"HostKeyAlgorithms ssh-rsa", "PubkeyAcceptedAlgorithms ssh-rsa",
	}})
}

func TestAServerWithOldAlgorithms(t *testing.T) {
	t.Parallel()
	sshd := oldSSHD(t)
	key := newKey(t, "rsa")
	target := sshdTarget(sshd)
	target.KeyFile = keyFile(t, key.PEM)
	const line = `legacy_algorithms = ["diffie-hellman-group14-sha1", "ssh-rsa", "aes128-cbc"]`
	_, err := Dial(t.Context(), target)
	wantError(t, err, Algorithms, "no common algorithm for key exchange", "mlkem768x25519-sha256", "diffie-hellman-group1-sha1", line)
	_, err = HostKeys(t.Context(), target)
	wantError(t, err, Algorithms, line)
	if strings.Contains(sshd.Log(), "userauth") {
		t.Errorf("something was said of the account:\n%s", sshd.Log())
	}

	target.Legacy = []string{"ssh-rsa"} // what is configured stays
	_, err = Dial(t.Context(), target)
	wantError(t, err, Algorithms, `legacy_algorithms = ["ssh-rsa", "diffie-hellman-group14-sha1", "aes128-cbc"]`)

	target.Legacy = []string{"diffie-hellman-group14-sha1", "ssh-rsa", "aes128-cbc"}
	keys, err := HostKeys(t.Context(), target)
	if err != nil || len(keys) != 1 || keys[0].Fingerprint != sshd.Fingerprints[0] {
		t.Errorf("%v, %v, want the RSA key", keys, err)
	}
	_, err = Dial(t.Context(), target)
	wantError(t, err, Auth, "the server refused publickey") // the server has never seen the key
	known := oldAccount(t, sshd, key)
	for name, target := range map[string]Target{"pinned": known, "known": knownBy(known, sshd.KnownHosts)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			content := random(1 << 20)
			s := mustDial(t, target)
			mustUpload(t, s, target.Path(name), content)
			holds(t, content, sshd.Dir, name)
		})
	}
}

// oldAccount lets a key in, and returns the account.
func oldAccount(t *testing.T, s *sftptest.SSHD, key sftptest.Key) Target {
	t.Helper()
	s.Authorize(key.Signer.PublicKey())
	target := sshdTarget(s)
	target.KeyFile = keyFile(t, key.PEM)
	target.Legacy = []string{"diffie-hellman-group14-sha1", "ssh-rsa", "aes128-cbc"}
	return target
}

// knownBy is a target whose server is trusted by a known_hosts file alone.
func knownBy(t Target, file string) Target {
	t.PinnedKeys, t.KnownHosts = nil, []string{file}
	return t
}

func TestAlgorithms(t *testing.T) {
	t.Parallel()
	modern := algorithms(nil)
	if modern.exchanges[0] != ssh.KeyExchangeMLKEM768X25519 || !slices.Contains(modern.exchanges, libsshCurve25519) {
		t.Errorf("key exchanges %v, want what resists quantum computers first", modern.exchanges)
	}
	all := slices.Concat(modern.exchanges, modern.ciphers, modern.macs, modern.signatures, slices.Concat(modern.hostKeys...))
	for _, name := range WeakAlgorithms() {
		if slices.Contains(all, name) {
			t.Errorf("%s is used without being asked for", name)
		}
		set := algorithms([]string{name})
		if with := slices.Concat(set.exchanges, set.ciphers, set.macs, slices.Concat(set.hostKeys...)); len(with) != len(all)-len(modern.signatures)+1 || !slices.Contains(with, name) {
			t.Errorf("asked for, %s is not used, or not alone", name)
		}
	}
	insecure := ssh.InsecureAlgorithms()
	for _, name := range slices.Concat(insecure.KeyExchanges, insecure.HostKeys, insecure.PublicKeyAuths) {
		if slices.Contains(all, name) {
			t.Errorf("%s is a default", name)
		}
	}
}
