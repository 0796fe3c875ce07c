package syncer

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/remote"
)

// behindError is what remote.Dial returns where a jump host lets the account in and the server behind it shows a key that
// nobody has accepted. It counts the logins.
func behindError(t *testing.T) error {
	t.Helper()
	jump, server := sftptest.StartSSHD(t, sftptest.SSHDOptions{NoExec: true}), sftptest.StartServer(t, sftptest.ServerOptions{})
	_, err := remote.Dial(t.Context(), remote.Target{
		Name: "acme", Host: server.Host(), Port: server.Port(), User: server.User, KeyFile: server.KeyFile, ConnectTimeout: waitLimit,
		Jump: []remote.Target{{
			Name: "bastion", Host: jump.Host, Port: jump.Port, User: jump.User, KeyFile: jump.KeyFile, PinnedKeys: jump.Fingerprints,
			ConnectTimeout: waitLimit,
		}},
	})
	if remote.KindOf(err) != remote.HostKey || strings.Count(jump.Log(), "Accepted publickey") != 1 {
		t.Fatalf("%v\n%s", err, jump.Log())
	}
	return err
}

// TestAJumpHostIsNotLoggedInToEachMinute comes back to a key that nobody has accepted as to a refused login where that takes a
// login on the way, and every minute where it takes none; and at once when what is trusted has changed.
func TestAJumpHostIsNotLoggedInToEachMinute(t *testing.T) {
	for name, row := range map[string]struct {
		err  error
		want []time.Duration
	}{
		"behind a jump host": {behindError(t), []time.Duration{30 * time.Minute, time.Hour, time.Hour}},
		"without one": {
			problem("connect", "", remote.HostKey, errors.New("unknown")), []time.Duration{time.Minute, time.Minute, time.Minute},
		},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(r *patientRig) {
				var trusted atomic.Value
				trusted.Store("none")
				r.options.Destinations[0].Trust = func() string { return trusted.Load().(string) }
				r.server.setDialed(func() error { r.note(); return row.err })
				r.begin()
				for _, d := range row.want {
					r.pass(d)
				}
				if gaps := r.gaps(); !slices.Equal(gaps, row.want) {
					t.Errorf("waits %v, want %v", gaps, row.want)
				}
				if l := r.link(); l.State != LinkBlocked || !l.NextAttempt.After(time.Now()) {
					t.Errorf("the link is %+v", l)
				}
				r.server.setDialed(func() error { r.note(); return nil })
				trusted.Store("the key")
				r.pass(accountLook)
				r.await(EventDelivered, "a", "acme")
			})
		})
	}
}
