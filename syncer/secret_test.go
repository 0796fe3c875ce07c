package syncer

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dropferry/dropferry/remote"
)

// TestASecretThatChangesDuringALogin is tried soon: what was refused, and what the line was lost with, is the one before it.
func TestASecretThatChangesDuringALogin(t *testing.T) {
	for name, kind := range map[string]remote.Kind{"refused": remote.Auth, "lost": remote.Transient} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(r *patientRig) {
				r.folder.Retry = Retry{Initial: time.Hour, Max: time.Hour}
				var account atomic.Value
				account.Store("wrong")
				r.options.Destinations[0].Account = func() string { return account.Load().(string) }
				r.server.setDialed(func() error {
					r.note()
					used := account.Swap("right")
					if used == "right" {
						return nil
					}
					time.Sleep(5 * time.Second) // a login takes its time
					return problem("connect", "", kind, errors.New("refused"))
				})
				r.drop("a", "content")
				r.start()
				r.scan()
				time.Sleep(5 * time.Second)
				synctest.Wait()
				b, found, err := r.rig.store.BlockOf(r.Context(), "acme")
				if err != nil || found != (kind == remote.Auth) || found && b.Secret != "wrong" {
					t.Errorf("blocked: %v, %+v, %v", found, b, err)
				}
				w, found, err := r.rig.store.WaitOf(r.Context(), "acme")
				if err != nil || found != (kind == remote.Transient) || found && w.Account != "wrong" {
					t.Errorf("waits: %v, %+v, %v", found, w, err)
				}
				if dials, _ := r.pass(20 * time.Second); dials != 1 {
					t.Errorf("%d dials with the new secret, want 1", dials)
				}
				r.await(EventDelivered, "a", "acme")
				if _, found, err := r.rig.store.BlockOf(r.Context(), "acme"); found || err != nil {
					t.Errorf("still blocked: %v, %v", found, err)
				}
			})
		})
	}
}
