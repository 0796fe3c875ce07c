package remote

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// Many destinations behind one jump host that refuses the account are one failed login there.
func TestARefusalOfAJumpHostIsHeardByAllThatWait(t *testing.T) {
	t.Parallel()
	front := sftptest.StartServer(t, sftptest.ServerOptions{Password: "right"})
	jump := serverTarget(front)
	jump.Name, jump.KeyFile, jump.Password, jump.Gate = "bastion", "", secret("wrong"), NewGate()
	target := through(Target{
		Name: destination, Host: "acme.example", Port: 22, User: "u", Password: secret("p"), PinnedKeys: []string{"SHA256:x"}, ConnectTimeout: patience,
	}, jump)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			_, err := Dial(t.Context(), target)
			var e *Error
			if !errors.As(err, &e) || e.Kind != Auth || !strings.Contains(err.Error(), "jump host bastion: the server refused password") {
				t.Errorf("%v", err)
			}
		})
	}
	all.Wait()
	if n := front.Stats().Refused; n != 1 {
		t.Errorf("%d logins were refused", n)
	}
	target.Jump[0].Password = secret("also wrong") // another secret is another login
	_, err := Dial(t.Context(), target)
	wantError(t, err, Auth, "jump host bastion: the server refused password")
	if strings.Contains(err.Error(), "not tried again") || front.Stats().Refused != 2 {
		t.Errorf("%v; %d logins were refused", err, front.Stats().Refused)
	}
	target.Jump[0].Password = secret("right")
	_, err = Dial(t.Context(), target)
	wantError(t, err, Transient, "jump host bastion did") // it lets us in, and forwards nothing
}
