package main

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/internal/sftptest"
)

// TestConfiguration holds that the configuration is one that dropferry takes, and asks for all that it promises.
func TestConfiguration(t *testing.T) {
	dir := t.TempDir()
	key, err := sftptest.NewKey("ed25519")
	if err == nil {
		err = key.Write(filepath.Join(dir, "key"))
	}
	if err != nil {
		t.Fatal(err)
	}
	name, err := configuration{
		login:   login{"127.0.0.1", 2222, "root", filepath.Join(dir, "key"), []string{key.Fingerprint()}},
		scratch: dir, target: "/srv/in", agent: []string{`shutdown_grace = "7s"`}, destination: []string{`keepalive = "3s"`},
		folders: []folder{{"one", filepath.Join(dir, "one"), "in/one", []string{quiet}}, {"two", filepath.Join(dir, "two"), "", []string{atOnce}}},
	}.write()
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	if f := c.Folders[0]; f.StableFor != time.Millisecond || f.Verify != "content" || f.After != config.Keep {
		t.Errorf("the first folder is %+v", f)
	}
	if f := c.Folders[1]; f.Ready != "rename" || f.Verify != "content" {
		t.Errorf("the second folder is %+v", f)
	}
	if c.Agent.ShutdownGrace != 7*time.Second || c.Destinations[0].Keepalive != 3*time.Second {
		t.Errorf("more lines have no effect: %+v, %+v", c.Agent, c.Destinations[0])
	}
}
