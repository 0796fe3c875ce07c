package remote

import (
	"errors"
	"net"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// TestAWrongPasswordIsSentOnce counts the attempts that a server sees which takes the password in two ways: each counts
// towards locking the account.
func TestAWrongPasswordIsSentOnce(t *testing.T) {
	t.Parallel()
	key, err := sftptest.NewKey("ed25519")
	if err != nil {
		t.Fatal(err)
	}
	var attempts atomic.Int32
	denied := errors.New("denied")
	config := &ssh.ServerConfig{
		PasswordCallback: func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) {
			attempts.Add(1)
			return nil, denied
		},
		KeyboardInteractiveCallback: func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
			if answers, err := ask("", "", []string{"Password: "}, []bool{false}); err == nil && len(answers) == 1 {
				attempts.Add(1)
			}
			return nil, denied
		},
	}
	config.AddHostKey(key.Signer)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := async(func() error {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		defer conn.Close() //nolint:errcheck // the test is over
		_, _, _, err = ssh.NewServerConn(conn, config)
		return err
	})
	t.Cleanup(func() { _ = listener.Close() }) // the one connection has been taken
	address := listener.Addr().(*net.TCPAddr)
	_, err = Dial(t.Context(), Target{
		Name: destination, Host: address.IP.String(), Port: address.Port, User: "u", PinnedKeys: []string{key.Fingerprint()},
		Password:       func() (string, error) { return "wrong", nil },
		ConnectTimeout: patience, Keepalive: patience, StallTimeout: patience,
	})
	wantError(t, err, Auth, "the server refused password", `of "u"`)
	if soon(t, "the server", served) == nil {
		t.Error("the server let us in")
	}
	if n := attempts.Load(); n != 1 {
		t.Errorf("the password was sent %d times", n)
	}
}
