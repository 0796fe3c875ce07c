package agent

import (
	"time"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/syncer"
)

// scheduleOf turns a destination's schedule into the syncer's view of it.
func scheduleOf(d *config.Destination) syncer.Schedule {
	if len(d.Schedule.Windows) == 0 {
		return syncer.Schedule{}
	}
	return syncer.Schedule{At: d.Schedule.At, StopAtEnd: d.Schedule.AtEnd == config.StopAtEnd}
}

// showClosed adds to a status which destinations are outside their schedules, whether or not there is something to send.
// What is under way there, or has nothing to do with the schedule, is left as it is.
func showClosed(s *control.Status, c *config.Config, now time.Time) {
	for i := range s.Destinations {
		view := &s.Destinations[i]
		d, ok := c.Destination(view.Name)
		if !ok || view.Active > 0 || view.State != "" && view.State != string(syncer.LinkIdle) && view.State != string(syncer.LinkClosed) {
			continue
		}
		if open, until := d.Schedule.At(now); !open {
			view.State, view.Reason, view.NextAttempt = string(syncer.LinkClosed), closedUntil(d, until), moment(until)
		}
	}
}

// closedUntil words when a destination opens, by the clock of its schedule.
func closedUntil(d *config.Destination, until time.Time) string {
	if !until.IsZero() {
		until = until.In(d.Schedule.Timezone)
	}
	return (&syncer.Closed{Opens: until}).Error()
}

// closedLinks returns the destinations to which nothing was sent any more, since they were outside their schedules.
func closedLinks(links []syncer.LinkStatus) map[string]bool {
	closed := map[string]bool{}
	for _, l := range links {
		if l.State == syncer.LinkClosed {
			closed[l.Destination] = true
		}
	}
	return closed
}

// closedNow returns why destinations are not used at a moment, of those that are outside their schedules.
func closedNow(c *config.Config, now time.Time) map[string]string {
	closed := map[string]string{}
	for i := range c.Destinations {
		d := &c.Destinations[i]
		if open, until := d.Schedule.At(now); !open {
			closed[d.Name] = closedUntil(d, until)
		}
	}
	return closed
}

// heedSchedule tells that an operation waits until its destination opens.
func heedSchedule(o *syncer.Operation, closed map[string]string) {
	if why := closed[o.Destination]; why != "" && sends(o.Op) {
		o.Op, o.Reason, o.Detail = syncer.Hold, syncer.ReasonClosed, why
	}
}
