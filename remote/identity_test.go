package remote

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// keygen runs ssh-keygen.
func keygen(t *testing.T, args ...string) {
	t.Helper()
	out, err := exec.Command(sftptest.Program(t, "ssh-keygen", "openssh-client"), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("ssh-keygen %v: %v\n%s", args, err, out)
	}
}

// authority is one that signs keys of users, with ssh-keygen.
type authority struct {
	t    *testing.T
	file string
	key  sftptest.Key
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key := newKey(t, "ed25519")
	return &authority{t, keyFile(t, key.PEM), key}
}

// signs makes a certificate of a key beside it; validity is as ssh-keygen -V has it.
func (a *authority) signs(key sftptest.Key, user, validity string, more ...string) (keyName string) {
	a.t.Helper()
	keyName = keyFile(a.t, key.PEM)
	public := keyName + ".pub"
	if err := os.WriteFile(public, ssh.MarshalAuthorizedKey(key.Signer.PublicKey()), 0o600); err != nil {
		a.t.Fatal(err)
	}
	keygen(a.t, append(append([]string{"-q", "-s", a.file, "-I", "contoso", "-n", user, "-V", validity}, more...), public)...)
	return keyName
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	authority := newAuthority(t)
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	sshd.Authorize(authority.key.Signer.PublicKey(), "cert-authority")
	target := sshdTarget(sshd)
	for _, kind := range allKinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			target := target
			target.KeyFile = authority.signs(newKey(t, kind), sshd.User, "+1d")
			mustUpload(t, mustDial(t, target), target.Path(kind), []byte(kind)) // it lies beside the key
			aside := target
			aside.Certificate = filepath.Join(t.TempDir(), "elsewhere.pub")
			if err := os.Rename(target.KeyFile+"-cert.pub", aside.Certificate); err != nil {
				t.Fatal(err)
			}
			mustDial(t, aside)
			c, ok, err := CertificateOf(aside)
			if err != nil || !ok || c.Until.Before(time.Now()) || c.Expires(time.Now()) || !c.Expires(time.Now().Add(20*time.Hour)) {
				t.Errorf("%+v, %v, %v", c, ok, err)
			}
			_, err = Dial(t.Context(), target) // the key alone
			wantError(t, err, Auth, "the server refused publickey")
		})
	}
}

