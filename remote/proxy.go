package remote

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// Proxy is a server that passes TCP connections on.
type Proxy struct {
	HTTP     bool   // it is asked by HTTP's CONNECT; else by SOCKS, version 5
	Addr     string // host:port
	User     string // "" where it does not ask who we are
	Password func() (string, error)
}

func (p *Proxy) String() string {
	if p.HTTP {
		return "http://" + p.Addr
	}
	return "socks5://" + p.Addr
}

// connect has the proxy at the other end of conn connect to addr, whose name it looks up itself. Nothing bounds its time: the
// caller closes conn at the end of ctx, whose cause is then told.
func (p *Proxy) connect(ctx context.Context, conn net.Conn, addr string) (net.Conn, error) {
	var password string
	if p.User != "" && p.Password != nil {
		var err error
		if password, err = p.Password(); err != nil {
			return nil, &marked{err, errSecret}
		}
	}
	var err error
	if p.HTTP {
		conn, err = p.httpConnect(conn, addr, password)
	} else {
		err = p.socksConnect(conn, addr, password)
	}
	switch {
	case err == nil:
		return conn, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = errors.New("it closed the connection")
	}
	return nil, &proxyError{p, err}
}

// proxyError is a failure at a proxy.
type proxyError struct {
	proxy *Proxy
	err   error
}

func (e *proxyError) Error() string { return "proxy " + e.proxy.String() + ": " + e.err.Error() }
func (e *proxyError) Unwrap() error { return e.err }

// refusedUs is the error for a proxy that does not take the account.
func (p *Proxy) refusedUs() error {
	if p.User == "" {
		return &advised{&marked{errors.New("it wants to know who we are"), errDenied}, "set proxy_user and proxy_password"}
	}
	return &advised{&marked{fmt.Errorf("it refuses the account %q", p.User), errDenied}, "check proxy_user and proxy_password"}
}

// refusedConnect is the error for a proxy that does not pass us on.
func refusedConnect(addr, why string) error {
	return &advised{
		fmt.Errorf("it does not connect to %s: %s", addr, why),
		"ask whoever runs the proxy to let this machine connect to " + addr,
	}
}

// mostHead is more than any answer of a proxy takes before the connection begins, in bytes.
const mostHead = 64 << 10

// httpConnect speaks RFC 9110 section 9.3.6, with the Basic authentication of RFC 7617.
func (p *Proxy) httpConnect(conn net.Conn, addr, password string) (net.Conn, error) {
	head := "CONNECT " + addr + " HTTP/1.1\r\nHost: " + addr + "\r\n"
	if p.User != "" {
		head += "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(p.User+":"+password)) + "\r\n"
	}
	if _, err := io.WriteString(conn, head+"\r\n"); err != nil {
		return nil, err
	}
	limit := &io.LimitedReader{R: conn, N: mostHead}
	reader := bufio.NewReader(limit)
	answer, err := http.ReadResponse(reader, &http.Request{Method: http.MethodConnect})
	switch {
	case err != nil && limit.N == 0:
		return nil, errors.New("its answer has no end")
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("it does not speak HTTP: %w", err)
	}
	// Its body is left alone: behind a success there is none, and the end of another may not come.
	switch {
	case answer.StatusCode == http.StatusProxyAuthRequired && p.User != "" && !basic(answer.Header):
		return nil, &advised{
			&marked{errors.New("it does not take the password by Basic, which is all that this program has"), errDenied},
			"ask whoever runs the proxy for an account with Basic authentication, or for none from this machine",
		}
	case answer.StatusCode == http.StatusProxyAuthRequired, answer.StatusCode == http.StatusUnauthorized: // tinyproxy's, for a wrong password
		return nil, p.refusedUs()
	case answer.StatusCode < 200 || answer.StatusCode > 299:
		return nil, refusedConnect(addr, answer.Status)
	}
	if reader.Buffered() == 0 {
		return conn, nil
	}
	begun, err := reader.Peek(reader.Buffered())
	if err != nil {
		return nil, err
	}
	return &begunConn{conn, io.MultiReader(bytes.NewReader(begun), conn)}, nil
}

// basic tells whether a proxy that wants to know who we are would take Basic.
func basic(head http.Header) bool {
	offers := head.Values("Proxy-Authenticate")
	for _, offer := range offers {
		if scheme, _, _ := strings.Cut(strings.TrimSpace(offer), " "); strings.EqualFold(scheme, "basic") {
			return true
		}
	}
	return len(offers) == 0
}

