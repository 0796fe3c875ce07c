package remote

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// proxied is a target that is reached through a proxy.
func proxied(t Target, p Proxy) Target {
	t.Proxy = &p
	return t
}

func TestThroughRealProxies(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{HostKeys: allKinds})
	for _, kind := range []sftptest.ProxyKind{sftptest.Microsocks, sftptest.Tinyproxy} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			open, closed := sftptest.StartProxy(t, kind, "", ""), sftptest.StartProxy(t, kind, "contoso", "hunter2")
			at := func(addr string) Proxy { return Proxy{HTTP: kind == sftptest.Tinyproxy, Addr: addr} }
			target := sshdTarget(sshd)
			target.PinnedKeys = sshd.Fingerprints[2:] // seen at the third dial
			content := random(2 << 20)
			s := mustDial(t, proxied(target, at(open)))
			mustUpload(t, s, target.Path(string(kind)), content)
			holds(t, content, sshd.Dir, string(kind))

			known := at(closed)
			known.User, known.Password = "contoso", secret("hunter2")
			mustDial(t, proxied(target, known))
			named := proxied(target, known)
			named.Host = "localhost"
			mustDial(t, named)

			stranger := known
			stranger.Password = secret("wrong")
			_, err := Dial(t.Context(), proxied(target, stranger))
			wantError(t, err, Auth, "connect acme: proxy "+stranger.String(), `it refuses the account "contoso"`, "check proxy_user and proxy_password")
			_, err = Dial(t.Context(), proxied(target, at(closed)))
			wantError(t, err, Auth, "it wants to know who we are", "set proxy_user and proxy_password")
			stranger.Password = noSecret
			_, err = Dial(t.Context(), proxied(target, stranger))
			wantError(t, err, Auth, "the credential store is closed")
			wantError(t, CheckSecrets(proxied(target, stranger)), Auth, "the credential store is closed")
			if !IsLocal(err) {
				t.Errorf("%v: the proxy has seen nothing of it", err)
			}

			gone := proxied(target, at(open))
			gone.Port = 1
			_, err = Dial(t.Context(), gone)
			wantError(t, err, Transient, "connect acme: proxy ")
		})
	}
}

// A jump host is reached through a proxy as any other server is.
func TestJumpHostBehindAProxy(t *testing.T) {
	t.Parallel()
	_, jump := bastion(t, "bastion", sftptest.SSHDOptions{})
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	for _, kind := range []sftptest.ProxyKind{sftptest.Microsocks, sftptest.Tinyproxy} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			proxy := Proxy{HTTP: kind == sftptest.Tinyproxy, Addr: sftptest.StartProxy(t, kind, "", "")}
			s := mustDial(t, through(sshdTarget(sshd), proxied(jump, proxy)))
			mustUpload(t, s, s.target.Path(string(kind)), []byte("through both"))
			holds(t, []byte("through both"), sshd.Dir, string(kind))
		})
	}
}

// script is a proxy that answers each request with the next of the answers, and hangs after the last one if hang is set.
func script(t *testing.T, hang bool, answers ...string) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close() //nolint:errcheck // all has been said
		request := make([]byte, 4096)
		for _, a := range answers {
			if _, err := c.Read(request); err != nil {
				return
			}
			if _, err := io.WriteString(c, a); err != nil {
				return
			}
		}
		for hang {
			if _, err := c.Read(request); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = l.Close() // what matters is that accepting ends
		<-served
	})
	return l.Addr().String()
}

