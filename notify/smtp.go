package notify

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/netip"
	"net/smtp"
	"net/textproto"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// How a mail server is reached.
const (
	StartTLS    = "starttls" // in the clear first; without the server's offer to encrypt nothing is sent
	ImplicitTLS = "tls"      // encrypted from the first byte
	NoTLS       = "none"     // in the clear; then nobody logs in
)

// SMTP sends messages as mail, by RFC 5321.
type SMTP struct {
	Host     string
	Port     int
	Security string
	User     string                 // "" does not log in
	Password func() (string, error) // read for each mail
	From     string                 // an address
	To       []string               // addresses
	TLS      *tls.Config            // nil is the system's
}

// Send implements Sender.
func (s *SMTP) Send(ctx context.Context, m *Message) error {
	if err := s.send(ctx, m); err != nil {
		return fmt.Errorf("mail over %s: %w", s.Host, err)
	}
	return nil
}

func (s *SMTP) send(ctx context.Context, m *Message) error {
	mail, err := s.mail(m)
	if err != nil {
		return err
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(s.Host, strconv.Itoa(s.Port)))
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })() // frees whatever waits for the server
	defer conn.Close()                                          //nolint:errcheck // what was sent has been answered
	secure := s.TLS.Clone()
	if secure == nil {
		secure = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	secure.ServerName = s.Host
	if s.Security == ImplicitTLS {
		conn = tls.Client(conn, secure)
	}
	err = s.talk(conn, secure, mail)
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (s *SMTP) talk(conn net.Conn, secure *tls.Config, mail []byte) error {
	c, err := smtp.NewClient(conn, s.Host)
	if err != nil {
		return err
	}
	if err := c.Hello(ownName(conn)); err != nil {
		return err
	}
	if s.Security == StartTLS {
		if offered, _ := c.Extension("STARTTLS"); !offered {
			return errors.New(`the server does not offer STARTTLS: if it is to be used without encryption, security = "none"`)
		}
		if err := c.StartTLS(secure); err != nil {
			return err
		}
	}
	if s.User != "" {
		if err := s.logIn(c); err != nil {
			return err
		}
	}
	if err := c.Mail(s.From); err != nil {
		return err
	}
	var refused []error
	for _, to := range s.To {
		err := c.Rcpt(to)
		if reply, is := errors.AsType[*textproto.Error](err); is && reply.Code >= 500 { // somebody who has left, say
			refused = append(refused, fmt.Errorf("%s: %w", to, err))
		} else if err != nil {
			return fmt.Errorf("%s: %w", to, err)
		}
	}
	if len(refused) == len(s.To) {
		return errors.Join(refused...)
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(mail); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	_ = c.Quit() // the mail is taken: what comes now changes nothing
	if len(refused) > 0 {
		return &partlyError{errors.Join(refused...)}
	}
	return nil
}

// partlyError is a message that has arrived, but not for all whom it was for. Sent again it would reach the same ones again.
type partlyError struct{ err error }

func (e *partlyError) Error() string { return e.err.Error() }
func (e *partlyError) Unwrap() error { return e.err }

// ownName is how this machine calls itself, by RFC 5321, section 4.1.4: with its full name, else with its address. Relays of large
// providers refuse those who say that they are localhost.
func ownName(conn net.Conn) string {
	if name, err := os.Hostname(); err == nil && isFullName(name) {
		return name
	}
	host, _, err := net.SplitHostPort(conn.LocalAddr().String())
	ip, parseErr := netip.ParseAddr(host)
	switch {
	case err != nil || parseErr != nil:
		return "localhost"
	case ip.Unmap().Is4():
		return "[" + ip.Unmap().String() + "]"
	}
	return "[IPv6:" + ip.WithZone("").String() + "]"
}

// isFullName tells whether a name is one of the domain name system, and not that of a machine alone.
func isFullName(name string) bool {
	isLetter := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.'
	}
	return strings.Contains(strings.Trim(name, "."), ".") && !strings.HasPrefix(name, ".") && !strings.ContainsFunc(name, func(r rune) bool { return !isLetter(r) })
}

func (s *SMTP) logIn(c *smtp.Client) error {
	password, err := s.Password()
	if err != nil {
		return err
	}
	_, offered := c.Extension("AUTH")
	var auth smtp.Auth = &loginAuth{user: s.User, password: password}
	if slices.Contains(strings.Fields(strings.ToUpper(offered)), "PLAIN") {
		auth = smtp.PlainAuth("", s.User, password, s.Host)
	}
	if err := c.Auth(auth); err != nil {
		return fmt.Errorf("log in as %s: %w", s.User, err)
	}
	return nil
}

// loginAuth is the LOGIN of servers that offer no PLAIN: the name, then the password, each when it is asked for.
type loginAuth struct {
	user, password string
	asked          int
}

// Start implements smtp.Auth.
func (a *loginAuth) Start(server *smtp.ServerInfo) (string, []byte, error) {
	if !server.TLS {
		return "", nil, errors.New("the connection is not encrypted")
	}
	return "LOGIN", nil, nil
}

// Next implements smtp.Auth.
func (a *loginAuth) Next(_ []byte, more bool) ([]byte, error) {
	if !more {
		return nil, nil
	}
	a.asked++
	switch a.asked {
	case 1:
		return []byte(a.user), nil
	case 2:
		return []byte(a.password), nil
	}
	return nil, errors.New("the server asks for more than a name and a password")
}

// mail writes a message by RFC 5322.
func (s *SMTP) mail(m *Message) ([]byte, error) {
	subject := []rune(oneLine(m.Subject()))
	if len(subject) > 150 {
		subject = append(subject[:150], '…')
	}
	_, domain, _ := strings.Cut(s.From, "@")
	var b bytes.Buffer
	header := func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, value) }
	header("From", "dropferry <"+s.From+">")
	header("To", strings.Join(s.To, ",\r\n "))
	header("Subject", mime.QEncoding.Encode("utf-8", "[dropferry] "+string(subject)))
	header("Date", m.SentAt.Format(time.RFC1123Z))
	header("Message-ID", "<"+rand.Text()+"@"+domain+">")
	header("Auto-Submitted", "auto-generated") // RFC 3834: no answer, please
	if m.IsTrouble() {
		header("Importance", "high")
	}
	header("MIME-Version", "1.0")
	header("Content-Type", "text/plain; charset=utf-8")
	header("Content-Transfer-Encoding", "quoted-printable")
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b)
	if _, err := w.Write([]byte(strings.ReplaceAll(m.Text(), "\n", "\r\n"))); err != nil {
		return nil, err
	}
	return b.Bytes(), w.Close()
}
