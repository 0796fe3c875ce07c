// Package sftptest is the other side of dropferry, for its tests and for its demo:
//
//   - SSHD is a real OpenSSH server on a loopback port. It is the truth: what works against it works.
//   - Server is an SFTP server in this process, over a directory on disk, that misbehaves by a table of faults.
//   - Wire is a TCP path between a client and either of them, with a delay, a rate, cuts and silence.
//   - Observer watches a directory at the server's side and notes every final name that ever appears there.
//
// What takes a TB is for tests. Server and Wire need none and are what the demo runs on.
package sftptest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
)

// ServerOptions describe a Server. Dir and one way to log in are needed.
type ServerOptions struct {
	Dir    string // the directory that the server serves as "/"; nothing outside it can be reached by SFTP
	Listen string // address to listen on; "" is a free port on 127.0.0.1

	Banner         string       // the version string, SSH-2.0-...; "" is x/crypto's
	HostKeys       []ssh.Signer // one fresh ed25519 key if none
	User           string       // the user's name; "" is any
	AuthorizedKeys []ssh.PublicKey
	Password       string
	Interactive    bool // the password is asked for by keyboard-interactive alone
	// PartialKeyThenPassword wants both: the key first, then the password.
	PartialKeyThenPassword bool
	Algorithms             ssh.Config // key exchanges, ciphers and MACs; zero is x/crypto's own choice

	Exec bool // commands are run by /bin/sh, with Dir as their directory; else they are refused
	// Shell runs commands in the place of /bin/sh, where Exec is set. It ends with its context, and returns the exit status, or NotRun.
	Shell       func(ctx context.Context, command string, in io.Reader, out io.Writer) (exit uint32)
	ShellText   string // sent on the SFTP channel before the protocol, as by a login shell whose profile prints text
	MaxSessions int    // channels that a connection may have at once; 0 is any number

	Limits    *Limits    // answer to limits@openssh.com; nil is a server without it
	CheckFile *CheckFile // how it answers check-file requests; nil is a server without them
	Copies    bool       // copy-data is there
	MaxRead   uint32     // most bytes in the reply to a read; 32 KiB if less

	// SameName makes names one of which it returns the same, as a file system does that keeps the case of names and does not
	// tell them apart by it: strings.ToLower, say. A file keeps the name that it was made under. nil is any other.
	SameName func(name string) string

	Faults *Faults // nil is an empty table
}

// Server is an SFTP server in this process, over a directory on disk.
type Server struct {
	Faults *Faults // its table; may be changed at any time

	options  ServerOptions
	config   *ssh.ServerConfig
	root     *os.Root
	listener net.Listener
	stop     context.CancelFunc
	running  sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]struct{}
	stats ServerStats
}

// ServerStats count what clients have done since the server's start.
type ServerStats struct {
	Connections int // accepted
	Logins      int // that authenticated
	Refused     int // attempts to authenticate that failed
}

// NewServer starts a server. Close ends it.
func NewServer(o ServerOptions) (*Server, error) {
	s := &Server{Faults: o.Faults, options: o, conns: map[net.Conn]struct{}{}}
	if s.Faults == nil {
		s.Faults = NewFaults()
	}
	var err error
	if s.config, err = s.loginConfig(); err != nil {
		return nil, err
	}
	if s.root, err = os.OpenRoot(o.Dir); err != nil {
		return nil, err
	}
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if s.listener, err = net.Listen("tcp", o.Listen); err != nil {
		return nil, errors.Join(err, s.root.Close())
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.running.Go(func() { s.accept(ctx) })
	return s, nil
}

// Addr returns the address as host:port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Host returns the address's host.
func (s *Server) Host() string { return hostOf(s.listener) }

// Port returns the address's port.
func (s *Server) Port() int { return portOf(s.listener) }

// Fingerprint returns the fingerprint of the first host key, as SHA256:...
func (s *Server) Fingerprint() string {
	return ssh.FingerprintSHA256(s.options.HostKeys[0].PublicKey())
}

// Stats returns the counts so far.
func (s *Server) Stats() ServerStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// CloseConnections closes the connections that are open now. The server goes on.
func (s *Server) CloseConnections() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.Close() // what matters is that it is gone
	}
}

// Close ends the server and its connections, and waits for their goroutines and commands.
func (s *Server) Close() error {
	s.stop()
	err := s.listener.Close()
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	s.CloseConnections()
	s.running.Wait()
	return errors.Join(err, s.root.Close())
}

func (s *Server) accept(ctx context.Context) {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue // the one client is gone, or files are short: not the end of the server
		}
		s.mu.Lock()
		if ctx.Err() != nil { // too late for Close to find it
			s.mu.Unlock()
			_ = c.Close()
			return
		}
		s.conns[c] = struct{}{}
		s.stats.Connections++
		s.mu.Unlock()
		s.running.Go(func() {
			s.serve(ctx, c)
			s.mu.Lock()
			delete(s.conns, c)
			s.mu.Unlock()
			_ = c.Close()
		})
	}
}

// count changes the statistics.
func (s *Server) count(change func(*ServerStats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.stats)
}

func hostOf(l net.Listener) string { return l.Addr().(*net.TCPAddr).IP.String() }
func portOf(l net.Listener) int    { return l.Addr().(*net.TCPAddr).Port }

// destinationTOML is a destination's table in agent.toml.
func destinationTOML(name, host string, port int, user, keyFile, root string, fingerprints []string) string {
	var pins strings.Builder
	for i, f := range fingerprints {
		if i > 0 {
			pins.WriteString(", ")
		}
		fmt.Fprintf(&pins, "%q", f)
	}
	return fmt.Sprintf("[[destination]]\nname = %q\nhost = %q\nport = %d\nuser = %q\nkey_file = %q\nhost_key = [%s]\nroot = %q\n",
		name, host, port, user, keyFile, pins.String(), root)
}
