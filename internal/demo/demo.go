// Package demo does dropferry's main job with nothing to set up: an SFTP server in this process, a watched folder with
// files arriving in it, and the real agent with a real configuration between the two. With faults, there is a line between
// agent and server that fails by a script, and so does the server.
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
	"time"

	"github.com/dropferry/dropferry/agent"
	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/syncer"
)

// Options are how a demo runs.
type Options struct {
	Once    bool            // end after the samples; otherwise go on until the context ends
	Faults  bool            // let the line and the server fail meanwhile
	Out     io.Writer       // what happens, for a person
	Note    func(string)    // hears of each fault, and what the agent does about it; needed with Faults
	Observe syncer.Observer // hears of every event; nil is fine
	Log     *slog.Logger
}

// scene is the demo's set: everything lies in one new directory.
type scene struct {
	dir    string
	outbox string
	server *sftptest.Server
	serve  sftptest.ServerOptions // of the server, to start it again
	wire   *sftptest.Wire         // nil without faults
	config *config.Config
	text   string
}

// onceWithin is how long a demo with faults may take until all has arrived: many times of what it needs.
const onceWithin = 2 * time.Minute

// errOver ends a demo that has shown everything.
var errOver = errors.New("the demo is over")

// Run plays the demo and returns the receipts of the samples, in the order of their delivery. Its directory is removed
// again. With Faults it fails where a sample does not arrive, or not as it was.
func Run(ctx context.Context, o Options) (receipts []state.Delivery, err error) {
	s, err := build(o.Faults)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.introduce(o.Out); err != nil {
		return nil, err
	}
	arrivals, observe := samples(), o.Observe
	var faults *faults
	if o.Faults {
		faults = newFaults(s, o.Note, o.Observe)
		arrivals, observe = faultySamples(faults.found), faults.observe
	}
	count := newCounter(len(arrivals), observe)
	a, err := agent.New(ctx, s.config, agent.Options{Log: o.Log, Observe: count.observe})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	err = together(ctx, a.Run,
		func(ctx context.Context) error { return drop(ctx, s.outbox, arrivals) },
		func(ctx context.Context) error { return faults.play(ctx) },
		func(ctx context.Context) error {
			if err := s.await(ctx, o, count); err != nil || ctx.Err() != nil {
				return err
			}
			if err := faults.sum(o.Out, arrivals); err != nil {
				return err
			}
			return s.goOn(o)
		})
	return count.receipts(), err
}

// together runs the parts of a demo until all have ended. The first that fails ends the others.
func together(ctx context.Context, parts ...func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failures := make([]error, len(parts))
	var running sync.WaitGroup
	for i, part := range parts {
		running.Go(func() {
			err := part(ctx)
			if err != nil {
				cancel()
			}
			if !errors.Is(err, errOver) {
				failures[i] = err
			}
		})
	}
	running.Wait()
	return errors.Join(failures...)
}

// await waits until all samples are delivered. Where people want to see that faults do no harm, less is a failure.
func (s *scene) await(ctx context.Context, o Options, count *counter) error {
	var late <-chan time.Time
	if o.Once && o.Faults {
		timer := time.NewTimer(onceWithin)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-count.all:
		return nil
	case <-late:
		return fmt.Errorf("not all samples were delivered within %v", onceWithin)
	case <-ctx.Done():
		if late != nil {
			return fmt.Errorf("not all samples were delivered: %w", ctx.Err())
		}
		return nil
	}
}

// goOn ends the demo with Once, and else says how to go on with it.
func (s *scene) goOn(o Options) error {
	if o.Once {
		return errOver
	}
	_, err := fmt.Fprintf(o.Out, "\nAll samples are delivered. Drop files of your own into\n  %s\nand find them in\n  %s\nCtrl-C ends the demo and removes both.\n",
		s.outbox, s.inbox())
	return err
}

// introduce says what there is.
func (s *scene) introduce(out io.Writer) error {
	where := s.server.Addr()
	if s.wire != nil {
		where += fmt.Sprintf(",\nbehind a bad line of %s/s that listens on %s", mebibytes(lineRate), s.wire.Addr())
	}
	_, err := fmt.Fprintf(out, "A private SFTP server listens on %s, and an outbox waits at\n  %s\nThe agent runs with this configuration:\n\n%s\nSample files arrive:\n",
		where, s.outbox, s.text)
	return err
}

// inbox is where the samples go to, on the disk.
func (s *scene) inbox() string { return filepath.Join(s.dir, "server", "incoming") }

func (s *scene) close() error {
	var err error
	if s.wire != nil {
		err = s.wire.Close()
	}
	return errors.Join(err, s.server.Close(), os.RemoveAll(s.dir))
}

// build makes keys, server, outbox and configuration, and a bad line where there are to be faults.
func build(faults bool) (*scene, error) {
	dir, err := os.MkdirTemp("", "dropferry-demo-")
	if err != nil {
		return nil, err
	}
	s := &scene{dir: dir, outbox: filepath.Join(dir, "outbox")}
	if err := s.build(faults); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

func (s *scene) build(faults bool) error {
	for _, dir := range []string{s.outbox, s.inbox()} {
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
	if err := s.listen(key); err != nil {
		return err
	}
	file := filepath.Join(s.dir, "agent.toml")
	s.text, err = s.configure(keyFile, faults)
	if err == nil {
		err = os.WriteFile(file, []byte(s.text), 0o600)
	}
	if err == nil {
		s.config, err = config.Load(file)
	}
	if err != nil {
		return errors.Join(err, s.close())
	}
	return nil
}

// listen starts the server, with a host key that it keeps.
func (s *scene) listen(key sftptest.Key) error {
	host, err := sftptest.NewKey("ed25519")
	if err != nil {
		return err
	}
	s.serve = sftptest.ServerOptions{Dir: filepath.Join(s.dir, "server"), AuthorizedKeys: key.Authorizes()}
	s.serve.HostKeys = append(s.serve.HostKeys, host.Signer)
	s.server, err = sftptest.NewServer(s.serve)
	return err
}

// configure words the configuration. On a bad line the agent is to notice and to try again sooner than by default, so
// that nobody has to wait for it.
func (s *scene) configure(keyFile string, faults bool) (string, error) {
	host, port, destination, folder := s.server.Host(), s.server.Port(), "", ""
	if faults {
		var err error
		if s.wire, err = sftptest.NewWire(s.server.Addr()); err != nil {
			return "", err
		}
		s.wire.SetRate(lineRate)
		host, port, destination, folder = s.wire.Host(), s.wire.Port(), hastyDestination, hastyFolder
	}
	return fmt.Sprintf(`version = 1

[agent]
name = "demo"
state_dir = '%s'

[control]
listen = ""

[[destination]]
name = "partner"
host = "%s"
port = %d
user = "demo"
key_file = '%s'
host_key = ["%s"]
root = "/incoming"
%s
[[folder]]
name = "outbox"
mode = "outbox"
path = '%s'
verify = "content"
after = "archive"
archive = '%s'
%sto = ["partner"]
`, filepath.Join(s.dir, "state"), host, port, keyFile, s.server.Fingerprint(), destination, s.outbox,
		filepath.Join(s.dir, "sent"), folder), nil
}
