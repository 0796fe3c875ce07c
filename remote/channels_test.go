package remote

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// The owner of a server that allows too few is told which setting it is.
func TestChannelsThatAServerAllows(t *testing.T) {
	t.Parallel()
	for allowed, want := range map[int]Finding{
		10: {"channels", true, "8 on a connection, as many as are used"},
		5:  {"channels", false, "5 on a connection, where up to 8 are of use: set channels = 4, or ask for more (MaxSessions, docs/server.md)"},
		1:  {"channels", false, "1 on a connection, where up to 8 are of use: set channels = 1, or ask for more (MaxSessions, docs/server.md)"},
	} {
		t.Run(fmt.Sprint(allowed), func(t *testing.T) {
			t.Parallel()
			sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{Config: []string{fmt.Sprintf("MaxSessions %d", allowed)}})
			s := mustDial(t, sshdTarget(sshd))
			if f := s.Channels(t.Context()); f != want {
				t.Errorf("%+v, want %+v", f, want)
			}
			mustUpload(t, s, s.target.Path("f.part"), random(1<<10)) // it works on
		})
	}
}

// A session that is ended while nothing is sent is told of, with what its owner may look for.
func TestSessionThatRests(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	s := mustDial(t, sshdTarget(sshd))
	if f := s.Rests(t.Context(), time.Millisecond); !f.OK || f.Name != "idle" {
		t.Errorf("%+v", f)
	}
	time.AfterFunc(50*time.Millisecond, sshd.KillSessions)
	f := s.Rests(t.Context(), time.Hour)
	if f.OK || !strings.Contains(f.Text, "the server closed the connection") || !strings.Contains(f.Text, "docs/server.md") {
		t.Errorf("%+v", f)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	s = mustDial(t, sshdTarget(sshd))
	if f := s.Rests(over, time.Hour); f.OK {
		t.Errorf("%+v", f)
	}
}
