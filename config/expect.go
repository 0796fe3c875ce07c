package config

import (
	"fmt"
	"strings"
	"time"
)

// Expect says by when a file has to come on some days of the week. The zero value expects nothing.
type Expect struct {
	Days [7]bool       // from Sunday
	At   time.Duration // since midnight, by the clock of the folder's time zone
	text string
}

// IsSet tells whether anything is expected.
func (e Expect) IsSet() bool { return e.text != "" }

// String returns it as the file has it.
func (e Expect) String() string { return e.text }

// Last returns the latest moment, not after now, by which a file had to come, and the one before it. Both are in zone.
func (e Expect) Last(now time.Time, zone *time.Location) (last, before time.Time) {
	now = now.In(zone)
	for back := range 15 { // a day of each week, twice
		day := now.AddDate(0, 0, -back)
		at := time.Date(day.Year(), day.Month(), day.Day(), int(e.At/time.Hour), int(e.At%time.Hour/time.Minute), 0, 0, zone)
		switch {
		case !e.Days[at.Weekday()] || at.After(now):
		case last.IsZero():
			last = at
		default:
			return last, at
		}
	}
	return last, before
}

// expect reads such as "daily 18:00" or "Mon-Fri, Sun 7:30".
func (t table) expect() Expect {
	const key = "expect"
	text, given := t.text(key)
	if !given {
		return Expect{}
	}
	e, err := parseExpect(text)
	if err != nil {
		t.faultAt(key, key+" = "+show(text)+": "+err.Error(), key+` = "daily 18:00" or "Mon-Fri 18:00"`)
		return Expect{}
	}
	return e
}

func parseExpect(text string) (Expect, error) {
	e := Expect{text: text}
	cut := strings.LastIndexByte(strings.TrimSpace(text), ' ')
	if cut < 0 {
		return e, fmt.Errorf("days and a time are wanted")
	}
	days, clock := text[:cut], strings.TrimSpace(text[cut:])
	at, err := time.Parse("15:04", clock)
	if err != nil {
		return e, fmt.Errorf("%s is no time of day", show(clock))
	}
	e.At = time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute
	if strings.EqualFold(strings.TrimSpace(days), "daily") {
		e.Days = [7]bool{true, true, true, true, true, true, true}
		return e, nil
	}
	var wrong string
	var ok bool
	if e.Days, wrong, ok = parseDays(days); !ok {
		return e, fmt.Errorf("%s is not daily, nor days such as Mon or Mon-Fri", show(strings.TrimSpace(wrong)))
	}
	return e, nil
}
