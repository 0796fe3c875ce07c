package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Schedule is when a destination is used. The zero value is always.
type Schedule struct {
	Timezone *time.Location // in which the windows are; nil without windows
	Windows  []Window       // empty: always
	AtEnd    string         // of a window: "finish" what is under way, or "stop" it until the next one opens
}

// Window is a span of the day, on some days of the week. One that ends no later than it begins reaches into the next day.
type Window struct {
	Days       [7]bool       // by time.Weekday: those on which it begins
	Begin, End time.Duration // by the clock on the wall; End is at most 24 h
}

// holds tells whether the clock on the wall shows a time within the window.
func (w *Window) holds(at time.Time) bool {
	clock := time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute
	day := at.Weekday()
	if w.Begin < w.End {
		return w.Days[day] && clock >= w.Begin && clock < w.End
	}
	return w.Days[day] && clock >= w.Begin || w.Days[(day+6)%7] && clock < w.End
}

// scheduleAhead is how far a change is looked for: whatever changes at all does so within a week.
const scheduleAhead = 8 * 24 * time.Hour

// At tells whether the destination is used at a moment, and until when that stays so; zero is for ever. It goes by the clock
// on the wall: an hour that a zone leaves out is in no window, one that it has twice is in its window twice.
func (s *Schedule) At(moment time.Time) (open bool, until time.Time) {
	if len(s.Windows) == 0 {
		return true, time.Time{}
	}
	open = s.holds(moment)
	for at := moment.Truncate(time.Minute).Add(time.Minute); at.Sub(moment) < scheduleAhead; at = at.Add(time.Minute) {
		if s.holds(at) != open {
			return open, at
		}
	}
	return open, time.Time{}
}

// OpenFor returns for how long the destination was used between two moments. It counts no further than enough.
func (s *Schedule) OpenFor(from, to time.Time, enough time.Duration) (sum time.Duration) {
	for at := from; at.Before(to) && sum < enough; {
		open, until := s.At(at)
		if until.IsZero() || until.After(to) {
			until = to
		}
		if open {
			sum += until.Sub(at)
		}
		at = until
	}
	return sum
}

func (s *Schedule) holds(at time.Time) bool {
	local := at.In(s.Timezone)
	for i := range s.Windows {
		if s.Windows[i].holds(local) {
			return true
		}
	}
	return false
}

// What becomes of the files under way when a window ends.
const (
	FinishAtEnd = "finish"
	StopAtEnd   = "stop"
)

// schedule returns when the destination is used; zone is that of [defaults].
func (t table) schedule(zone *time.Location) Schedule {
	const key = "schedule"
	sub, given := t.single(key, kindSchedule)
	if !given {
		return Schedule{}
	}
	sub.unknown()
	s := Schedule{
		Timezone: sub.timezone(zone),
		AtEnd:    sub.choice("at_end", FinishAtEnd, words{keys: []string{FinishAtEnd, StopAtEnd}}),
	}
	elements, listed := sub.list("windows")
	for _, e := range elements {
		if e.text == "" { // which is told already
			continue
		}
		w, err := parseWindow(e.text)
		if err != nil {
			sub.faultOn(e.at, "windows", "windows holds "+show(e.text)+", "+err.Error(), `days and hours: "Mon-Fri 06:00-20:00"`)
			continue
		}
		s.Windows = append(s.Windows, w)
	}
	if listed && len(elements) == 0 || !sub.has("windows") {
		sub.faultAt("", "there are no windows, so that nothing would ever be sent", `windows = ["Mon-Fri 06:00-20:00"]`)
	}
	return s
}

// dayNames are by time.Weekday.
var dayNames = []string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}

// parseWindow reads "Mon-Fri 06:00-20:00", "Sat,Sun 22:00-04:00" or, for each day, "06:00-20:00".
func parseWindow(text string) (Window, error) {
	days, hours, ok := strings.Cut(strings.TrimSpace(text), " ")
	if !ok {
		days, hours = "Mon-Sun", days
	}
	w := Window{}
	var wrong string
	if w.Days, wrong, ok = parseDays(days); !ok {
		return w, fmt.Errorf("and %s is no day or days", show(wrong))
	}
	begin, end, isRange := strings.Cut(strings.TrimSpace(hours), "-")
	var beginOK, endOK bool
	w.Begin, beginOK = parseClock(begin)
	w.End, endOK = parseClock(end)
	switch {
	case !isRange || !beginOK || !endOK || w.Begin == 24*time.Hour:
		return w, fmt.Errorf("and %s is no span of hours", show(hours))
	case w.Begin == w.End:
		return w, fmt.Errorf("which ends when it begins")
	}
	return w, nil
}

// parseDays reads days of the week, "Mon-Fri" or "Sat,Sun"; a span may reach over the week's end. wrong is the part that is none,
// as it was written.
func parseDays(text string) (days [7]bool, wrong string, ok bool) {
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, to := dayOf(first), dayOf(last)
		if from < 0 || to < 0 {
			return days, part, false
		}
		for day := from; ; day = (day + 1) % len(days) {
			days[day] = true
			if day == to {
				break
			}
		}
	}
	return days, "", true
}

func dayOf(name string) int {
	for i, day := range dayNames {
		if strings.EqualFold(strings.TrimSpace(name), day) {
			return i
		}
	}
	return -1
}

// parseClock reads a time of the day, from 00:00 to 24:00.
func parseClock(text string) (time.Duration, bool) {
	hours, minutes, ok := strings.Cut(strings.TrimSpace(text), ":")
	h, hErr := strconv.Atoi(hours)
	m, mErr := strconv.Atoi(minutes)
	d := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute
	ok = ok && hErr == nil && mErr == nil && len(minutes) == 2 && h >= 0 && m >= 0 && m < 60 && d <= 24*time.Hour
	return d, ok
}