// What cannot be right is not sent.
func TestCertificatesThatDoNotDo(t *testing.T) {
	t.Parallel()
	authority := newAuthority(t)
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	sshd.Authorize(authority.key.Signer.PublicKey(), "cert-authority")
	key := newKey(t, "ed25519")
	expired := authority.signs(key, sshd.User, "-2d:-1d")
	early := authority.signs(key, sshd.User, "+1h:+1d")
	ofHost := authority.signs(key, sshd.User, "+1d", "-h")
	ofOther := authority.signs(newKey(t, "ed25519"), sshd.User, "+1d")
	for name, test := range map[string]struct {
		certificate string
		parts       []string
	}{
		"expired":         {expired + "-cert.pub", []string{"has expired, on 20", "have the key signed anew"}},
		"of tomorrow":     {early + "-cert.pub", []string{"is valid only from 20", "look at the clock"}},
		"a host's":        {ofHost + "-cert.pub", []string{"is the certificate of a host, not of a user"}},
		"for another key": {ofOther + "-cert.pub", []string{"is for another key: ssh-ed25519 SHA256:", "ssh-keygen -Lf "}},
		"a public key":    {expired + ".pub", []string{"is a public key and no certificate"}},
		"rubbish":         {write(t, "rubbish"), []string{"read certificate "}},
		"none":            {"/none-cert.pub", []string{"no such file or directory"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := sshdTarget(sshd)
			target.KeyFile, target.Certificate = expired, test.certificate
			_, err := Dial(t.Context(), target)
			wantError(t, err, Auth, append(test.parts, "connect acme: ")...)
			if !IsLocal(err) {
				t.Errorf("%v: the server has seen nothing of it", err)
			}
		})
	}
	// One that only lies beside the key keeps the key from nothing, and is told of where the key alone is refused.
	target := sshdTarget(sshd)
	target.KeyFile = expired
	_, err := Dial(t.Context(), target)
	wantError(t, err, Auth, "the server refused publickey of", "the certificate "+expired+"-cert.pub has expired")
	sshd.Authorize(key.Signer.PublicKey())
	mustDial(t, target)
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	day := 24 * time.Hour
	for name, test := range map[string]struct {
		from, until time.Duration
		want        bool
	}{
		"a year, ten days left":    {-355 * day, 10 * day, true},
		"a year, a month left":     {-335 * day, 30 * day, false},
		"a day, twelve hours left": {-12 * time.Hour, 12 * time.Hour, false},
		"a day, four hours left":   {-20 * time.Hour, 4 * time.Hour, true},
		"over":                     {-20 * day, -day, true},
	} {
		if got := (Certificate{From: now.Add(test.from), Until: now.Add(test.until)}).Expires(now); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if (Certificate{}).Expires(now) || !(Certificate{Until: now.Add(day)}).Expires(now) {
		t.Error("one without a beginning, or without an end, is misjudged")
	}
}

// startAgent runs a real ssh-agent that holds keys, and returns its socket.
func startAgent(t *testing.T, keys ...string) string {
	t.Helper()
	socket := socketName(t)
	program, add := sftptest.Program(t, "ssh-agent", "openssh-client"), sftptest.Program(t, "ssh-add", "openssh-client")
	if !sftptest.StartProgram(t, exec.Command(program, "-D", "-a", socket), func() bool {
		c, err := net.Dial("unix", socket)
		if err == nil {
			_ = c.Close() // it listens
		}
		return err == nil
	}) {
		t.Fatal("ssh-agent has ended")
	}
	for _, key := range keys {
		command := exec.Command(add, "-q", key)
		command.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("ssh-add: %v\n%s", err, out)
		}
	}
	return socket
}

// socketName is short enough for the name of a socket.
func socketName(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "agent")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // what stays lies in the system's directory for that
	return filepath.Join(dir, "s")
}

func TestKeysOfAnAgent(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	authority := newAuthority(t)
	sshd.Authorize(authority.key.Signer.PublicKey(), "cert-authority")
	rsa := newKey(t, "rsa")
	sshd.Authorize(rsa.Signer.PublicKey())
	signed := authority.signs(newKey(t, "ecdsa"), sshd.User, "+1d")
	agented := func(socket, file string) Target {
		target := sshdTarget(sshd)
		target.Agent, target.KeyFile = socket, file
		return target
	}
	for name, file := range map[string]string{"ed25519": sshd.KeyFile, "RSA": keyFile(t, rsa.PEM), "with a certificate": signed} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := agented(startAgent(t, file), "")
			s := mustDial(t, target)
			mustUpload(t, s, target.Path(name), []byte(name))
			holds(t, []byte(name), sshd.Dir, name)
		})
	}

	var many []string
	for range mostOffered {
		many = append(many, keyFile(t, newKey(t, "ed25519").PEM))
	}
	socket := startAgent(t, append(many, sshd.KeyFile)...)
	_, err := Dial(t.Context(), agented(socket, ""))
	wantError(t, err, Auth, "the SSH agent holds 6 keys", `key_file = "KEY.pub"`)
	mustDial(t, agented(socket, sshd.KeyFile))
	public := write(t, string(ssh.MarshalAuthorizedKey(publicOf(t, sshd.KeyFile))))
	mustDial(t, agented(socket, public))
	mustDial(t, through(agented(socket, public), agented(socket, public))) // a jump host on itself
	_, err = Dial(t.Context(), agented(socket, keyFile(t, newKey(t, "ed25519").PEM)))
	wantError(t, err, Auth, "the SSH agent does not hold the key of ", "ssh-add KEY")
	_, err = Dial(t.Context(), agented(startAgent(t), ""))
	wantError(t, err, Auth, "the SSH agent holds no key", "ssh-add KEY")
	_, err = Dial(t.Context(), agented("/none/socket", ""))
	wantError(t, err, Auth, "reach the SSH agent", "/none/socket")
	if !IsLocal(err) {
		t.Errorf("%v: the server has seen nothing of it", err)
	}
	if n := strings.Count(sshd.Log(), "Failed publickey"); n > 0 {
		t.Errorf("%d logins failed", n)
	}
}

