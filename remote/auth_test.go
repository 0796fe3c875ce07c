package remote

import (
	"crypto"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/dropferry/dropferry/internal/sftptest"
)

func secret(text string) func() (string, error) { return func() (string, error) { return text, nil } }

func noSecret() (string, error) { return "", errors.New("the credential store is closed") }

// keyFile writes a private key and returns its name.
func keyFile(t *testing.T, text []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func newKey(t *testing.T, kind string) sftptest.Key {
	t.Helper()
	key, err := sftptest.NewKey(kind)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestClientKeys(t *testing.T) {
	t.Parallel()
	keys := map[string]sftptest.Key{}
	var lines []byte
	for _, kind := range allKinds {
		keys[kind] = newKey(t, kind)
		lines = append(lines, ssh.MarshalAuthorizedKey(keys[kind].Signer.PublicKey())...)
	}
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{Config: []string{"AuthorizedKeysFile " + write(t, string(lines))}})
	for kind, key := range keys {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			target := sshdTarget(sshd)
			target.KeyFile = keyFile(t, key.PEM)
			mustUpload(t, mustDial(t, target), target.Path(kind), []byte(kind))
			holds(t, []byte(kind), sshd.Dir, kind)
		})
	}
}

func TestEncryptedKey(t *testing.T) {
	t.Parallel()
	key := newKey(t, "ed25519")
	raw, err := ssh.ParseRawPrivateKey(key.PEM)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKeyWithPassphrase(raw.(crypto.PrivateKey), "", []byte("open sesame"))
	if err != nil {
		t.Fatal(err)
	}
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{
		Config: []string{"AuthorizedKeysFile " + write(t, string(ssh.MarshalAuthorizedKey(key.Signer.PublicKey())))},
	})
	target := sshdTarget(sshd)
	target.KeyFile = keyFile(t, pem.EncodeToMemory(block))

	_, err = Dial(t.Context(), target)
	wantError(t, err, Auth, "connect acme: "+target.KeyFile+" is encrypted: set key_passphrase")
	target.Passphrase = secret("wrong")
	_, err = Dial(t.Context(), target)
	wantError(t, err, Auth, target.KeyFile+" is encrypted, and key_passphrase does not open it")
	target.Passphrase = noSecret
	_, err = Dial(t.Context(), target)
	wantError(t, err, Auth, "connect acme: the credential store is closed")
	target.Passphrase = secret("open sesame")
	mustDial(t, target)
	if strings.Contains(sshd.Log(), "Failed") {
		t.Error("what was wrong here was tried at the server")
	}
}

func TestKeyFileOfTheWrongSort(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	key := newKey(t, "ed25519")
	public := ssh.MarshalAuthorizedKey(key.Signer.PublicKey())
	tests := map[string]struct{ file, part string }{
		"PuTTY":   {keyFile(t, []byte("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n")), "is a PuTTY key: OpenSSH's format is wanted"},
		"public":  {keyFile(t, public), "is a public key: key_file names the private one"},
		"no key":  {keyFile(t, []byte("hello")), "no key found"},
		"none":    {"/none/key", "no such file or directory"},
		"cut":     {keyFile(t, key.PEM[:len(key.PEM)/2]), "no key found"},
		"damaged": {keyFile(t, []byte(strings.Replace(string(key.PEM), "b3Bl", "b3Bm", 1))), "read private key "},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := sshdTarget(sshd)
			target.KeyFile = test.file
			_, err := Dial(t.Context(), target)
			wantError(t, err, Auth, "connect acme: ", test.part, test.file)
		})
	}
}

func TestKeyFileThatOthersCanRead(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows keeps no such bits")
	}
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	target := sshdTarget(sshd)
	for _, mode := range []os.FileMode{0o644, 0o640, 0o604, 0o660} {
		if err := os.Chmod(target.KeyFile, mode); err != nil {
			t.Fatal(err)
		}
		_, err := Dial(t.Context(), target)
		wantError(t, err, Auth, "can be read by others", "chmod 600 "+target.KeyFile)
	}
	if err := os.Chmod(target.KeyFile, 0o400); err != nil {
		t.Fatal(err)
	}
	mustDial(t, target)
}

