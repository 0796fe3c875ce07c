package notify

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/http/httptest"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// mailSink is a mail server for tests, by RFC 5321 as far as they need it.
type mailSink struct {
	listener net.Listener
	tls      *tls.Config
	roots    *x509.CertPool
	implicit bool
	offers   []string // extensions, once the connection is encrypted where it is to be
	refuse   string   // the command that is refused
	all      sync.WaitGroup

	mu    sync.Mutex
	mails []received
}

type received struct {
	hello, from, user, password, text string
	to                                []string
	encrypted                         bool
}

// newMailSink listens with a certificate for 127.0.0.1.
func newMailSink(t *testing.T, change func(*mailSink)) *mailSink {
	t.Helper()
	certificates := httptest.NewUnstartedServer(nil) // which has a certificate for tests
	certificates.StartTLS()
	s := &mailSink{tls: &tls.Config{Certificates: certificates.TLS.Certificates}, roots: x509.NewCertPool(), offers: []string{"AUTH PLAIN LOGIN"}}
	s.roots.AddCert(certificates.Certificate())
	certificates.Close()
	if change != nil {
		change(s)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.listener = l
	s.all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.all.Go(func() { s.serve(conn) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); s.all.Wait() })
	return s
}

func (s *mailSink) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	encrypted := s.implicit
	if s.implicit {
		conn = tls.Server(conn, s.tls)
	}
	r := bufio.NewReader(conn)
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(conn, format+"\r\n", args...) }
	read := func() string { line, _ := r.ReadString('\n'); return strings.TrimRight(line, "\r\n") }
	plain := func(text string) string { b, _ := base64.StdEncoding.DecodeString(text); return string(b) }
	say("220 sink ready")
	var m received
	for {
		line := read()
		verb, rest, _ := strings.Cut(line, " ")
		if s.refuse != "" && strings.HasPrefix(strings.ToUpper(line), s.refuse) {
			say("550 refused by the test")
			continue
		}
		switch strings.ToUpper(verb) {
		case "":
			return
		case "EHLO":
			m.hello = rest
			offers := append([]string{"sink"}, s.offers...)
			if !encrypted && s.tls != nil {
				offers = []string{"sink", "STARTTLS"}
			}
			for i, o := range offers {
				sign := "-"
				if i == len(offers)-1 {
					sign = " "
				}
				say("250%s%s", sign, o)
			}
		case "STARTTLS":
			say("220 go on")
			conn = tls.Server(conn, s.tls)
			r, encrypted = bufio.NewReader(conn), true
		case "AUTH":
			if mechanism, first, _ := strings.Cut(rest, " "); mechanism == "PLAIN" {
				parts := strings.Split(plain(first), "\x00")
				m.user, m.password = parts[1], parts[2]
			} else {
				say("334 VXNlcm5hbWU6")
				m.user = plain(read())
				say("334 UGFzc3dvcmQ6")
				m.password = plain(read())
			}
			say("235 welcome")
		case "MAIL":
			m.from = rest
			say("250 ok")
		case "RCPT":
			m.to = append(m.to, rest)
			say("250 ok")
		case "DATA":
			say("354 go on")
			var text strings.Builder
			for line := read(); line != "."; line = read() {
				text.WriteString(strings.TrimPrefix(line, ".") + "\n")
			}
			m.text, m.encrypted = text.String(), encrypted
			s.mu.Lock()
			s.mails = append(s.mails, m)
			s.mu.Unlock()
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("500 what?")
		}
	}
}

func (s *mailSink) sender(security string) *SMTP {
	port := s.listener.Addr().(*net.TCPAddr).Port
	return &SMTP{
		Host: "127.0.0.1", Port: port, Security: security, From: "agent@erp.example", To: []string{"ops@erp.example", "boss@erp.example"},
		TLS: &tls.Config{RootCAs: s.roots, MinVersion: tls.VersionTLS12},
	}
}

