package remote

import (
	"bufio"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// TestDroppedBeforeLogin tells servers that close the connection on a client that may come too often from those that
// fail in another way.
func TestDroppedBeforeLogin(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		serve func(net.Conn)
		want  bool
	}{
		{"closed at once, as by tcpd", func(net.Conn) {}, true},
		{"told why and closed, as by OpenSSH's MaxStartups", func(c net.Conn) { _, _ = io.WriteString(c, "Exceeded MaxStartups\r\n") }, true},
		{"told why and closed, as by PerSourcePenalties", func(c net.Conn) { _, _ = io.WriteString(c, "Not allowed at this time\r\n") }, true},
		{"closed after the banner", func(c net.Conn) {
			_, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.9\r\n")
			_, _ = bufio.NewReader(c).ReadString('\n') // the client's banner
		}, true},
		{"reset", func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) }, true},
		{"silent", func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			accepting(t, listener, func(c net.Conn) {
				row.serve(c)
				_ = c.Close() // the client may have closed it first
			})
			err = dialFor(t, listener.Addr().(*net.TCPAddr).Port, keyIn(t, 0o600))
			if got := DroppedBeforeLogin(err); got != row.want {
				t.Errorf("%t, want %t: %v", got, row.want, err)
			}
			text := err.Error()
			if row.want && !strings.Contains(text, "the server closed the connection before the login was complete") && !strings.Contains(text, "dial tcp") {
				t.Errorf("it is told of as %q", text)
			}
		})
	}
	t.Run("nobody listens", func(t *testing.T) {
		t.Parallel()
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := listener.Addr().(*net.TCPAddr).Port
		if err := listener.Close(); err != nil {
			t.Fatal(err)
		}
		if err := dialFor(t, port, keyIn(t, 0o600)); err == nil || DroppedBeforeLogin(err) {
			t.Errorf("dropped: %v", err)
		}
	})
	t.Run("a session that ends after the login", func(t *testing.T) {
		t.Parallel()
		s := sftptest.StartServer(t, sftptest.ServerOptions{ShellText: "Welcome\n"})
		_, err := Dial(t.Context(), Target{
			Name: "acme", Host: s.Host(), Port: s.Port(), User: s.User, KeyFile: s.KeyFile, PinnedKeys: []string{s.Fingerprint()},
			ConnectTimeout: 10 * time.Second,
		})
		if err == nil || DroppedBeforeLogin(err) {
			t.Errorf("dropped: %v", err)
		}
	})
}

func dialFor(t *testing.T, port int, keyFile string) error {
	t.Helper()
	_, err := Dial(context.Background(), Target{
		Name: "acme", Host: "127.0.0.1", Port: port, User: "u", KeyFile: keyFile, ConnectTimeout: 500 * time.Millisecond,
	})
	return err
}

func keyIn(t *testing.T, mode os.FileMode) string {
	t.Helper()
	key, err := sftptest.NewKey("ed25519")
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "key")
	if err := key.Write(name); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestLocalFaultsAreTold without a word to any server.
func TestLocalFaultsAreTold(t *testing.T) {
	t.Parallel()
	nowhere := filepath.Join(t.TempDir(), "nowhere")
	for name, keyFile := range map[string]string{"missing": nowhere, "open to others": keyIn(t, 0o644)} {
		err := CheckSecrets(Target{Name: "acme", KeyFile: keyFile})
		if !IsLocal(err) || KindOf(err) != Auth {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := CheckSecrets(Target{Name: "acme", KeyFile: keyIn(t, 0o600)}); err != nil {
		t.Error(err)
	}
	if IsLocal(&Error{Kind: Auth, Err: errDenied}) {
		t.Error("the server's refusal is no local fault")
	}
}
