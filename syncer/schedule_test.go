package syncer

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/dropferry/dropferry/state"
)

// hoursFrom is a schedule with a window from one hour to another of the test, and for ever none after it.
func hoursFrom(begun time.Time, open, end time.Duration) func(time.Time) (bool, time.Time) {
	return func(at time.Time) (bool, time.Time) {
		switch since := at.Sub(begun); {
		case since < open:
			return false, begun.Add(open)
		case since < end:
			return true, begun.Add(end)
		}
		return false, time.Time{}
	}
}

// TestOutsideItsSchedule a destination is not dialled, says when it opens, and holds nothing against a file.
func TestOutsideItsSchedule(t *testing.T) {
	inTime(t, func(r *patientRig) {
		begun := time.Now()
		r.folder.Retry.GiveUpAfter = time.Minute
		r.options.Destinations[0].Schedule.At = hoursFrom(begun, 2*time.Hour, 3*time.Hour)
		r.begin()
		if dials, _ := r.pass(time.Hour); dials != 0 {
			t.Errorf("%d dials", dials)
		}
		if l := r.link(); l.State != LinkClosed || !l.NextAttempt.Equal(begun.Add(2*time.Hour)) || l.Connected {
			t.Errorf("%+v", l)
		}
		if told := r.events.of(EventClosed); len(told) != 1 || !told[0].Next.Equal(begun.Add(2*time.Hour)) {
			t.Errorf("told: %+v", told)
		}
		r.pass(time.Hour)
		if dials, _ := r.pass(time.Minute); dials != 0 || !r.link().Connected {
			t.Errorf("%d dials, %+v", dials, r.link())
		}
		e := r.await(EventDelivered, "a", "acme")
		if late := e.At.Sub(begun.Add(2 * time.Hour)); late < 0 || late > clockLook || e.Receipt.Attempts != 1 {
			t.Errorf("delivered %v after the opening, at attempt %d", late, e.Receipt.Attempts)
		}
		r.pass(time.Hour)
		if l := r.link(); l.Connected {
			t.Errorf("connected behind the end: %+v", l)
		}
		r.drop("b", "more")
		r.scan()
		if dials, _ := r.pass(24 * time.Hour); dials != 0 || r.intent("b").Phase != state.Planned {
			t.Errorf("behind the last window: %d dials, %+v", dials, r.intent("b"))
		}
	})
}

// TestWhatIsUnderWayAsAWindowEnds goes on to its end, or stands as it stands.
func TestWhatIsUnderWayAsAWindowEnds(t *testing.T) {
	for _, stop := range []bool{false, true} {
		t.Run(map[bool]string{false: "finish", true: "stop"}[stop], func(t *testing.T) {
			inTime(t, func(r *patientRig) {
				begun := time.Now()
				r.folder.Retry.GiveUpAfter = time.Minute
				hours := hoursFrom(begun, 0, time.Hour)
				again := hoursFrom(begun, 24*time.Hour, 48*time.Hour)
				r.options.Destinations[0].Schedule = Schedule{StopAtEnd: stop, At: func(at time.Time) (bool, time.Time) {
					if open, until := hours(at); open {
						return open, until
					}
					return again(at)
				}}
				slow := 2 * time.Hour
				r.server.setProgress(func(func(int64), *fakeSession) { time.Sleep(slow) })
				r.begin()
				r.drop("b", "more")
				r.pass(90 * time.Minute)
				r.scan() // which comes after the end
				r.pass(40 * time.Minute)
				_, arrived := r.server.content("in/a")
				if arrived == stop || r.link().Connected {
					t.Errorf("arrived: %v, %+v", arrived, r.link())
				}
				if n := len(r.events.of(EventFailed)) + len(r.events.of(EventLost)); n != 0 {
					t.Errorf("%d failures are told", n)
				}
				slow = 0
				r.pass(23 * time.Hour)
				for _, name := range []string{"a", "b"} {
					if e := r.await(EventDelivered, name, "acme"); name == "b" && e.Receipt.Attempts != 1 {
						t.Errorf("%s took %d attempts", name, e.Receipt.Attempts)
					}
				}
			})
		})
	}
}

// TestOnceOutsideTheSchedule ends at once, with nothing sent.
func TestOnceOutsideTheSchedule(t *testing.T) {
	inTime(t, func(r *patientRig) {
		r.drop("a", "content")
		opens := time.Now().Add(time.Hour)
		r.options.Destinations[0].Schedule.At = func(time.Time) (bool, time.Time) { return false, opens }
		r.once()
		synctest.Wait()
		if l := r.link(); l.State != LinkClosed || !l.NextAttempt.Equal(opens) || len(r.dials) != 0 {
			t.Errorf("%+v, %d dials", l, len(r.dials))
		}
		if told := r.events.of(EventClosed); len(told) != 1 {
			t.Errorf("told: %+v", told)
		}
	})
}

// TestSessionsAge replaces a session when it has stood for long enough, and not before it is needed.
func TestSessionsAge(t *testing.T) {
	inTime(t, func(r *patientRig) {
		r.options.Destinations[0].MaxAge = time.Hour
		r.server.setProgress(func(func(int64), *fakeSession) { time.Sleep(2 * time.Hour) })
		r.begin()
		r.pass(90 * time.Minute)
		if l := r.link(); !l.Connected || l.State != LinkActive {
			t.Errorf("what is under way was cut off: %+v", l)
		}
		if dials, _ := r.pass(24 * time.Hour); dials != 0 || r.link().Connected {
			t.Errorf("%d dials, %+v", dials, r.link())
		}
		r.await(EventDelivered, "a", "acme")
		r.server.setProgress(nil)
		before := len(r.dials)
		r.drop("b", "more")
		r.scan() // which may end after the dial
		r.pass(time.Minute)
		if dials := len(r.dials) - before; dials != 1 {
			t.Errorf("%d dials for the next file", dials)
		}
		r.await(EventDelivered, "b", "acme")
		if n := len(r.events.of(EventLost)); n != 0 {
			t.Errorf("%d losses are told", n)
		}
	})
}

// TestAScheduleIsAskedAgainWhenTheClockIsSet holds for a clock that is put back, and for one that is put forward.
func TestAScheduleIsAskedAgainWhenTheClockIsSet(t *testing.T) {
	t.Parallel()
	begun := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	asked := 0
	hours := hoursFrom(begun, 2*time.Hour, 3*time.Hour)
	g := gate{schedule: Schedule{At: func(at time.Time) (bool, time.Time) { asked++; return hours(at) }}}
	for _, step := range []struct {
		since time.Duration
		open  bool
		asked int
	}{{time.Hour, false, 1}, {90 * time.Minute, false, 1}, {2 * time.Hour, true, 2}, {150 * time.Minute, true, 2}, {time.Hour, false, 3}, {5 * time.Hour, false, 4}} {
		if open, _ := g.at(begun.Add(step.since)); open != step.open || asked != step.asked {
			t.Errorf("after %v: open %v, asked %d times; want %v and %d", step.since, open, asked, step.open, step.asked)
		}
	}
}
