package agent

import (
	"strings"
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
	got := Connect(t.Context(), c, d, 0)
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
	if got := Connect(t.Context(), c, d, 0); remote.KindOf(got.Err) != remote.Transient {
		t.Errorf("a server that always cuts: %v", got.Err)
	}
}

// A server that renames nothing is no use, unless files are written at their final names there on purpose.
func TestConnectToAServerThatRefusesRenames(t *testing.T) {
	t.Parallel()
	refuses := sftptest.StartServer(t, sftptest.ServerOptions{}, sftptest.RefuseRename())
	renames := sftptest.StartServer(t, sftptest.ServerOptions{})
	for _, c := range []struct {
		name    string
		server  *sftptest.TestServer
		publish string
		fails   bool
		finding remote.Finding // without the parts of the text that are not looked for
	}{
		{"rename", refuses, "rename", true, remote.Finding{Text: "REFUSED"}},
		{"direct", refuses, "direct", false, remote.Finding{Text: "not atomic"}},
		{"direct without need", renames, "direct", false, remote.Finding{OK: true, Text: `publish = "rename"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := c.server
			cfg := &config.Config{}
			cfg.Agent.StateDir = t.TempDir()
			got := Connect(t.Context(), cfg, &config.Destination{
				Name: "acme", Host: s.Host(), Port: s.Port(), User: s.User, KeyFile: s.KeyFile, HostKey: []string{s.Fingerprint()},
				Root: "/", Publish: c.publish,
			}, 0)
			if (got.Err != nil) != c.fails || c.fails && !strings.Contains(got.Hint, `publish = "direct"`) {
				t.Errorf("%v, hint %q", got.Err, got.Hint)
			}
			told := 0
			for _, f := range got.Findings {
				if f.Name != "rename" {
					continue
				}
				if told++; f.OK != c.finding.OK || !strings.Contains(f.Text, c.finding.Text) {
					t.Errorf("%+v, want %+v", f, c.finding)
				}
			}
			if told != 1 {
				t.Errorf("renames are told of %d times", told)
			}
		})
	}
}
