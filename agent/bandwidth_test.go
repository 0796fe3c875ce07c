package agent

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dropferry/dropferry/bandwidth"
	"github.com/dropferry/dropferry/config"
)

func TestLimitsFollowTheConfiguration(t *testing.T) {
	c := edited(t, `user = "u"`, "user = \"u\"\nbandwidth = \"2MiB\"", "version = 1", "version = 1\nagent.bandwidth = \"20MiB\"")
	acme, _ := c.Destination("acme")
	limits := bandwidth.New()
	target := paced(targetOf(c, acme), limits)
	if got := target.Pacer.Rate(); got != 0 {
		t.Errorf("before any is set, a rate of %d", got)
	}
	limits.Set(ratesOf(c, time.Now()))
	if got := target.Pacer.Rate(); got != 2<<20 {
		t.Errorf("a rate of %d", got)
	}
	if got := limits.Limit("another").Rate(); got != 20<<20 {
		t.Errorf("without a limit of its own, a rate of %d", got)
	}
	limits.Set(ratesOf(parsed(t, reloadBase), time.Now())) // a session that stands keeps its target
	if got := target.Pacer.Rate(); got != 0 {
		t.Errorf("after the limits are gone, a rate of %d", got)
	}
}

// TestTimetablesHold holds that the limits follow the clock, and the configuration of the moment.
func TestTimetablesHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := time.Now().UTC() // midnight in the bubble
		hour := func(n int) string { return at.Add(time.Duration(n) * time.Hour).Format("15:04") }
		times := fmt.Sprintf("bandwidth_times = [\"%s-%s 1MiB\"]", hour(1), hour(2))
		c := edited(t, `user = "u"`, "user = \"u\"\nbandwidth = \"2MiB\"\n"+times, "version = 1", "version = 1\nagent."+times)
		limits := limitsOf(c)
		ctx, cancel := context.WithCancel(t.Context())
		var keeping sync.WaitGroup
		keeping.Go(func() { keepTime(ctx, limits, func() *config.Config { return c }) })
		for _, step := range []struct{ acme, others int64 }{{2 << 20, 0}, {1 << 20, 1 << 20}, {2 << 20, 0}} {
			if acme, others := limits.Limit("acme").Rate(), limits.Limit("another").Rate(); acme != step.acme || others != step.others {
				t.Errorf("after %v: rates of %d and %d, want %d and %d", time.Since(at), acme, others, step.acme, step.others)
			}
			time.Sleep(time.Hour + time.Second)
			synctest.Wait()
		}
		cancel()
		keeping.Wait()
	})
}
