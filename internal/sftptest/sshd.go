package sftptest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// SSHDOptions describe an SSHD. The zero value is a server as most are.
type SSHDOptions struct {
	HostKeys  []string // kinds of host keys: "ed25519", "rsa", "ecdsa"; one ed25519 key if none
	Config    []string // lines for sshd_config, before the server's own: the first value of a keyword counts
	NoExec    bool     // sessions are SFTP and nothing else
	Subsystem string   // how SFTP is served; "" is internal-sftp
	External  bool     // sessions are served by the sftp-server binary, a process of its own that can be frozen
	Env       []string // NAME=value, in the environment of sessions
	Jail      bool     // the account sees Dir alone, as /dir, and runs no commands; only as root
	PAM       *PAM     // what the account is asked for besides its key, or instead; nil is nothing. Linux, and only as root
	Shell     string   // path of the account's login shell, for this server alone; Linux, and only as root
}

// SSHD is a private OpenSSH server on a loopback port, run as the current user. Its account may log in by key, with the
// whole file system in reach; Dir is there to be the destination's root.
type SSHD struct {
	Host         string
	Port         int    // the same after a restart
	Addr         string // host:port
	User         string
	Dir          string   // a fresh directory
	Root         string   // what the server calls Dir
	KeyFile      string   // the client's private key, ed25519
	Fingerprints []string // SHA256:... of each host key
	KnownHosts   string   // a known_hosts file with all of them

	tb      TB
	options SSHDOptions
	program string
	home    string        // the server's own files
	public  ssh.PublicKey // of KeyFile
	log     logBuffer

	mu      sync.Mutex
	process *process // nil while stopped
}

// sshdDeadline is for everything that a healthy sshd does in a fraction of a second.
const sshdDeadline = 15 * time.Second

// RequireSSHD is the environment variable that makes tests fail where OpenSSH is missing, when it is "1".
const RequireSSHD = "DROPFERRY_REQUIRE_SSHD"

// StartSSHD starts a server that ends with the test. Where none is installed the test is skipped, or fails if
// DROPFERRY_REQUIRE_SSHD is 1.
func StartSSHD(tb TB, o SSHDOptions) *SSHD {
	tb.Helper()
	program, err := findSSHD()
	if err == nil && o.External {
		_, err = findSFTPServer()
	}
	if err == nil && o.PAM != nil {
		err = o.PAM.missing()
	}
	if err != nil {
		missingSSHD(tb, err)
	}
	if o.PAM != nil && (os.Geteuid() != 0 || runtime.GOOS != "linux") {
		tb.Skipf("PAM for one server needs root, and Linux")
	}
	u, err := user.Current()
	if err != nil {
		tb.Fatalf("find the current user: %v", err)
	}
	s := &SSHD{
		Host: "127.0.0.1", User: u.Username, Dir: tb.TempDir(),
		tb: tb, options: o, program: program, home: tb.TempDir(),
	}
	s.Root = s.Dir
	if o.Jail {
		s.jail()
	}
	s.KnownHosts = filepath.Join(s.home, "known_hosts")
	key, keyFile := clientKey(tb, s.home)
	s.KeyFile, s.public = keyFile, key.PublicKey()
	tb.Cleanup(func() {
		s.Stop()
		if tb.Failed() {
			tb.Logf("sshd said:\n%s", tail(s.Log(), 4000))
		}
	})
	if err := s.launch(); err != nil {
		tb.Fatalf("start sshd: %v\n%s", err, tail(s.Log(), 4000))
	}
	return s
}

// jail makes the directory that the account is locked in. sshd wants one that only root can write in, with all above it,
// which a test's own does not lie in.
func (s *SSHD) jail() {
	s.tb.Helper()
	if os.Geteuid() != 0 {
		s.tb.Skipf("a jail needs root")
	}
	dir, err := os.MkdirTemp("/run", "dropferry-jail-")
	if err != nil {
		s.tb.Fatalf("make a jail: %v", err)
	}
	s.tb.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			s.tb.Logf("remove the jail: %v", err)
		}
	})
	s.Root, s.Dir = "/dir", filepath.Join(dir, "dir")
	if err := errors.Join(os.Chmod(dir, 0o755), os.Mkdir(s.Dir, 0o755)); err != nil {
		s.tb.Fatalf("make a jail: %v", err)
	}
	s.options.Config = append(slices.Clip(s.options.Config), "ChrootDirectory "+dir)
}

// missingSSHD ends a test that cannot be made here.
func missingSSHD(tb TB, err error) {
	tb.Helper()
	if os.Getenv(RequireSSHD) == "1" {
		tb.Fatalf("%v, and %s=1 asks for it: install openssh-server", err, RequireSSHD)
	}
	tb.Skipf("%v: install openssh-server to run this test", err)
}

