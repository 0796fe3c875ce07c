package e2e

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// reloadJSON is what `reload --json` prints.
type reloadJSON struct {
	Command, Config string
	Count           int
	Changes         []string
}

// leftJSON is the part of `status --json` that speaks of the configuration.
type leftJSON struct {
	Agent struct {
		Config   string
		LoadedAt *time.Time `json:"loaded_at"`
	}
	Left []struct {
		Folder, Destination               string
		Planned, Committing, Held, Parked int
	}
}

func (r *rig) left() leftJSON {
	r.t.Helper()
	return decode[leftJSON](r.t, r.expect(0, "status", "--json").stdout)
}

// reload has the agent load its configuration, which has to change these things.
func (r *rig) reload(changes ...string) {
	r.t.Helper()
	got := decode[reloadJSON](r.t, r.expect(0, "reload", "--json").stdout)
	if got.Command != "reload" || got.Config != r.config || got.Count != len(changes) || len(got.Changes) != len(changes) {
		r.t.Fatalf("reload: %+v, want %q", got, changes)
	}
	for i, want := range changes {
		if !strings.Contains(got.Changes[i], want) {
			r.t.Errorf("reload: %q, want %q", got.Changes[i], want)
		}
	}
}

// arrives waits until a file of the server has the content.
func (r *rig) arrives(name, content string) {
	r.t.Helper()
	eventually(r.t, name+" arrives", 20*time.Second, func() bool { return tree(r.t, r.sshd.Dir)[name] == content })
}

// looked waits until the agent has looked at a folder after the moment.
func (r *rig) looked(folder string, after time.Time) {
	r.t.Helper()
	eventually(r.t, folder+" is looked at", 20*time.Second, func() bool {
		for _, f := range r.status().Folders {
			if f.Name == folder {
				return f.LastScan != nil && f.LastScan.After(after) && f.Settling == 0
			}
		}
		return false
	})
}

// calm waits until nothing is to be delivered.
func (r *rig) calm() {
	r.t.Helper()
	eventually(r.t, "nothing is left to do", 20*time.Second, func() bool {
		for _, f := range r.status().Folders {
			if f.LastScan == nil || f.Settling+f.Ready > 0 {
				return false
			}
		}
		return true
	})
}

// slowly is the rig's server behind a wire that lets so many bytes through in a second.
func slowly(t *testing.T, r *rig, rate int) (wire *sftptest.Wire, destination string) {
	t.Helper()
	wire = sftptest.StartWire(t, r.sshd.Addr)
	wire.SetRate(rate)
	return wire, sftptest.Through(wire, r.acme())
}

// hangup asks the agent to reload by a signal.
func (a *agent) hangup() {
	a.t.Helper()
	if err := a.command.Process.Signal(syscall.SIGHUP); err != nil {
		a.t.Fatal(err)
	}
}
