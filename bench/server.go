package main

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// login is what a client needs to know of a server.
type login struct {
	host         string
	port         int
	user         string
	keyFile      string
	fingerprints []string // SHA256:... of the host keys
}

// server is a private sshd, the one that the tests use.
type server struct {
	*sftptest.SSHD
	ground  *ground
	account string // a few words about it
}

// plainShell is the login shell that the account is to have: what others read at their start takes time, and some of the
// programs have commands run at the server.
const plainShell = "/bin/sh"

// startServer starts a server that keeps its own files below dir. Where the account cannot be given a plain shell it keeps
// its own.
func startServer(dir string) (*server, error) {
	s, err := tryServer(dir, sftptest.SSHDOptions{Shell: plainShell})
	if err == nil {
		s.account = s.User + " with " + plainShell + " and a home without any files"
		return s, nil
	}
	if s, err = tryServer(dir, sftptest.SSHDOptions{}); err == nil {
		s.account = s.User + " with its own shell, for want of root's rights, and a home without any files"
	}
	return s, err
}

func tryServer(dir string, o sftptest.SSHDOptions) (s *server, err error) {
	g := &ground{dir: dir}
	defer func() {
		if r := recover(); r != nil {
			end, ok := r.(gaveUp)
			if !ok {
				panic(r)
			}
			g.close()
			s, err = nil, end.error
		}
	}()
	return &server{SSHD: sftptest.StartSSHD(g, o), ground: g}, nil
}

func (s *server) close() { s.ground.close() }

func (s *server) login() login {
	return login{s.Host, s.Port, s.User, s.KeyFile, s.Fingerprints}
}

// ground stands in for the test that sftptest wants: what would end a test ends the call instead. It is for one
// goroutine.
type ground struct {
	dir      string
	cleanups []func()
	failed   bool
}

var _ sftptest.TB = (*ground)(nil)

// gaveUp is the panic that carries an end to startServer.
type gaveUp struct{ error }

// Helper has no meaning here.
func (g *ground) Helper() {}

// Cleanup calls f at the end, the last one first.
func (g *ground) Cleanup(f func()) { g.cleanups = append(g.cleanups, f) }

// TempDir returns a fresh directory, which goes with the benchmark's own.
func (g *ground) TempDir() string {
	name, err := os.MkdirTemp(g.dir, "server-")
	if err != nil {
		g.Fatal(err)
	}
	return name
}

// Failed tells whether the server could not be started.
func (g *ground) Failed() bool { return g.failed }

// Logf is for what a test would tell when it fails; the error has it already.
func (g *ground) Logf(string, ...any) {}

// Fatal ends the call.
func (g *ground) Fatal(args ...any) {
	g.failed = true
	panic(gaveUp{errors.New(fmt.Sprint(args...))})
}

// Fatalf ends the call.
func (g *ground) Fatalf(format string, args ...any) { g.Fatal(fmt.Sprintf(format, args...)) }

// Skipf ends the call: without a server there is nothing to measure.
func (g *ground) Skipf(format string, args ...any) { g.Fatalf(format, args...) }

func (g *ground) close() {
	for _, f := range slices.Backward(g.cleanups) {
		f()
	}
	g.cleanups = nil
}