func TestRefusedLogins(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	target := sshdTarget(sshd)
	target.KeyFile = keyFile(t, newKey(t, "rsa").PEM)
	_, err := Dial(t.Context(), target)
	wantError(t, err, Auth, `connect acme: the server refused publickey of "`+sshd.User+`"; it takes publickey`, "check user, key_file and password")

	target.KeyFile, target.Password = "", secret("x")
	_, err = Dial(t.Context(), target)
	wantError(t, err, Auth, `the server takes only publickey of "`+sshd.User+`", for which nothing is configured`)
}

func TestTooManyFailuresAreTheAccounts(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{Config: []string{"MaxAuthTries 1"}})
	target := sshdTarget(sshd)
	target.KeyFile = keyFile(t, newKey(t, "ed25519").PEM)
	_, err := Dial(t.Context(), target)
	wantError(t, err, Auth)
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	const right = "correct horse"
	password := func(t *sftptest.TestServer, p string) Target {
		target := serverTarget(t)
		target.KeyFile, target.Password = "", secret(p)
		return target
	}
	t.Run("password", func(t *testing.T) {
		t.Parallel()
		server := sftptest.StartServer(t, sftptest.ServerOptions{Password: right})
		mustDial(t, password(server, right))
		_, err := Dial(t.Context(), password(server, "wrong"))
		wantError(t, err, Auth, "the server refused password of")
		if strings.Contains(err.Error(), "wrong") {
			t.Errorf("the password is in %q", err)
		}
	})
	t.Run("keyboard-interactive", func(t *testing.T) {
		t.Parallel()
		server := sftptest.StartServer(t, sftptest.ServerOptions{Password: right, Interactive: true})
		mustDial(t, password(server, right))
		_, err := Dial(t.Context(), password(server, "wrong"))
		wantError(t, err, Auth, "keyboard-interactive")
		if refused := server.Stats().Refused; refused != 1 {
			t.Errorf("one wrong password was counted %d times: accounts lock", refused)
		}
	})
	for _, interactive := range []bool{false, true} {
		t.Run("key, then password", func(t *testing.T) {
			t.Parallel()
			server := sftptest.StartServer(t, sftptest.ServerOptions{Password: right, PartialKeyThenPassword: true, Interactive: interactive})
			target := serverTarget(server)
			target.Password = secret(right)
			mustDial(t, target)
			target.Password = nil
			_, err := Dial(t.Context(), target)
			wantError(t, err, Auth, "the server accepted publickey of", "for which nothing is configured")
			target.Password = secret("wrong")
			_, err = Dial(t.Context(), target)
			wantError(t, err, Auth, "the server accepted publickey of", "and then refused")
		})
	}
	t.Run("no password to be had", func(t *testing.T) {
		t.Parallel()
		server := sftptest.StartServer(t, sftptest.ServerOptions{Password: right})
		target := password(server, "")
		target.Password = noSecret
		_, err := Dial(t.Context(), target)
		wantError(t, err, Auth, "connect acme: the credential store is closed")
		if logins := server.Stats(); logins.Connections > 0 {
			t.Errorf("the server was asked all the same: %+v", logins)
		}
	})
}

// asking is a server that asks one client questions in turn by keyboard-interactive and does not let it in. given waits
// for its end and returns the answers.
func asking(t *testing.T, rounds ...[]string) (target Target, given func() [][]string) {
	t.Helper()
	var all [][]string
	config := &ssh.ServerConfig{
		KeyboardInteractiveCallback: func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
			for _, questions := range rounds {
				echos := make([]bool, len(questions))
				for i, q := range questions {
					echos[i] = strings.HasPrefix(q, "echo ")
				}
				answers, err := ask("", "Hello.", questions, echos)
				if err != nil {
					return nil, err
				}
				all = append(all, answers)
			}
			return nil, errors.New("no")
		},
	}
	host := newKey(t, "ed25519")
	config.AddHostKey(host.Signer)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()                           //nolint:errcheck // the login has failed
		_, _, _, _ = ssh.NewServerConn(c, config) // nobody gets in
	}()
	t.Cleanup(func() {
		_ = l.Close() // ends a server that nobody came to
		<-served
	})
	addr := l.Addr().(*net.TCPAddr)
	target = Target{
		Name: destination, Host: addr.IP.String(), Port: addr.Port, User: "u", Password: secret("pass"),
		PinnedKeys: []string{host.Fingerprint()}, ConnectTimeout: patience,
	}
	return target, func() [][]string { <-served; return all }
}

