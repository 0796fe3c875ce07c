package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

func addrs(texts ...string) []netip.Addr {
	var all []netip.Addr
	for _, text := range texts {
		all = append(all, netip.MustParseAddr(text))
	}
	return all
}

func TestAlternating(t *testing.T) {
	t.Parallel()
	for want, found := range map[string][]netip.Addr{
		"[2001:db8::1 192.0.2.1 2001:db8::2 192.0.2.2 192.0.2.3]": addrs("2001:db8::1", "2001:db8::2", "192.0.2.1", "192.0.2.2", "::ffff:192.0.2.3", "192.0.2.1"),
		"[192.0.2.1 2001:db8::1 2001:db8::2]":                     addrs("192.0.2.1", "2001:db8::1", "2001:db8::2"),
		"[192.0.2.1 192.0.2.2]":                                   addrs("192.0.2.1", "192.0.2.2"),
		"[]":                                                      nil,
	} {
		if got := fmt.Sprint(alternating(found)); got != want {
			t.Errorf("%v: %s, want %s", found, got, want)
		}
	}
}

func TestRace(t *testing.T) {
	t.Parallel()
	refused := errors.New("refused")
	var mu sync.Mutex
	var tried []string
	dial := func(ctx context.Context, a netip.Addr) (net.Conn, error) {
		mu.Lock()
		tried = append(tried, a.String())
		mu.Unlock()
		switch a.String() {
		case "192.0.2.1": // nothing comes back
			<-ctx.Done()
			return nil, ctx.Err()
		case "192.0.2.2":
			return nil, refused
		}
		here, _ := net.Pipe()
		return here, nil
	}
	for name, test := range map[string]struct {
		addresses []netip.Addr
		wins      bool
		delay     time.Duration
		tried     int
	}{
		"the first one silent":         {addrs("192.0.2.1", "192.0.2.3"), true, time.Millisecond, 2},
		"the first one refuses":        {addrs("192.0.2.2", "192.0.2.3"), true, time.Hour, 2},
		"the first one answers":        {addrs("192.0.2.3", "192.0.2.4"), true, time.Hour, 1},
		"all but the last fail":        {addrs("192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.3"), true, time.Millisecond, 4},
		"all refuse":                   {addrs("192.0.2.2", "192.0.2.2"), false, time.Hour, 2},
		"a host without any addresses": {nil, false, time.Hour, 0},
	} {
		tried = nil
		conn, err := race(t.Context(), test.addresses, test.delay, dial)
		if (err == nil) != test.wins || (conn != nil) != test.wins || len(tried) != test.tried {
			t.Errorf("%s: %v, %v, tried %v", name, conn, err, tried)
		}
		if name == "all refuse" && (!errors.Is(err, refused) || !strings.HasPrefix(err.Error(), "none of 2 addresses answers: refused; ")) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := race(ctx, addrs("192.0.2.1"), time.Hour, dial); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want the end of the time", err)
	}
}

// A name is looked up at each dial, and all of its addresses are tried.
func TestSeveralAddresses(t *testing.T) {
	t.Parallel()
	server := sftptest.StartServer(t, sftptest.ServerOptions{})
	target := serverTarget(server)
	target.Host = "acme.example"
	var answers [][]netip.Addr
	target.lookUp = func(_ context.Context, network, host string) ([]netip.Addr, error) {
		if host != "acme.example" || network != "ip" {
			t.Errorf("looked up %s of %s", network, host)
		}
		now := answers[0]
		answers = answers[1:]
		return now, nil
	}
	// Documentation's address is nobody's; nobody listens at the second one of the loopback.
	answers = [][]netip.Addr{addrs("127.0.0.2", "192.0.2.1", "127.0.0.1"), addrs("127.0.0.2"), addrs("127.0.0.1")}
	mustDial(t, target)
	_, err := Dial(t.Context(), target)
	wantError(t, err, Transient, "connect acme: ", "127.0.0.2")
	mustDial(t, target) // it has moved back
	if len(answers) != 0 {
		t.Errorf("%d answers were not asked for", len(answers))
	}
	target.lookUp = func(context.Context, string, string) ([]netip.Addr, error) {
		return nil, &net.DNSError{Err: "no such host", Name: "acme.example", IsNotFound: true}
	}
	_, err = Dial(t.Context(), target)
	wantError(t, err, Transient, "connect acme: lookup acme.example: no such host")
}

func TestBindAddress(t *testing.T) {
	t.Parallel()
	const bound = "127.0.0.7"
	other, err := net.Listen("tcp", bound+":0")
	if errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Skipf("the system has only one loopback address: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	_ = other.Close() // nobody has come
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // nobody comes any more
	from := make(chan string, 1)
	go func() {
		if c, err := l.Accept(); err == nil {
			from <- hostOf(c.RemoteAddr())
			_ = c.Close()
		}
	}()
	addr := l.Addr().(*net.TCPAddr)
	target := Target{
		Name: destination, Host: "127.0.0.1", Port: addr.Port, User: "u", Password: secret("p"), PinnedKeys: []string{"SHA256:x"},
		ConnectTimeout: patience, Bind: netip.MustParseAddr(bound),
	}
	_, err = Dial(t.Context(), target)
	wantError(t, err, Transient)
	if got := soon(t, "the connection", from); got != bound {
		t.Errorf("it came from %s, want %s", got, bound)
	}
	target.Bind = netip.MustParseAddr("192.0.2.1")
	_, err = Dial(t.Context(), target)
	wantError(t, err, Transient, "connect acme: ", "192.0.2.1")

	var networks []string
	target.Host = "acme.example"
	target.lookUp = func(_ context.Context, network, _ string) ([]netip.Addr, error) {
		networks = append(networks, network)
		return nil, errors.New("none")
	}
	for _, bind := range []string{"127.0.0.1", "::1"} {
		target.Bind = netip.MustParseAddr(bind)
		_, _ = Dial(t.Context(), target) // what it asks for matters
	}
	if !slices.Equal(networks, []string{"ip4", "ip6"}) {
		t.Errorf("looked up %v", networks)
	}
}

func hostOf(a net.Addr) string {
	host, _, _ := net.SplitHostPort(a.String())
	return host
}