func TestProxiesThatMisbehave(t *testing.T) {
	t.Parallel()
	login := func(p *Proxy) { p.User, p.Password = "contoso", secret("hunter2") }
	for name, test := range map[string]struct {
		http    bool
		hang    bool
		change  func(*Proxy)
		answers []string
		kind    Kind
		parts   []string
	}{
		"SOCKS, silence":                    {hang: true, parts: []string{"not connected within 500ms (connect_timeout)"}},
		"SOCKS, silence after the greeting": {hang: true, answers: []string{"\x05\x00"}, parts: []string{"not connected within 500ms"}},
		"SOCKS, half an answer":             {hang: true, answers: []string{"\x05\x00", "\x05\x00\x00\x01\x7f"}, parts: []string{"not connected within 500ms"}},
		"SOCKS, connected to nobody":        {hang: true, answers: []string{"\x05\x00", "\x05\x00\x00\x03\x01a\x00\x00"}, parts: []string{"not connected within 500ms"}},
		"SOCKS, an end":                     {answers: []string{"\x05"}, parts: []string{"it closed the connection"}},
		"SOCKS 4":                           {answers: []string{"\x00\x5b"}, parts: []string{"it does not speak SOCKS 5"}},
		"SOCKS, another way to log in":      {answers: []string{"\x05\x01"}, parts: []string{"a way to log in that was not offered"}},
		"SOCKS, by its rules":               {answers: []string{"\x05\x00", "\x05\x02\x00\x01"}, parts: []string{"its rules do not allow it", "ask whoever runs the proxy"}},
		"SOCKS, an unknown reason":          {answers: []string{"\x05\x00", "\x05\x63\x00\x01"}, parts: []string{"reason 99"}},
		"SOCKS, a strange address":          {answers: []string{"\x05\x00", "\x05\x00\x00\x09"}, parts: []string{"an address of kind 9"}},
		"SOCKS, a password refused":         {change: login, answers: []string{"\x05\x02", "\x01\x01"}, kind: Auth, parts: []string{`it refuses the account "contoso"`}},
		"SOCKS, nobody is wanted":           {answers: []string{"\x05\xff"}, kind: Auth, parts: []string{"it wants to know who we are"}},
		"HTTP, silence":                     {http: true, hang: true, parts: []string{"not connected within 500ms (connect_timeout)"}},
		"HTTP, half a head":                 {http: true, hang: true, answers: []string{"HTTP/1.1 200 OK\r\n"}, parts: []string{"not connected within 500ms"}},
		"HTTP, connected to nobody":         {http: true, hang: true, answers: []string{"HTTP/1.1 200 OK\r\n\r\n"}, parts: []string{"not connected within 500ms"}},
		"HTTP, an end":                      {http: true, answers: []string{"HTTP/1.1 200 OK\r\n"}, parts: []string{"it closed the connection"}},
		"HTTP, no end":                      {http: true, hang: true, answers: []string{"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", mostHead)}, parts: []string{"its answer has no end"}},
		"HTTP, not really":                  {http: true, answers: []string{"SSH-2.0-x\r\n\r\n"}, parts: []string{"it does not speak HTTP"}},
		"HTTP, forbidden":                   {http: true, answers: []string{"HTTP/1.1 403 Filtered\r\n\r\n"}, parts: []string{"403 Filtered", "ask whoever runs the proxy"}},
		"HTTP, a refusal that has no end":   {http: true, hang: true, answers: []string{"HTTP/1.1 403 Filtered\r\nContent-Length: 99\r\n\r\nwait"}, parts: []string{"403 Filtered"}},
		"HTTP, a password refused":          {http: true, change: login, answers: []string{"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\n\r\n"}, kind: Auth, parts: []string{`it refuses the account "contoso"`}},
		"HTTP, no Basic":                    {http: true, change: login, answers: []string{"HTTP/1.1 407 No\r\nProxy-Authenticate: Negotiate\r\n\r\n"}, kind: Auth, parts: []string{"does not take the password by Basic"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy := Proxy{HTTP: test.http, Addr: script(t, test.hang, test.answers...)}
			if test.change != nil {
				test.change(&proxy)
			}
			target := Target{
				Name: destination, Host: "acme.example", Port: 22, User: "u", Password: secret("p"), PinnedKeys: []string{"SHA256:x"},
				ConnectTimeout: patience, Proxy: &proxy,
			}
			if test.hang {
				target.ConnectTimeout = brief
			}
			if test.kind == "" {
				test.kind = Transient
			}
			if strings.HasSuffix(name, "no end") {
				target.ConnectTimeout = patience
			}
			_, err := Dial(t.Context(), target)
			wantError(t, err, test.kind, append(test.parts, "connect acme: ")...)
			if strings.Contains(err.Error()+HintOf(err), "hunter2") {
				t.Errorf("the password is in %q", err)
			}
		})
	}
}

// What a proxy has read of the server goes with its own answer.
func TestProxyThatAnswersTogetherWithTheServer(t *testing.T) {
	t.Parallel()
	here, there := net.Pipe()
	go func() {
		_, _ = there.Read(make([]byte, 4096))
		_, _ = io.WriteString(there, "HTTP/1.1 200 Connection established\r\n\r\nSSH-2.0-x\r\n")
		_ = there.Close()
	}()
	proxy := Proxy{HTTP: true}
	conn, err := proxy.connect(t.Context(), here, "acme.example:22")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(conn); string(got) != "SSH-2.0-x\r\n" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

// A proxy that falls silent is found as a server is.
func TestSilenceAtAProxy(t *testing.T) {
	t.Parallel()
	server := sftptest.StartServer(t, sftptest.ServerOptions{})
	wire := sftptest.StartWire(t, sftptest.StartProxy(t, sftptest.Microsocks, "", ""))
	target := proxied(serverTarget(server), Proxy{Addr: wire.Addr()})
	target.StallTimeout = 3 * time.Second // a machine may pause for a second
	s := mustDial(t, target)
	done := uploading(t, s, "endless", 1<<20)
	wire.Blackhole(true)
	wantError(t, soon(t, "the end of the upload", done), Transient)
	wantDead(t, s)
	target.ConnectTimeout = brief
	_, err := Dial(t.Context(), target)
	wantError(t, err, Transient, "connect acme: not connected within 500ms (connect_timeout)")
}

func TestSOCKSRequest(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string][]byte{
		"192.0.2.1:22":       {5, 1, 0, 1, 192, 0, 2, 1, 0, 22},
		"[2001:db8::1]:2222": append(append([]byte{5, 1, 0, 4}, net.ParseIP("2001:db8::1")...), 2222>>8, 2222&255),
		"acme.example:22":    append(append([]byte{5, 1, 0, 3, 12}, "acme.example"...), 0, 22),
	} {
		if got, err := socksRequest(addr); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: % x, %v, want % x", addr, got, err, want)
		}
	}
	for _, addr := range []string{"acme.example", strings.Repeat("a", 256) + ":22", "acme.example:ssh"} {
		if got, err := socksRequest(addr); err == nil {
			t.Errorf("%s: % x", addr, got)
		}
	}
}
