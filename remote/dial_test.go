package remote

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// brief is a connect timeout that is to run out.
const brief = 500 * time.Millisecond

// TestOneConnectionAtATime says what is wrong where the account may have one, and has it.
func TestOneConnectionAtATime(t *testing.T) {
	t.Parallel()
	p := sftptest.StartProFTPD(t, sftptest.ProductOptions{Config: []string{"MaxClientsPerUser 1"}})
	target := productTarget(p)
	first := mustDial(t, target)
	_, err := Dial(t.Context(), target)
	wantError(t, err, Transient, "disconnect, reason 12", "as many connections as the server allows")
	if err := first.CheckRoot(t.Context()); err != nil {
		t.Errorf("the first: %v", err)
	}
}

// wantLate checks that a dial ended with its connect timeout.
func wantLate(t *testing.T, begun time.Time, err error) {
	t.Helper()
	wantError(t, err, Transient, "connect acme: not connected within 500ms (connect_timeout)")
	if took := time.Since(begun); took > brief+found {
		t.Errorf("it took %v, want at most %v", took, brief+found)
	}
}

func TestServerThatAcceptsAndSaysNothing(t *testing.T) {
	t.Parallel()
	for name, greeting := range map[string]string{"nothing at all": "", "a greeting": "SSH-2.0-silence\r\n", "half a greeting": "SSH-2.0-"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := silent(t, greeting)
			begun := time.Now()
			_, err := Dial(t.Context(), target)
			wantLate(t, begun, err)
			begun = time.Now()
			_, err = HostKeys(t.Context(), target)
			wantLate(t, begun, err)
		})
	}
	t.Run("nobody accepts", func(t *testing.T) {
		t.Parallel()
		target := silent(t, "")
		target.ConnectTimeout = patience
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(brief/5, cancel)
		if _, err := Dial(ctx, target); !errors.Is(err, context.Canceled) || !Transient.is(err) {
			t.Errorf("got %v, want that the dial was cancelled", err)
		}
	})
}

// silent is a server that accepts, says the greeting and is silent then.
func silent(t *testing.T, greeting string) Target {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		var open []net.Conn
		for {
			c, err := l.Accept()
			if err != nil {
				break
			}
			open = append(open, c)
			_, _ = io.WriteString(c, greeting) // a client that is gone already will notice by itself
		}
		for _, c := range open {
			_ = c.Close() // the client has gone
		}
	}()
	t.Cleanup(func() {
		_ = l.Close() // what matters is that accepting ends
		<-done
	})
	addr := l.Addr().(*net.TCPAddr)
	return Target{
		Name: destination, Host: addr.IP.String(), Port: addr.Port, User: "u", Password: secret("p"),
		PinnedKeys: []string{"SHA256:x"}, ConnectTimeout: brief,
	}
}

func TestDialThroughABlackhole(t *testing.T) {
	t.Parallel()
	server := sftptest.StartServer(t, sftptest.ServerOptions{})
	wire := sftptest.StartWire(t, server.Addr())
	target := over(wire, serverTarget(server))
	target.ConnectTimeout = brief
	for name, silence := range map[string]func(bool){"both ways": wire.Blackhole, "up": wire.BlackholeUp, "down": wire.BlackholeDown} {
		silence(true)
		begun := time.Now()
		_, err := Dial(t.Context(), target)
		if !t.Run(name, func(t *testing.T) { wantLate(t, begun, err) }) {
			return
		}
		silence(false)
	}
	target.ConnectTimeout = patience
	mustDial(t, target)
}

// A server can fall silent at any step of a dial.
func TestDialThatIsCutOff(t *testing.T) {
	t.Parallel()
	server := sftptest.StartServer(t, sftptest.ServerOptions{Limits: &sftptest.Limits{Write: 65536}})
	wire := sftptest.StartWire(t, server.Addr())
	target := over(wire, serverTarget(server))
	s, err := Dial(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	_, whole := s.Traffic()
	s.Close()
	for n := int64(0); n < whole; n += max(whole/25, 1) {
		cut := wire.CutAfter(n)
		if s, err := Dial(t.Context(), target); err == nil {
			soon(t, "the cut", cut) // its bytes differ a little from dial to dial
			s.Close()
		} else {
			wantError(t, err, Transient, "connect acme: ")
		}
	}
	wire.CutAfter(-1)
	mustDial(t, target)
}

func TestServerThatIsNotThere(t *testing.T) {
	t.Parallel()
	server := sftptest.StartServer(t, sftptest.ServerOptions{})
	target := serverTarget(server)
	wire := sftptest.StartWire(t, server.Addr())
	wire.Refuse(true)
	_, err := Dial(t.Context(), over(wire, target))
	wantError(t, err, Transient, "connect acme: ")
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = Dial(t.Context(), target)
	wantError(t, err, Transient, "connect acme: ", "connection refused")
	target.Host = "no-such-host.invalid"
	_, err = Dial(t.Context(), target)
	wantError(t, err, Transient, "connect acme: ", "no-such-host.invalid")
}
