package agent

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/internal/sftptest"
)

func TestPlaceOfATrial(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 30, 4, 5, 6, 0, time.UTC)
	for directory, want := range map[string]string{
		"": "acme:", "in": "acme:in/", "in/out": "acme:in/out/", "/abs": "acme:/abs/", "in/{yyyy}/{mm}": "acme:in/", "{yyyy}": "acme:", "in/a-{mm}": "acme:in/",
	} {
		if got, want := NewTrial(&config.Config{}, "acme", directory, at).To, want+"dropferry-test-20261130T040506Z.txt"; got != want {
			t.Errorf("in %q it is %s, want %s", directory, got, want)
		}
	}
}

// What is removed is what was sent, and nothing else.
func TestRemovalOfATrial(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	s := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	c := &config.Config{Destinations: []config.Destination{{
		Name: "acme", Host: s.Host, Port: s.Port, User: s.User, KeyFile: s.KeyFile, HostKey: s.Fingerprints, Root: s.Dir,
	}}}
	c.Agent.StateDir = t.TempDir()
	trial := NewTrial(c, "acme", "", time.Now())
	result, err := trial.Send(t.Context(), c)
	if err != nil || !result.Sent {
		t.Fatal(result, err)
	}
	file := filepath.Join(s.Dir, strings.TrimPrefix(trial.To, "acme:"))
	if err := os.WriteFile(file, []byte("somebody else's"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := trial.Remove(t.Context(), c); err == nil || !strings.Contains(err.Error(), "is not what was sent any more, and stays") {
		t.Error(err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if taken, err := trial.Remove(t.Context(), c); err != nil || !taken {
		t.Error(taken, err)
	}
}
