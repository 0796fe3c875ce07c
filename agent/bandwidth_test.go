package agent

import (
	"testing"

	"github.com/dropferry/dropferry/bandwidth"
)

func TestLimitsFollowTheConfiguration(t *testing.T) {
	c := edited(t, `user = "u"`, "user = \"u\"\nbandwidth = \"2MiB\"", "version = 1", "version = 1\nagent.bandwidth = \"20MiB\"")
	acme, _ := c.Destination("acme")
	limits := bandwidth.New()
	target := paced(targetOf(c, acme), limits)
	if got := target.Pacer.Rate(); got != 0 {
		t.Errorf("before any is set, a rate of %d", got)
	}
	limits.Set(ratesOf(c))
	if got := target.Pacer.Rate(); got != 2<<20 {
		t.Errorf("a rate of %d", got)
	}
	if got := limits.Limit("another").Rate(); got != 20<<20 {
		t.Errorf("without a limit of its own, a rate of %d", got)
	}
	limits.Set(ratesOf(parsed(t, reloadBase))) // a session that stands keeps its target
	if got := target.Pacer.Rate(); got != 0 {
		t.Errorf("after the limits are gone, a rate of %d", got)
	}
}
