package remote

import (
	"errors"
	"net"
	"slices"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// secondFactor is a server that wants a key, then a password, then what an app or a letter shows, which it asks for by
// keyboard-interactive.
type secondFactor struct {
	target Target

	mu    sync.Mutex
	wrong int // codes that were sent
}

func startSecondFactor(t *testing.T, prompts []string, right []string) *secondFactor {
	t.Helper()
	s := &secondFactor{}
	denied := func(yes bool) error {
		if yes {
			return nil
		}
		return errors.New("denied")
	}
	code := ssh.ServerAuthCallbacks{KeyboardInteractiveCallback: func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
		answers, err := ask("", "Two factors are needed here.", prompts, make([]bool, len(prompts)))
		if err != nil {
			return nil, err
		}
		yes := slices.Equal(answers, right)
		if !yes {
			s.mu.Lock()
			s.wrong++
			s.mu.Unlock()
		}
		return nil, denied(yes)
	}}
	password := ssh.ServerAuthCallbacks{PasswordCallback: func(_ ssh.ConnMetadata, given []byte) (*ssh.Permissions, error) {
		if err := denied(string(given) == "pass"); err != nil {
			return nil, err
		}
		return nil, &ssh.PartialSuccessError{Next: code}
	}}
	key := newKey(t, "ed25519")
	config := &ssh.ServerConfig{
		PublicKeyCallback: func(_ ssh.ConnMetadata, public ssh.PublicKey) (*ssh.Permissions, error) {
			if err := denied(slices.Equal(public.Marshal(), key.Signer.PublicKey().Marshal())); err != nil {
				return nil, err
			}
			return nil, &ssh.PartialSuccessError{Next: password}
		},
	}
	host := newKey(t, "ed25519")
	config.AddHostKey(host.Signer)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepting(t, l, func(c net.Conn) {
		defer c.Close() //nolint:errcheck // the client has what it came for
		conn, channels, requests, err := ssh.NewServerConn(c, config)
		if err != nil {
			return
		}
		var serving sync.WaitGroup
		defer serving.Wait()
		serving.Go(func() { ssh.DiscardRequests(requests) })
		for channel := range channels {
			_ = channel.Reject(ssh.Prohibited, "logins only") // the client is told, or gone
		}
		_ = conn.Wait()
	})
	addr := l.Addr().(*net.TCPAddr)
	s.target = Target{
		Name: destination, Host: addr.IP.String(), Port: addr.Port, User: "u", KeyFile: keyFile(t, key.PEM), Password: secret("pass"),
		PinnedKeys: []string{host.Fingerprint()}, ConnectTimeout: patience,
	}
	return s
}

func TestSecondFactor(t *testing.T) {
	t.Parallel()
	s := startSecondFactor(t, []string{"Verification code: "}, []string{"424242"})
	_, err := Login(t.Context(), s.target)
	wantError(t, err, Auth, `the server asks "Two factors are needed here. Verification code:", and only a password is configured`,
		`answers = [{ prompt = "Verification code:", file = "FILE" }]`)
	answered := s.target
	answered.Answers = []Answer{{"*code*", secret("424242")}}
	if _, err := Login(t.Context(), answered); err != nil {
		t.Fatal(err)
	}
	answered.Answers = []Answer{{"*code*", secret("000000")}}
	_, err = Login(t.Context(), answered)
	wantError(t, err, Auth, "the server accepted publickey, password of", "and then refused keyboard-interactive")
	s.mu.Lock()
	if s.wrong != 1 {
		t.Errorf("a wrong code was sent %d times", s.wrong)
	}
	s.mu.Unlock()
	answered.Answers = []Answer{{"*code*", noSecret}}
	_, err = Login(t.Context(), answered)
	wantError(t, err, Auth, "the credential store is closed")
	if !IsLocal(err) {
		t.Errorf("%v: the server has seen nothing of it", err)
	}
}

// The password that was accepted by itself is not the answer to what is asked then, however that is worded.
func TestAPasswordIsNoSecondFactor(t *testing.T) {
	t.Parallel()
	s := startSecondFactor(t, []string{"Now the other one: "}, []string{"x"})
	_, err := Login(t.Context(), s.target)
	wantError(t, err, Auth, `Now the other one:", and only a password is configured`)
	s.target.Answers = []Answer{{"*pin*", secret("1")}}
	_, err = Login(t.Context(), s.target)
	wantError(t, err, Auth, `Now the other one:", and no answer is configured for it`)
}

func TestSeveralPromptsAtOnce(t *testing.T) {
	t.Parallel()
	s := startSecondFactor(t, []string{"Site: ", "Token: "}, []string{"north", "77"})
	s.target.Answers = []Answer{{"site:", secret("north")}, {"*token*", secret("77")}}
	if _, err := Login(t.Context(), s.target); err != nil {
		t.Fatal(err)
	}
	s.target.Answers = []Answer{{"*:", secret("north")}}
	_, err := Login(t.Context(), s.target)
	wantError(t, err, Auth, `the server asks "Token:" again`, `the prompt "*:"`)
}

// A server may ask for nothing but codes.
func TestAnswersWithoutAPassword(t *testing.T) {
	t.Parallel()
	target, given := asking(t, []string{"echo Code:"})
	target.Password, target.Answers = nil, []Answer{{"echo code:", secret("1")}}
	_, err := Dial(t.Context(), target)
	wantError(t, err, Auth, "the server refused keyboard-interactive")
	if got := given(); len(got) != 1 || got[0][0] != "1" {
		t.Errorf("the server was given %q", got)
	}
}

// A real server asks for a key and a certificate of its own in turn.
func TestTwoKeysInTurn(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{Config: []string{"AuthenticationMethods publickey,publickey"}})
	second := newKey(t, "ed25519")
	sshd.Authorize(second.Signer.PublicKey())
	target := sshdTarget(sshd)
	_, err := Dial(t.Context(), target)
	wantError(t, err, Auth, "the server accepted publickey of")
	target.KeyFile, target.Agent = "", startAgent(t, sshd.KeyFile, keyFile(t, second.PEM))
	mustDial(t, target)
}

func TestWantsOther(t *testing.T) {
	t.Parallel()
	for question, want := range map[string]bool{
		"Password: ": false, "contoso@acme's password:": false, "Password for token user: ": false, "Secret: ": false,
		"Enter new password: ": true, "One-time password (OATH) for contoso:": true, "Verification code: ": true, "PASSCODE: ": true, "OTP:": true,
	} {
		if got := wantsOther(question); got != want {
			t.Errorf("%q: %v", question, got)
		}
	}
}
