package sftptest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// Product is a private SFTP server of another make than OpenSSH's, run as a program of its own, as the current user, on a
// loopback port. Its account may log in by key.
type Product struct {
	Name         string // of the make
	Version      string // as the program tells it
	Host         string
	Port         int    // the same after a restart
	Addr         string // host:port
	User         string
	Dir          string   // a fresh directory on disk
	Root         string   // what the server calls Dir
	KeyFile      string   // the client's private key, ed25519
	Fingerprints []string // SHA256:... of its host key

	tb      TB
	recipe  recipe
	options ProductOptions
	program string
	home    string        // the server's own files
	public  ssh.PublicKey // of KeyFile
	hostKey string        // file of the host's private key
	log     logBuffer

	mu      sync.Mutex
	process *process // nil while stopped
}

// ProductOptions say what is special about a Product. The zero value is a server as its makers ship it.
type ProductOptions struct {
	Config []string // more of what the program is configured with: lines for ProFTPD, arguments for the others
	Jail   bool     // the account sees Dir as "/"; rclone's always does
}

// recipe is how a Product is made.
type recipe struct {
	name    string         // of the make
	program string         // its executable
	install string         // Debian's packages
	user    string         // "" is the current one
	banner  string         // what its greeting begins with
	version []string       // arguments with which it tells its version
	tells   *regexp.Regexp // finds the version in what it says then
	root    bool           // it has to be run by root
	jailed  bool           // the account cannot see more than Dir
	// arguments writes what the server needs and returns the arguments that run it in the foreground.
	arguments func(p *Product) ([]string, error)
	adapt     func(p *Product, cmd *exec.Cmd) error // changes how it is run; may be nil
}

// start starts a server that ends with the test. Where the program is not installed the test is skipped, or fails if
// DROPFERRY_REQUIRE_SSHD is 1.
func (r recipe) start(tb TB, o ProductOptions) *Product {
	tb.Helper()
	program, err := findProgram(r.program)
	if err != nil {
		missingProgram(tb, r.name, r.install)
	}
	switch {
	case r.root && os.Geteuid() != 0:
		tb.Skipf("%s can be run beside the system's only by root", r.name)
	case o.Jail && !r.jailed && os.Geteuid() != 0:
		tb.Skipf("a jail needs root")
	}
	p := &Product{
		Name: r.name, Host: "127.0.0.1", User: r.user, Dir: tb.TempDir(), Root: "/",
		tb: tb, recipe: r, options: o, program: program, home: tb.TempDir(),
	}
	if !o.Jail && !r.jailed {
		p.Root = p.Dir
	}
	if p.Version, err = r.versionOf(program); err != nil {
		tb.Fatalf("%s: %v", r.name, err)
	}
	if p.User == "" {
		u, err := user.Current()
		if err != nil {
			tb.Fatalf("find the current user: %v", err)
		}
		p.User = u.Username
	}
	key, keyFile := clientKey(tb, p.home)
	p.KeyFile, p.public = keyFile, key.PublicKey()
	if err := p.writeHostKey(); err != nil {
		tb.Fatalf("%s: %v", r.name, err)
	}
	tb.Cleanup(func() {
		p.Stop()
		if tb.Failed() {
			tb.Logf("%s said:\n%s", r.name, tail(p.Log(), 4000))
		}
	})
	if err := p.launch(); err != nil {
		tb.Fatalf("start %s: %v\n%s", r.name, err, tail(p.Log(), 4000))
	}
	return p
}

// findProgram looks where daemons are too, which an account's PATH may leave out.
func findProgram(name string) (string, error) {
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return filepath.Join(dir, name), nil
		}
	}
	return exec.LookPath(name)
}

func (r *recipe) versionOf(program string) (string, error) {
	out, err := exec.Command(program, r.version...).CombinedOutput()
	found := r.tells.FindSubmatch(out)
	if found == nil {
		return "", fmt.Errorf("%s %v tells no version: %w: %s", program, r.version, err, bytes.TrimSpace(out))
	}
	return string(found[1]), nil
}

func (p *Product) writeHostKey() error {
	key, err := NewKey("ed25519")
	if err != nil {
		return err
	}
	p.hostKey = filepath.Join(p.home, "host_key")
	p.Fingerprints = []string{key.Fingerprint()}
	return key.Write(p.hostKey)
}

// launch starts the server on a free port.
func (p *Product) launch() error {
	var err error
	for range 5 { // somebody else may take a port between its choice and its use
		if p.Port, err = freePort(); err != nil {
			return err
		}
		p.Addr = fmt.Sprintf("%s:%d", p.Host, p.Port)
		if err = p.run(); err == nil {
			return nil
		}
	}
	return err
}

// run starts the program and waits until it greets.
func (p *Product) run() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.process != nil {
		return errors.New("it runs already")
	}
	arguments, err := p.recipe.arguments(p)
	if err != nil {
		return err
	}
	cmd := exec.Command(p.program, arguments...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.home, &p.log, &p.log
	tieToThread(cmd)
	if p.recipe.adapt != nil {
		if err := p.recipe.adapt(p, cmd); err != nil {
			return err
		}
	}
	running, err := startProcess(cmd)
	if err != nil {
		return err
	}
	if !waitUntil(sshdDeadline, func() bool { return running.isOver() || greetsAs(p.Addr, p.recipe.banner) == nil }) || running.isOver() {
		running.killAll()
		return errors.New("it does not answer")
	}
	p.process = running
	return nil
}

// Start starts a stopped server again, on its port. A fault ends the test.
func (p *Product) Start() {
	p.tb.Helper()
	deadline := time.Now().Add(sshdDeadline)
	err := p.run()
	for err != nil && time.Now().Before(deadline) {
		time.Sleep(50 * time.Millisecond) // no event tells when a port is free
		err = p.run()
	}
	if err != nil {
		p.tb.Fatalf("start %s: %v\n%s", p.Name, err, tail(p.Log(), 4000))
	}
}

// Stop kills the server and its sessions. It returns when they are gone.
func (p *Product) Stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.process == nil {
		return
	}
	p.process.killAll()
	p.process = nil
}

// TOML returns a [[destination]] table of agent.toml for the server, with Dir as its root.
func (p *Product) TOML(name string) string {
	return destinationTOML(name, p.Host, p.Port, p.User, p.KeyFile, p.Root, p.Fingerprints)
}

// Log returns what the server has said so far, over all its starts.
func (p *Product) Log() string { return p.log.String() }
