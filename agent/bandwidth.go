package agent

import (
	"context"
	"time"

	"github.com/dropferry/dropferry/bandwidth"
	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/remote"
)

// ratesOf returns the limits that a configuration sets at a moment.
func ratesOf(c *config.Config, now time.Time) bandwidth.Rates {
	rates := bandwidth.Rates{Total: c.Agent.BandwidthTimes.At(now, c.Agent.Bandwidth), Each: make(map[string]int64, len(c.Destinations))}
	for i := range c.Destinations {
		d := &c.Destinations[i]
		rates.Each[d.Name] = d.BandwidthTimes.At(now, d.Bandwidth)
	}
	return rates
}

// limitsOf returns limits that are a command's own: it shares them with no other process.
func limitsOf(c *config.Config) *bandwidth.Limits {
	limits := bandwidth.New()
	limits.Set(ratesOf(c, time.Now()))
	return limits
}

// keepTime sets the limits anew at each full minute, which is when a timetable may ask for others, until ctx ends. The
// clock is looked at each time, since it may be set; current is the configuration as it is then.
func keepTime(ctx context.Context, limits *bandwidth.Limits, current func() *config.Config) {
	for {
		now := time.Now()
		timer := time.NewTimer(now.Truncate(time.Minute).Add(time.Minute).Sub(now))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		limits.Set(ratesOf(current(), time.Now())) // the same rates change nothing
	}
}

// keepingTime keeps the time in the background, until end.
func keepingTime(ctx context.Context, limits *bandwidth.Limits, current func() *config.Config) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); keepTime(ctx, limits, current) }()
	return func() { cancel(); <-done }
}

// paced returns the target with the limits that its destination keeps.
func paced(t remote.Target, limits *bandwidth.Limits) remote.Target {
	t.Pacer = limits.Limit(t.Name)
	return t
}
