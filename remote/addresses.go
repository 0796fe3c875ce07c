package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// nextAddress is how long an address has before the next one is tried beside it; RFC 8305 section 5.
const nextAddress = 250 * time.Millisecond

// userTimeout is how long the system lets what was sent go unacknowledged, or at least this long: beyond the stall timeout it is
// of no use, and a server may take nothing for a while.
const userTimeout = 20 * time.Second

// dialTCP makes a TCP connection to addr, host:port. The host's name is looked up each time, so that a change shows at the next
// dial, and all of its addresses are tried.
func dialTCP(ctx context.Context, t *Target, addr string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	addresses, err := t.addresses(ctx, host)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: max(t.Keepalive, time.Second), Interval: max(t.Keepalive, time.Second),
		Count: 1 + int(t.StallTimeout/max(t.Keepalive, time.Second)),
	}}
	if t.Bind.IsValid() {
		dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(t.Bind, 0))
	}
	conn, err := race(ctx, addresses, nextAddress, func(ctx context.Context, a netip.Addr) (net.Conn, error) {
		return dialer.DialContext(ctx, "tcp", net.JoinHostPort(a.String(), port))
	})
	if err != nil {
		return nil, err
	}
	if err := setUserTimeout(conn, max(2*t.StallTimeout, userTimeout)); err != nil {
		return nil, errors.Join(fmt.Errorf("set TCP_USER_TIMEOUT: %w", err), conn.Close())
	}
	return conn, nil
}

// addresses looks a host up, and returns the addresses that can be reached from the one that is bound to, in the order in which
// they are tried.
func (t *Target) addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	lookUp := t.lookUp
	if lookUp == nil {
		lookUp = net.DefaultResolver.LookupNetIP
	}
	network := "ip"
	switch {
	case t.Bind.Unmap().Is4():
		network = "ip4"
	case t.Bind.Is6():
		network = "ip6"
	}
	found, err := lookUp(ctx, network, host)
	if err != nil {
		return nil, err
	}
	return alternating(found), nil
}

// alternating puts addresses so that the two versions of IP take turns, the version of the first one first; RFC 8305 section 4.
func alternating(found []netip.Addr) []netip.Addr {
	var first, second []netip.Addr
	for _, a := range found {
		a = a.Unmap()
		if slices.Contains(first, a) || slices.Contains(second, a) {
			continue
		}
		if len(first) == 0 || first[0].Is4() == a.Is4() {
			first = append(first, a)
		} else {
			second = append(second, a)
		}
	}
	var all []netip.Addr
	for i := range max(len(first), len(second)) {
		if i < len(first) {
			all = append(all, first[i])
		}
		if i < len(second) {
			all = append(all, second[i])
		}
	}
	return all
}

// race dials addresses one after the other, without waiting for one longer than the delay, and returns the first connection.
// The error is that of all of them.
func race(ctx context.Context, addresses []netip.Addr, delay time.Duration, dial func(context.Context, netip.Addr) (net.Conn, error)) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		conn net.Conn
		err  error
	}
	results := make(chan result)
	begin := func(a netip.Addr) {
		go func() { // ends soon after ctx, and is waited for
			conn, err := dial(ctx, a)
			results <- result{conn, err}
		}()
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	var won net.Conn
	var errs []error
	for begun, ended := 0, 0; ended < begun || won == nil && begun < len(addresses); {
		select {
		case <-timer.C:
			if won == nil && begun < len(addresses) {
				begin(addresses[begun])
				begun++
				timer.Reset(delay)
			}
		case r := <-results:
			ended++
			switch {
			case r.err != nil:
				errs = append(errs, r.err)
				timer.Reset(0) // the next one at once
			case won == nil:
				won = r.conn
				cancel()
			default:
				_ = r.conn.Close() // it came too late
			}
		}
	}
	switch {
	case won != nil:
		return won, nil
	case len(errs) == 1:
		return nil, errs[0]
	case len(errs) == 0:
		return nil, cmp.Or(ctx.Err(), errors.New("the host has no address"))
	}
	return nil, &noneAnswers{errs}
}

// noneAnswers is the error of a host none of whose addresses can be reached.
type noneAnswers struct{ errs []error }

func (e *noneAnswers) Error() string {
	texts := make([]string, len(e.errs))
	for i, err := range e.errs {
		texts[i] = err.Error()
	}
	return fmt.Sprintf("none of %d addresses answers: %s", len(texts), strings.Join(texts, "; "))
}

func (e *noneAnswers) Unwrap() []error { return e.errs }