// begunConn is a connection of which some bytes were read already.
type begunConn struct {
	net.Conn
	rest io.Reader
}

func (c *begunConn) Read(b []byte) (int, error) { return c.rest.Read(b) }

// The words of SOCKS 5, RFC 1928 and RFC 1929.
const (
	socksVersion      = 5
	socksNoLogin      = 0
	socksPassword     = 2
	socksNoneSuits    = 0xff
	socksConnectWord  = 1
	socksIPv4         = 1
	socksName         = 3
	socksIPv6         = 4
	socksLoginVersion = 1
)

// socksReplies are the reasons of RFC 1928 section 6.
var socksReplies = map[byte]string{
	1: "it failed", 2: "its rules do not allow it", 3: "the network cannot be reached", 4: "the host cannot be reached",
	5: "connection refused", 6: "time ran out", 7: "it does not know how to", 8: "it does not know this kind of address",
}

func (p *Proxy) socksConnect(conn net.Conn, addr, password string) error {
	request, err := socksRequest(addr)
	if err != nil {
		return err
	}
	methods := []byte{socksVersion, 1, socksNoLogin}
	if p.User != "" {
		methods = []byte{socksVersion, 2, socksNoLogin, socksPassword}
	}
	var chosen [2]byte
	if err := ask(conn, methods, chosen[:]); err != nil {
		return err
	}
	switch {
	case chosen[0] != socksVersion:
		return errors.New("it does not speak SOCKS 5")
	case chosen[1] == socksPassword && p.User != "":
		if err := p.socksLogin(conn, password); err != nil {
			return err
		}
	case chosen[1] == socksNoneSuits:
		return p.refusedUs()
	case chosen[1] != socksNoLogin:
		return fmt.Errorf("it wants a way to log in that was not offered: %d", chosen[1])
	}
	var reply [4]byte
	if err := ask(conn, request, reply[:]); err != nil {
		return err
	}
	if reply[1] != 0 {
		why, known := socksReplies[reply[1]]
		if !known {
			why = fmt.Sprintf("reason %d", reply[1])
		}
		return refusedConnect(addr, why)
	}
	return skipBound(conn, reply[3])
}

// ask writes a request and reads the answer, of a fixed length.
func ask(conn net.Conn, request, answer []byte) error {
	if _, err := conn.Write(request); err != nil {
		return err
	}
	_, err := io.ReadFull(conn, answer)
	return err
}

func (p *Proxy) socksLogin(conn net.Conn, password string) error {
	if len(p.User) > 255 || len(password) > 255 {
		return &marked{errors.New("SOCKS takes users and passwords of up to 255 bytes"), errSecret}
	}
	request := append([]byte{socksLoginVersion, byte(len(p.User))}, p.User...)
	request = append(append(request, byte(len(password))), password...)
	var answer [2]byte
	if err := ask(conn, request, answer[:]); err != nil {
		return err
	}
	if answer[1] != 0 {
		return p.refusedUs()
	}
	return nil
}

// socksRequest asks to connect to addr, host:port.
func socksRequest(addr string) ([]byte, error) {
	host, portText, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, err
	}
	request := []byte{socksVersion, socksConnectWord, 0}
	switch ip, err := netip.ParseAddr(host); {
	case err != nil && len(host) > 255:
		return nil, fmt.Errorf("the host's name has more than 255 bytes, which SOCKS does not carry")
	case err != nil:
		request = append(append(request, socksName, byte(len(host))), host...)
	case ip.Unmap().Is4():
		request = append(append(request, socksIPv4), ip.Unmap().AsSlice()...)
	default:
		request = append(append(request, socksIPv6), ip.WithZone("").AsSlice()...)
	}
	return binary.BigEndian.AppendUint16(request, uint16(port)), nil
}

// skipBound reads the address that the proxy connects from, which nobody needs.
func skipBound(conn net.Conn, kind byte) error {
	length := 0
	switch kind {
	case socksIPv4:
		length = net.IPv4len
	case socksIPv6:
		length = net.IPv6len
	case socksName:
		var n [1]byte
		if _, err := io.ReadFull(conn, n[:]); err != nil {
			return err
		}
		length = int(n[0])
	default:
		return fmt.Errorf("its answer has an address of kind %d", kind)
	}
	_, err := io.ReadFull(conn, make([]byte, length+2))
	return err
}
