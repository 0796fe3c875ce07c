package agent

import (
	"testing"
	"time"

	"github.com/dropferry/dropferry/remote"
)

// TestLimitsOfADestination reach those who keep them.
func TestLimitsOfADestination(t *testing.T) {
	t.Parallel()
	c := edited(t, `user = "u"`, `user = "u"
profile = "strict-mft"
requests = 3
open_files = 4
connections = 2
transfers = 5
max_session_age = "1h"
schedule = { windows = ["06:00-20:00"], at_end = "stop" }`)
	acme, _ := c.Destination("acme")
	target := targetOf(c, acme)
	if target.Profile != "strict-mft" || target.Requests != 3 || target.OpenFiles != 4 || target.Connections != 2 {
		t.Errorf("target: %+v", target)
	}
	d := destinationOf(c, acme, nil, limitsOf(c), nil, nil)
	if d.Transfers != 5 || d.MaxAge != time.Hour || !d.Schedule.StopAtEnd {
		t.Errorf("destination: %+v", d)
	}
	open, until := d.Schedule.At(time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC))
	if want := time.Date(2026, 11, 30, 20, 0, 0, 0, time.UTC); !open || !until.Equal(want) {
		t.Errorf("open %v until %v, want %v", open, until, want)
	}
	plain := edited(t)
	other, _ := plain.Destination("acme")
	if d := destinationOf(plain, other, nil, limitsOf(plain), nil, nil); d.Schedule.At != nil || targetOf(plain, other).Profile != remote.AutoProfile {
		t.Errorf("without any: %+v", d)
	}
}