func TestQuestionsThatNoPasswordAnswers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		rounds [][]string
		given  [][]string
		part   string
	}{
		"a code that echoes":     {[][]string{{"echo Code:"}}, nil, `connect acme: the server asks "Hello. echo Code:", and only a password is configured`},
		"a code after it":        {[][]string{{"Password:"}, {"Verification code:"}}, [][]string{{"pass"}}, "Verification code:"},
		"both at once":           {[][]string{{"Password:", "OTP:"}}, nil, "OTP:"},
		"the same again":         {[][]string{{"Password:"}, {"Password:"}}, [][]string{{"pass"}}, "Password:"},
		"a new password":         {[][]string{{"Enter NEW password: "}}, nil, "Enter NEW password:"},
		"an expired one":         {[][]string{{"Password:"}, {"New password:", "Retype new password:"}}, [][]string{{"pass"}}, "New password:"},
		"only something to know": {[][]string{{}, {"Password:"}, {}}, [][]string{{}, {"pass"}, {}}, "the server refused keyboard-interactive"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target, given := asking(t, test.rounds...)
			_, err := Dial(t.Context(), target)
			wantError(t, err, Auth, test.part)
			if got := given(); !slices.EqualFunc(got, test.given, slices.Equal) {
				t.Errorf("the server was given %q, want %q", got, test.given)
			}
		})
	}
}

// The texts are those of x/crypto/ssh, which has no types for them.
func TestExplainAuthentication(t *testing.T) {
	t.Parallel()
	began := authentication{began: true, accepts: []string{"password"}, refused: []string{"publickey"}}
	handshake := func(text string) error { return errors.New("ssh: handshake failed: ssh: " + text) }
	tests := map[string]struct {
		auth authentication
		err  error
		kind Kind
		text string
	}{
		"refused":              {began, handshake("unable to authenticate, attempted methods [none publickey], no supported methods remain"), Auth, `the server refused publickey of "u"; it takes password`},
		"not yet begun":        {authentication{}, handshake("overflow reading version string"), Transient, "overflow reading version string"},
		"a change of password": {began, handshake("unexpected message type 60 (expected 52)"), Auth, `the password of "u" has expired: the server wants a new one`},
		"too many failures":    {began, handshake("disconnect, reason 2: Too many authentication failures"), Auth, "disconnect, reason 2: Too many authentication failures"},
		"too many users":       {began, handshake("disconnect, reason 12: Too many connections"), Transient, "disconnect, reason 12: Too many connections"},
		"an old server":        {began, handshake(`no common public key signature algorithm, server only supports "ssh-rsa"`), Algorithms, "no common public key"},
		"cut":                  {began, &reworded{"ssh: handshake failed: EOF", io.EOF}, Transient, "the server closed the connection before the login was complete"},
		"reset":                {began, &net.OpError{Op: "read", Err: errors.New("connection reset by peer")}, Transient, "connection reset by peer"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := Target{Name: destination}
			wantError(t, target.connectError(test.auth.explain("u", test.err)), test.kind, test.text)
		})
	}
}

func TestFollowKeepsWhatTheServerSays(t *testing.T) {
	t.Parallel()
	var a authentication
	tried := []string{"none", "publickey"}
	method, err := a.follow(&ssh.ClientAuthContext{AllowedMethods: []string{"password"}, TriedMethods: tried, PartialSuccessMethods: []string{"hostbased"}})
	want := authentication{began: true, accepts: []string{"password"}, accepted: []string{"hostbased"}, refused: []string{"publickey"}}
	if method != nil || err != nil || !reflect.DeepEqual(a, want) || tried[0] != "none" {
		t.Errorf("%+v, %v, %v, want %+v", a, method, err, want)
	}
}
