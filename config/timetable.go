package config

import (
	"strings"
	"time"
)

// Timetable is which rate holds when. The zero value is none.
type Timetable struct {
	Timezone *time.Location // in which the hours are; nil without any
	Rates    []WindowRate
}

// WindowRate is a rate that holds within a window.
type WindowRate struct {
	Window Window
	Rate   int64 // bytes of content in a second; 0 is no limit
}

// At returns the rate at a moment: of the first window that holds, otherwise where none does.
func (t *Timetable) At(moment time.Time, otherwise int64) int64 {
	if len(t.Rates) == 0 {
		return otherwise
	}
	local := moment.In(t.Timezone)
	for i := range t.Rates {
		if t.Rates[i].Window.holds(local) {
			return t.Rates[i].Rate
		}
	}
	return otherwise
}

// timetable returns which rate holds when; zone is that of [defaults].
func (t table) timetable(zone *time.Location) Timetable {
	const key = "bandwidth_times"
	elements, given := t.list(key)
	if !given {
		return Timetable{}
	}
	times := Timetable{Timezone: zone}
	for _, e := range elements {
		if e.text == "" { // which is told already
			continue
		}
		hours, size := cutLast(e.text, " ")
		w, err := parseWindow(hours)
		rate, ok := parseRate(size)
		text := key + " holds " + show(e.text)
		const hint = `days, hours and a size: "Mon-Fri 08:00-18:00 512KiB"; "0" is no limit`
		switch {
		case err != nil:
			t.faultOn(e.at, key, text+", "+err.Error(), hint)
		case !ok:
			t.faultOn(e.at, key, text+", and "+show(size)+" is not a size", hint)
		case tooSlow(rate):
			t.faultOn(e.at, key, text+", which is less than 1KiB", hint)
		default:
			times.Rates = append(times.Rates, WindowRate{w, rate})
		}
	}
	return times
}

// cutLast cuts a text around the last of its separators; after is empty where there is none.
func cutLast(text, separator string) (before, after string) {
	i := strings.LastIndex(text, separator)
	if i < 0 {
		return text, ""
	}
	return text[:i], text[i+len(separator):]
}
