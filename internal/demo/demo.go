// Package demo does dropferry's main job with nothing to set up: an SFTP server in this process, a watched folder with
// files arriving in it, and the real agent with a real configuration between the two.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/dropferry/dropferry/agent"
	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/syncer"
)

// Options are how a demo runs.
type Options struct {
	Once    bool            // end after the samples; otherwise go on until the context ends
	Out     io.Writer       // what happens, for a person
	Observe syncer.Observer // hears of every event; nil is fine
	Log     *slog.Logger
}

// scene is the demo's set: everything lies in one new directory.
type scene struct {
	dir    string
	outbox string
	server *sftptest.Server
	config *config.Config
	text   string
}

// Run plays the demo and returns the receipts of the samples, in the order of their delivery. With Once its directory is
// removed again.
func Run(ctx context.Context, o Options) (receipts []state.Delivery, err error) {
	s, err := build()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.server.Close(), os.RemoveAll(s.dir)) }()
	_, err = fmt.Fprintf(o.Out, "A private SFTP server listens on %s, and an outbox waits at\n  %s\nThe agent runs with this configuration:\n\n%s\nSample files arrive:\n",
		s.server.Addr(), s.outbox, s.text)
	if err != nil {
		return nil, err
	}
	arrivals := samples()
	count := newCounter(len(arrivals), o.Observe)
	a, err := agent.New(ctx, s.config, agent.Options{Log: o.Log, Observe: count.observe})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var running sync.WaitGroup
	var runErr, dropErr error
	running.Go(func() {
		defer cancel()
		runErr = a.Run(ctx)
	})
	running.Go(func() {
		if dropErr = drop(ctx, s.outbox, arrivals); dropErr != nil {
			cancel()
		}
	})
	select {
	case <-count.all:
	case <-ctx.Done():
	}
	if o.Once {
		cancel()
	} else if ctx.Err() == nil {
		_, _ = fmt.Fprintf(o.Out, "\nAll samples are delivered. Drop files of your own into\n  %s\nand find them in\n  %s\nCtrl-C ends the demo and removes both.\n",
			s.outbox, filepath.Join(s.dir, "server", "incoming"))
		<-ctx.Done()
	}
	running.Wait()
	return count.receipts(), errors.Join(runErr, dropErr)
}

// build makes keys, server, outbox and configuration.
func build() (*scene, error) {
	dir, err := os.MkdirTemp("", "dropferry-demo-")
	if err != nil {
		return nil, err
	}
	s := &scene{dir: dir, outbox: filepath.Join(dir, "outbox")}
	if err := s.build(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

func (s *scene) build() error {
	root := filepath.Join(s.dir, "server")
	for _, dir := range []string{s.outbox, filepath.Join(root, "incoming")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	keyFile := filepath.Join(s.dir, "key")
	key, err := sftptest.NewKey("ed25519")
	if err != nil {
		return err
	}
	if err := key.Write(keyFile); err != nil {
		return err
	}
	s.server, err = sftptest.NewServer(sftptest.ServerOptions{Dir: root, AuthorizedKeys: key.Authorizes()})
	if err != nil {
		return err
	}
	s.text = fmt.Sprintf(`version = 1

[agent]
name = "demo"
state_dir = '%s'

[[destination]]
name = "partner"
host = "%s"
port = %d
user = "demo"
key_file = '%s'
host_key = ["%s"]
root = "/incoming"

[[folder]]
name = "outbox"
mode = "outbox"
path = '%s'
verify = "content"
after = "archive"
archive = '%s'
to = ["partner"]
`, filepath.Join(s.dir, "state"), s.server.Host(), s.server.Port(), keyFile, s.server.Fingerprint(), s.outbox,
		filepath.Join(s.dir, "sent"))
	file := filepath.Join(s.dir, "agent.toml")
	if err := os.WriteFile(file, []byte(s.text), 0o600); err != nil {
		return errors.Join(err, s.server.Close())
	}
	if s.config, err = config.Load(file); err != nil {
		return errors.Join(err, s.server.Close())
	}
	return nil
}
