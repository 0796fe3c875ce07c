package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// network is the distance between client and server. The zero value is the loopback interface as it is.
type network struct {
	rtt  time.Duration // 0 adds none
	rate int           // bytes per second in each direction; 0 is no limit
}

// parseNetworks combines each round-trip time with each rate.
func parseNetworks(rtts, rates string) ([]network, error) {
	var found []network
	for _, rttText := range fields(rtts) {
		rtt, err := time.ParseDuration(rttText)
		if err != nil || rtt < 0 {
			return nil, fmt.Errorf("-rtt: %q is not like 50ms", rttText)
		}
		for _, rateText := range fields(rates) {
			rate, err := parseBytes(rateText)
			if err != nil {
				return nil, fmt.Errorf("-rate: %w", err)
			}
			found = append(found, network{rtt, int(rate)})
		}
	}
	if len(found) == 0 {
		return nil, errors.New("-rtt and -rate: give at least one of each")
	}
	return found, nil
}

// direct tells whether clients reach the server without a wire.
func (n network) direct() bool { return n == network{} }

// String returns a name such as "RTT 50 ms, 20 MiB/s".
func (n network) String() string {
	switch {
	case n.direct():
		return "loopback"
	case n.rate == 0:
		return "RTT " + formatDuration(n.rtt)
	case n.rtt == 0:
		return formatBytes(int64(n.rate)) + "/s"
	}
	return fmt.Sprintf("RTT %s, %s/s", formatDuration(n.rtt), formatBytes(int64(n.rate)))
}

// open returns a fresh wire to a server.
func (n network) open(addr string) (*sftptest.Wire, error) {
	w, err := sftptest.NewWire(addr)
	if err != nil {
		return nil, fmt.Errorf("start the wire: %w", err)
	}
	w.SetDelay(n.rtt / 2)
	w.SetRate(n.rate)
	return w, nil
}
