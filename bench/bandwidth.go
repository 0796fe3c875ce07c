package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os/exec"
	"strings"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// bandwidthGoal is how far the rate may be off over bandwidthTime.
const (
	bandwidthGoal = 0.05
	bandwidthTime = 10 * time.Second
	bandwidthRate = 8 << 20 // bytes per second
)

// noBandwidth is the section of a dropferry that cannot be limited.
const noBandwidth = "Not measured: this dropferry has no `bandwidth` setting.\n"

func rateText(rate int) string { return strings.ReplaceAll(formatBytes(int64(rate)), " ", "") }

func bandwidthLine(rate int) string { return fmt.Sprintf("bandwidth = %q", rateText(rate)) }

// understood tells whether dropferry takes the configuration. What it says against anything but the bandwidth is an error.
func (b *bed) understood(ctx context.Context) (bool, error) {
	config, err := b.write()
	if err != nil {
		return false, err
	}
	check := exec.CommandContext(ctx, b.binary, "--config", config, "check")
	check.Env = b.meter.env
	out, err := check.CombinedOutput()
	switch {
	case err == nil:
		return true, nil
	case strings.Contains(string(out), "bandwidth"):
		return false, ctx.Err()
	}
	return false, fmt.Errorf("dropferry check: %w: %s", err, out)
}

// bandwidth is the part that compares the rate on the wire with the limit.
func (s *stage) bandwidth(ctx context.Context) (section, error) {
	var all []fact
	for _, place := range []string{"[[destination]]", "[agent]"} {
		rate, err := s.rateWith(ctx, place)
		if errors.Is(err, errNoBandwidth) {
			all = append(all, fact{what: "`bandwidth` in " + place, figure: "this dropferry has no such setting"})
			continue
		}
		if err != nil {
			return section{}, fmt.Errorf("%s: %w", place, err)
		}
		off := rate/bandwidthRate - 1
		all = append(all, fact{
			fmt.Sprintf("`bandwidth = %q` in %s", rateText(bandwidthRate), place),
			fmt.Sprintf("%.3f MiB/s, %+.1f %%", rate/(1<<20), 100*off), fmt.Sprintf("within %.0f %%", 100*bandwidthGoal),
			atMost(math.Abs(off), bandwidthGoal),
		})
	}
	return section{text: facts(all, fmt.Sprintf("Bytes on the wire to the server over %s in the middle of an upload, with all of SSH.",
		formatDuration(s.scaledTime(bandwidthTime, time.Second))))}, nil
}

var errNoBandwidth = errors.New("there is no such setting")

// rateWith returns the rate of an upload in bytes a second, with the limit in a table of agent.toml.
func (s *stage) rateWith(ctx context.Context, place string) (rate float64, err error) {
	b, err := s.bed("bandwidth", network{})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := b.through(network{}); err != nil {
		return 0, err
	}
	line := []string{bandwidthLine(bandwidthRate)}
	if place == "[agent]" {
		b.agent = line
	} else {
		b.destination = line
	}
	if ok, err := b.understood(ctx); err != nil || !ok {
		return 0, errors.Join(err, errNoBandwidth)
	}
	over := s.scaledTime(bandwidthTime, time.Second)
	a, drop, err := b.start(ctx, over+time.Minute)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, a.stop()) }()
	before := sentOver(b.gauge.wire)
	if err := dropLarge(b.scratch, drop, int((over+3*time.Second).Seconds()*bandwidthRate)); err != nil {
		return 0, err
	}
	for deadline := time.Now().Add(startup); sentOver(b.gauge.wire) < before+256<<10; {
		if time.Now().After(deadline) {
			return 0, errors.New("no upload begins")
		}
		if err := rest(ctx, 10*time.Millisecond); err != nil {
			return 0, err
		}
	}
	if err := rest(ctx, time.Second); err != nil {
		return 0, err
	}
	from, began := sentOver(b.gauge.wire), time.Now()
	if err := rest(ctx, over); err != nil {
		return 0, err
	}
	return float64(sentOver(b.gauge.wire)-from) / time.Since(began).Seconds(), nil
}

func sentOver(w *sftptest.Wire) int64 {
	sent, _, _ := w.Stats()
	return sent
}
