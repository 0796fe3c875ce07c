package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// prepare makes directories, server, wire, configuration and program.
func (s *soak) prepare(ctx context.Context) (err error) {
	s.made = &production{seed: s.seed, roots: map[string]string{}, there: there, last: map[string]int{}}
	for _, folder := range []string{outbox, mirror} {
		s.made.roots[folder] = s.at(folder)
	}
	for _, dir := range []string{outbox, mirror, "archive", "home", "server"} {
		if err := os.MkdirAll(s.at(dir), 0o700); err != nil {
			return err
		}
	}
	s.disk, err = mountDisk(s.at("server"))
	switch {
	case errors.Is(err, errNoDisk):
		s.facts.NotTried = fmt.Sprintf("%s: %v", fullDisk, err)
		s.say("NOT TRIED: %s", s.facts.NotTried)
	case err != nil:
		return err
	default:
		s.stage.Cleanup(func() {
			if err := s.disk.unmount(); err != nil {
				s.say("unmount the server's disk: %v", err)
			}
		})
	}
	s.root = s.at("server/root")
	s.made.root = s.root
	for _, dir := range []string{s.root, s.at("server/taken")} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
	}
	if s.log, err = newLogbook(s.dir); err != nil {
		return err
	}
	s.stage.Cleanup(func() { _ = s.log.close() }) // nothing is written any more
	if err := s.serve(); err != nil {
		return err
	}
	s.agent = &agent{binary: s.binary, config: s.at("agent.toml"), home: s.at("home"), log: s.log}
	if s.binary == "" {
		s.agent.binary = s.at("dropferry")
		if err := s.build(ctx); err != nil {
			return err
		}
	}
	return s.configure()
}

// isHashless tells whether the server runs no commands, so that the evidence is the size and a hole in a file would show in the
// file alone: every third seed.
func (s *soak) isHashless() bool { return s.seed%3 == 0 }

// serve starts the server and the wire to it.
func (s *soak) serve() error {
	o := sftptest.SSHDOptions{External: true, NoExec: s.isHashless()}
	err := guard(func() { s.sshd = sftptest.StartSSHD(s.stage, o) })
	if err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	if err := guard(func() { s.wire = sftptest.StartWire(s.stage, s.sshd.Addr) }); err != nil {
		return err
	}
	s.wire.SetRate(s.rate)
	return nil
}

// build builds the agent from the tree that the soak runs in.
func (s *soak) build(ctx context.Context) error {
	args := []string{"build", "-trimpath", "-o", s.agent.binary}
	env := append(os.Environ(), "CGO_ENABLED=0")
	if s.race {
		args, env = append(args, "-race"), append(os.Environ(), "CGO_ENABLED=1")
	}
	c := exec.CommandContext(ctx, "go", append(args, "github.com/dropferry/dropferry/cmd/dropferry")...)
	c.Env = env
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("build the agent: %w\n%s", err, out)
	}
	return nil
}

// configure writes the agent's configuration: small times, so that a few minutes hold many failures and recoveries.
func (s *soak) configure() error {
	destination := sftptest.Through(s.wire, s.sshd.TOML("partner"))
	destination = strings.Replace(destination, fmt.Sprintf("root = %q", s.sshd.Dir), fmt.Sprintf("root = %q", s.root), 1)
	verify := "content"
	if s.isHashless() {
		verify = "size"
	}
	text := fmt.Sprintf(`version = 1

[agent]
name = "soak"
state_dir = %q
shutdown_grace = "2s"

[control]
listen = ""

[defaults]
stable_for = "%v"
verify = "%s"
retry = { initial = "500ms", max = "2s" }
checkpoint = { size = "4MiB", every = "1s" }

%sconnect_timeout = "5s"
keepalive = "1s"
stall_timeout = "%v"

[[folder]]
name = "outbox"
mode = "outbox"
path = %q
after = "archive"
archive = %q
to = ["partner:%s"]

[[folder]]
name = "mirror"
mode = "mirror"
path = %q
to = ["partner:%s"]
`, s.at("state"), stableFor, verify, destination, stall, s.at(outbox), s.at("archive"), there[outbox], s.at(mirror), there[mirror])
	return os.WriteFile(s.agent.config, []byte(text), 0o600)
}
