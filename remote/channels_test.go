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
		5:  {"channels", false, "5 on a connection, where up to 8 are of use over a long line: ask for more (MaxSessions, docs/server.md)"},
		1:  {"channels", false, "1 on a connection, where up to 8 are of use over a long line: ask for more (MaxSessions, docs/server.md)"},
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

// A command that has just been left counts at the server until it has ended.
func TestChannelsBesideACommandThatEnds(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{Config: []string{"MaxSessions 5"}})
	s := mustDial(t, sshdTarget(sshd))
	c, err := s.open()
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := c.SendRequest("exec", true, appendString(nil, "sleep 0.3")); !ok || err != nil {
		t.Fatalf("exec: %t, %v", ok, err)
	}
	_ = c.Close() // it runs on
	if f := s.Channels(t.Context()); !strings.HasPrefix(f.Text, "5 on a connection,") {
		t.Errorf("%+v, want 5", f)
	}
}

// Further connections are tried, beside the channels of one, where they are asked for.
func TestConnectionsThatAServerAllows(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	for name, row := range map[string]struct {
		change func(*Target)
		spoil  func(*Session)
		logins int
		ok     bool
		text   string
	}{
		"one":          {logins: 1},
		"three":        {change: func(t *Target) { t.Connections = 3 }, logins: 2, ok: true, text: "a second one is let in: up to 3 for large files"},
		"refused":      {change: func(t *Target) { t.Connections = 3 }, spoil: func(s *Session) { s.target.Port = 1 }, logins: 1, text: "a second one was refused ("},
		"few requests": {change: func(t *Target) { t.Connections, t.Requests = 3, 9 }, logins: 1, text: "one thing at a time"},
		"codes": {
			change: func(t *Target) { t.Connections, t.Answers = 3, []Answer{{"*code*", secret("1")}} }, logins: 1, text: "a code counts for one login",
		},
	} {
		target := sshdTarget(sshd)
		if row.change != nil {
			row.change(&target)
		}
		before := logins(sshd)
		s := mustDial(t, target)
		if f := s.Channels(t.Context()); !f.OK {
			t.Errorf("%s: %+v", name, f)
		}
		if row.spoil != nil {
			row.spoil(s)
		}
		f, told := s.Connections(t.Context())
		if told != (row.text != "") || f.OK != row.ok || !strings.Contains(f.Text, row.text) {
			t.Errorf("%s: %+v, %t", name, f, told)
		}
		eventually(t, name+": so many logins", func() bool { return logins(sshd)-before == row.logins }) // sshd may be late to tell
		if s.Err() != nil {
			t.Errorf("%s: %v", name, s.Err())
		}
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
