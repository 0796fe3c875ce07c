package agent

import (
	"testing"
	"time"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/remote"
)

// A server that bears one request at a time ends the sessions that ask for more, and is told about all the same.
func TestConnectToAServerThatBearsOneRequest(t *testing.T) {
	t.Parallel()
	slow := sftptest.Fault{Op: sftptest.OpLstat + "," + sftptest.OpOpen, Delay: 20 * time.Millisecond}
	s := sftptest.StartServer(t, sftptest.ServerOptions{}, sftptest.MaxInFlight(1), slow)
	c := &config.Config{}
	c.Agent.StateDir = t.TempDir()
	d := &config.Destination{
		Name: "acme", Host: s.Host(), Port: s.Port(), User: s.User, KeyFile: s.KeyFile, HostKey: []string{s.Fingerprint()}, Root: "/",
	}
	got := Connect(t.Context(), c, d)
	if got.Err != nil || got.Capabilities == nil || got.Capabilities.InFlight != 1 {
		t.Fatalf("%+v", got)
	}
	told := false
	for _, f := range got.Findings {
		told = told || f == remote.Finding{Name: "requests", Text: f.Text}
	}
	if !told {
		t.Errorf("findings %+v", got.Findings)
	}

	s.Faults.Clear()
	s.Faults.Add(sftptest.Fault{Op: sftptest.OpRename, Cut: true})
	if got := Connect(t.Context(), c, d); remote.KindOf(got.Err) != remote.Transient {
		t.Errorf("a server that always cuts: %v", got.Err)
	}
}
