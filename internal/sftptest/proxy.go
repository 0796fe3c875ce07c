package sftptest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// ProxyKind is a real proxy, by the name of its program.
type ProxyKind string

// The proxies.
const (
	Tinyproxy  ProxyKind = "tinyproxy"  // HTTP CONNECT
	Microsocks ProxyKind = "microsocks" // SOCKS 5
)

// StartProxy runs a proxy on a loopback port, which ends with the test, and returns its address. With a user it lets in
// nobody else. Where it is not installed the test is skipped, or fails if DROPFERRY_REQUIRE_SSHD is 1.
func StartProxy(tb TB, kind ProxyKind, user, password string) (addr string) {
	tb.Helper()
	program := Program(tb, string(kind), string(kind))
	for range 5 { // somebody else may take a port between its choice and its use
		port, err := freePort()
		if err != nil {
			tb.Fatalf("find a port: %v", err)
		}
		args, err := proxyArguments(tb, kind, port, user, password)
		if err != nil {
			tb.Fatalf("configure %s: %v", kind, err)
		}
		addr = fmt.Sprintf("127.0.0.1:%d", port)
		if StartProgram(tb, exec.Command(program, args...), func() bool { return listens(addr) }) {
			return addr
		}
	}
	tb.Fatalf("%s does not start", kind)
	return ""
}

// proxyArguments writes a proxy's configuration, where it has one.
func proxyArguments(tb TB, kind ProxyKind, port int, user, password string) ([]string, error) {
	if kind == Microsocks {
		args := []string{"-i", "127.0.0.1", "-p", strconv.Itoa(port)}
		if user != "" {
			args = append(args, "-u", user, "-P", password)
		}
		return args, nil
	}
	text := fmt.Sprintf("Port %d\nListen 127.0.0.1\nAllow 127.0.0.1\nTimeout 600\nLogLevel Critical\n", port)
	if user != "" {
		text += fmt.Sprintf("BasicAuth %s %s\n", user, password)
	}
	name := filepath.Join(tb.TempDir(), "tinyproxy.conf")
	return []string{"-d", "-c", name}, os.WriteFile(name, []byte(text), 0o600)
}

func listens(addr string) bool {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	_ = c.Close() // it is there
	return true
}

// Program returns the path of a program. Where it is missing the test is skipped, or fails if DROPFERRY_REQUIRE_SSHD is 1.
func Program(tb TB, name, debian string) string {
	tb.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missingProgram(tb, name, debian)
	}
	return path
}

// missingProgram ends a test that cannot be made without a program.
func missingProgram(tb TB, name, debian string) {
	tb.Helper()
	if os.Getenv(RequireSSHD) == "1" {
		tb.Fatalf("%s is not installed, and %s=1 asks for it: install %s", name, RequireSSHD, debian)
	}
	tb.Skipf("%s is not installed: install %s to run this test", name, debian)
}

// StartProgram starts a program that ends with the test, and waits until it is ready; false where it has ended before.
func StartProgram(tb TB, cmd *exec.Cmd, ready func() bool) bool {
	tb.Helper()
	tieToThread(cmd)
	p, err := startProcess(cmd)
	if err != nil {
		tb.Fatalf("start %s: %v", cmd.Path, err)
	}
	tb.Cleanup(p.killAll)
	over := false
	if !waitUntil(sshdDeadline, func() bool { over = p.isOver(); return over || ready() }) {
		tb.Fatalf("%s is not ready in time", cmd.Path)
	}
	return !over
}