func publicOf(t *testing.T, file string) ssh.PublicKey {
	t.Helper()
	public, err := publicPart(file)
	if err != nil {
		t.Fatal(err)
	}
	return public
}

// serveAgent answers for an agent of the test's own.
func serveAgent(t *testing.T, a agent.Agent) (socket string) {
	t.Helper()
	socket = socketName(t)
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	accepting(t, l, func(c net.Conn) {
		_ = agent.ServeAgent(a, c) // until the client is gone
		_ = c.Close()
	})
	return socket
}

// hardware is an agent with a key that a token keeps, sk-ssh-ed25519@openssh.com: PROTOCOL.u2f of OpenSSH.
type hardware struct {
	agent.ExtendedAgent
	private ed25519.PrivateKey
	hang    context.Context // while it is not over, the token waits to be touched
}

const skApplication = "ssh:"

func (h *hardware) blob() []byte {
	return ssh.Marshal(struct {
		Type        string
		Key         []byte
		Application string
	}{ssh.KeyAlgoSKED25519, h.private.Public().(ed25519.PublicKey), skApplication})
}

func (h *hardware) List() ([]*agent.Key, error) {
	return []*agent.Key{{Format: ssh.KeyAlgoSKED25519, Blob: h.blob()}}, nil
}

func (h *hardware) Sign(key ssh.PublicKey, data []byte) (*ssh.Signature, error) {
	return h.SignWithFlags(key, data, 0)
}

func (h *hardware) SignWithFlags(_ ssh.PublicKey, data []byte, _ agent.SignatureFlags) (*ssh.Signature, error) {
	if h.hang != nil {
		<-h.hang.Done()
		return nil, errors.New("nobody has touched it")
	}
	application, message := sha256.Sum256([]byte(skApplication)), sha256.Sum256(data)
	rest := binary.BigEndian.AppendUint32([]byte{1}, 7) // touched; the seventh time
	signed := append(append(application[:], rest...), message[:]...)
	return &ssh.Signature{Format: ssh.KeyAlgoSKED25519, Blob: ed25519.Sign(h.private, signed), Rest: rest}, nil
}

func TestHardwareKeyOfAnAgent(t *testing.T) {
	t.Parallel()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	token := &hardware{ExtendedAgent: agent.NewKeyring().(agent.ExtendedAgent), private: private}
	public, err := ssh.ParsePublicKey(token.blob())
	if err != nil {
		t.Fatal(err)
	}
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	sshd.Authorize(public)
	target := sshdTarget(sshd)
	target.KeyFile, target.Agent = "", serveAgent(t, token)
	mustDial(t, target)

	var touch context.CancelFunc
	token = &hardware{ExtendedAgent: token.ExtendedAgent, private: private}
	token.hang, touch = context.WithCancel(t.Context())
	defer touch()
	target.Agent, target.ConnectTimeout = serveAgent(t, token), brief
	_, err = Dial(t.Context(), target)
	touch()
	wantError(t, err, Transient, "not connected within 500ms (connect_timeout)")
}

func TestMatchesPrompt(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pattern, prompt string
		want            bool
	}{
		{"Verification code:", "Verification code: ", true},
		{"*code*", "(contoso@acme) Verification CODE:", true},
		{"*code*", "Password: ", false},
		{"code*", "Verification code:", false},
		{"*:", "Token:", true},
		{"a*b*a", "aba", true},
		{"a*b*a", "aa", false},
		{"ab*ba", "aba", false},
		{"*[1-3]*", "Passcode or option [1-3]:", true},
		{"Token", "Token:", false},
	} {
		if got := matchesPrompt(test.pattern, test.prompt); got != test.want {
			t.Errorf("%q on %q: %v", test.pattern, test.prompt, got)
		}
	}
}