func TestMailOverEachWay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, security, user string
		change               func(*mailSink)
	}{
		{"STARTTLS and PLAIN", StartTLS, "erp", nil},
		{"STARTTLS and LOGIN", StartTLS, "erp", func(s *mailSink) { s.offers = []string{"AUTH LOGIN"} }},
		{"implicit TLS", ImplicitTLS, "erp", func(s *mailSink) { s.implicit = true }},
		{"without either", NoTLS, "", func(s *mailSink) { s.tls = nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newMailSink(t, c.change)
			sender := s.sender(c.security)
			sender.User, sender.Password = c.user, said("swordfish")
			a := parked("Übersicht\r\nBcc: evil@x.example\r\n.\r\n.xml")
			a.Hint = "`dropferry retry`"
			if err := sender.Send(t.Context(), message(a)); err != nil {
				t.Fatal(err)
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			if len(s.mails) != 1 {
				t.Fatalf("%d mails", len(s.mails))
			}
			got := s.mails[0]
			if got.encrypted != (c.security != NoTLS) || got.user != c.user || (c.user != "") != (got.password == "swordfish") ||
				!strings.HasPrefix(got.from, "FROM:<agent@erp.example>") || len(got.to) != 2 {
				t.Errorf("%+v", got)
			}
			m, err := mail.ReadMessage(strings.NewReader(got.text))
			if err != nil {
				t.Fatalf("%v:\n%s", err, got.text)
			}
			subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
			if err != nil || subject != "[dropferry] erp: parked: in/Übersicht Bcc: evil@x.example . .xml to acme" || m.Header.Get("Bcc") != "" {
				t.Errorf("%v: subject %q, header %v", err, subject, m.Header)
			}
			if to, err := m.Header.AddressList("To"); err != nil || len(to) != 2 {
				t.Errorf("to %v, %v", to, err)
			}
			body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
			if err != nil || !strings.Contains(string(body), "permission denied") || !strings.Contains(string(body), "What to do: `dropferry retry`") {
				t.Errorf("%v:\n%s", err, body)
			}
		})
	}
}

func TestMailThatFails(t *testing.T) {
	t.Parallel()
	refusing := newMailSink(t, func(s *mailSink) { s.refuse = "RCPT" })
	noTLS := newMailSink(t, func(s *mailSink) { s.tls = nil })
	fine := newMailSink(t, nil)
	stranger := fine.sender(StartTLS)
	stranger.TLS = nil // the system does not know the certificate
	secret := fine.sender(StartTLS)
	secret.User, secret.Password = "erp", func() (string, error) { return "", errTest }
	denied := newMailSink(t, func(s *mailSink) { s.refuse = "AUTH" }).sender(StartTLS)
	denied.User, denied.Password = "erp", said("swordfish")
	for _, c := range []struct {
		name   string
		sender *SMTP
		want   string
	}{
		{"all recipients are refused", refusing.sender(StartTLS), "boss@erp.example: 550"},
		{"no encryption is offered", noTLS.sender(StartTLS), `security = "none"`},
		{"the certificate is not known", stranger, "certificate"},
		{"the password cannot be read", secret, "nobody answers"},
		{"the login is refused", denied, "log in as erp: 550"},
	} {
		err := c.sender.Send(t.Context(), message(parked("a")))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "127.0.0.1") || strings.Contains(err.Error(), "swordfish") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if n := len(fine.mails) + len(refusing.mails) + len(noTLS.mails); n != 0 {
		t.Errorf("%d mails all the same", n)
	}
}

// Somebody has left: the others are told all the same, once, and the log has whose address it was.
func TestMailToSomebodyWhoHasLeft(t *testing.T) {
	t.Parallel()
	s := newMailSink(t, func(s *mailSink) { s.refuse = "RCPT TO:<BOSS" })
	err := s.sender(StartTLS).Send(t.Context(), message(parked("a")))
	if _, partly := errors.AsType[*partlyError](err); !partly || !strings.Contains(err.Error(), "boss@erp.example: 550") {
		t.Errorf("%v", err)
	}
	if len(s.mails) != 1 || !slices.Equal(s.mails[0].to, []string{"TO:<ops@erp.example>"}) {
		t.Errorf("%+v", s.mails)
	}
}

// TestOwnName says who it is in a way that servers take.
func TestOwnName(t *testing.T) {
	s := newMailSink(t, func(s *mailSink) { s.tls = nil })
	if err := s.sender(NoTLS).Send(t.Context(), message(parked("a"))); err != nil {
		t.Fatal(err)
	}
	if hello := s.mails[0].hello; hello != "[127.0.0.1]" && !isFullName(hello) {
		t.Errorf("it calls itself %q", hello)
	}
	for name, want := range map[string]bool{"erp.contoso.example": true, "erp": false, "localhost": false, "erp_1.example": false, ".example": false, "erp.": false, "": false} {
		if isFullName(name) != want {
			t.Errorf("%q", name)
		}
	}
}

// A server that accepts and says nothing.
func TestMailServerThatHangs(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // nothing was written to it
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	s := &SMTP{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, Security: StartTLS, From: "a@x.example", To: []string{"b@x.example"}}
	if err := s.Send(ctx, message(parked("a"))); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}