// findSSHD returns the absolute path of sshd, which needs one to run itself again for each connection.
func findSSHD() (string, error) {
	if runtime.GOOS == "windows" { // under wine it can be seen, and not be started
		return "", errors.New("this takes an OpenSSH server on Unix")
	}
	name, err := findProgram("sshd")
	if err != nil {
		return "", errors.New("no OpenSSH server (sshd) is installed")
	}
	return filepath.Abs(name)
}

func findSFTPServer() (string, error) {
	for _, dir := range []string{"/usr/lib/openssh", "/usr/libexec/openssh", "/usr/libexec", "/usr/lib/ssh", "/usr/lib"} {
		name := filepath.Join(dir, sftpServer)
		if _, err := os.Stat(name); err == nil {
			return name, nil
		}
	}
	return "", errors.New("no sftp-server of OpenSSH is installed")
}

// launch writes keys and configuration and starts the server on a free port.
func (s *SSHD) launch() error {
	if err := s.writeKeys(); err != nil {
		return err
	}
	var err error
	for range 5 { // somebody else may take a port between its choice and its use
		if s.Port, err = freePort(); err != nil {
			return err
		}
		s.Addr = fmt.Sprintf("%s:%d", s.Host, s.Port)
		if err = errors.Join(s.writeKnownHosts(), s.configure()); err != nil {
			return err
		}
		if err = s.run(); !errors.Is(err, errPortTaken) {
			return err
		}
	}
	return err
}

// Start starts a stopped server again, on its port. A fault ends the test.
func (s *SSHD) Start() {
	s.tb.Helper()
	deadline := time.Now().Add(sshdDeadline)
	err := s.run()
	for errors.Is(err, errPortTaken) && time.Now().Before(deadline) {
		time.Sleep(50 * time.Millisecond) // no event tells when a port is free
		err = s.run()
	}
	if err != nil {
		s.tb.Fatalf("start sshd: %v\n%s", err, tail(s.Log(), 4000))
	}
}

// Stop kills the server and its sessions, as a power cut would, but for the bytes that the kernel has. It returns when
// they are gone.
func (s *SSHD) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return
	}
	s.process.killAll()
	s.process = nil
}

// Restart is Stop and Start.
func (s *SSHD) Restart() {
	s.tb.Helper()
	s.Stop()
	s.Start()
}

// KillSessions kills the sessions that are open and returns when they are gone. The server goes on.
func (s *SSHD) KillSessions() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		s.process.killChildren()
	}
}

// Freeze stops the sftp-server processes of all sessions, so that requests hang while SSH itself answers, and returns
// what lets them go on. It needs External, and ends the test if no session is open.
func (s *SSHD) Freeze() (thaw func()) {
	s.tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil || !s.options.External {
		s.tb.Fatal("freeze: the server is stopped, or has no External sftp-server")
	}
	thaw, err := s.process.freeze(sftpServer)
	if err != nil {
		s.tb.Fatalf("freeze: %v", err)
	}
	return thaw
}

// NewHostKeys replaces the host keys from the next Start on, and Fingerprints and KnownHosts with them.
func (s *SSHD) NewHostKeys(kinds ...string) {
	s.tb.Helper()
	s.options.HostKeys = kinds
	if err := errors.Join(s.writeKeys(), s.writeKnownHosts(), s.configure()); err != nil {
		s.tb.Fatalf("make host keys: %v", err)
	}
}

// Authorize lets another key of the account in, which may be that of a user's certificate authority with options in front:
// `cert-authority`.
func (s *SSHD) Authorize(key ssh.PublicKey, options ...string) {
	s.tb.Helper()
	line := append([]byte(strings.Join(append(options, ""), " ")), ssh.MarshalAuthorizedKey(key)...)
	f, err := os.OpenFile(filepath.Join(s.home, "authorized_keys"), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.Write(line)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		s.tb.Fatalf("authorize a key: %v", err)
	}
}

// TOML returns a [[destination]] table of agent.toml for the server, with Dir as its root.
func (s *SSHD) TOML(name string) string {
	return destinationTOML(name, s.Host, s.Port, s.User, s.KeyFile, s.Root, s.Fingerprints)
}

// Config returns the lines of its configuration that it was started with.
func (s *SSHD) Config() []string { return s.options.Config }

// Log returns what the server has said so far, over all its starts.
func (s *SSHD) Log() string { return s.log.String() }

// tail returns the last n bytes of text from a line's beginning.
func tail(text string, n int) string {
	if len(text) <= n {
		return text
	}
	_, rest, _ := strings.Cut(text[len(text)-n:], "\n")
	return rest
}

// logBuffer collects a process's output.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write appends.
func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String returns all of it.
func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Since returns what came after the first n bytes.
func (l *logBuffer) Since(n int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.b.Bytes()[n:])
}

// Len returns how many bytes there are.
func (l *logBuffer) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Len()
}
