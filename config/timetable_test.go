package config

import (
	"testing"
	"time"
)

func TestTimetable(t *testing.T) {
	t.Parallel()
	c, err := Parse("agent.toml", []byte(destinationText+`bandwidth = "2MiB"
bandwidth_times = ["Mon-Fri 08:00-18:00 512KiB", "Mon 08:00-20:00 1MiB/s", "22:00-06:00 0"]
[defaults]
timezone = "Europe/Berlin"
`))
	if err != nil {
		t.Fatal(err)
	}
	d := c.Destinations[0]
	for at, want := range map[string]int64{
		"2026-11-30T06:59:59Z": 2 << 20, "2026-11-30T07:00:00Z": 512 << 10, "2026-11-30T17:00:00Z": 1 << 20, "2026-11-30T19:00:00Z": 2 << 20,
		"2026-11-30T21:00:00Z": 0, "2026-12-01T04:59:00Z": 0, "2026-12-01T17:00:00Z": 2 << 20, "2026-07-06T06:00:00Z": 512 << 10,
	} {
		moment, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := d.BandwidthTimes.At(moment, d.Bandwidth); got != want {
			t.Errorf("%s: %d, want %d", at, got, want)
		}
	}
	if got := (&Timetable{}).At(time.Now(), 7); got != 7 {
		t.Errorf("without hours: %d", got)
	}
}

func TestFaultsOfTimetables(t *testing.T) {
	const hint = `: days, hours and a size: "Mon-Fri 08:00-18:00 512KiB"; "0" is no limit`
	checkBadFiles(t, []badFile{
		{"of a destination", destinationText + `bandwidth_times = ["Mon-Fri 08:00-18:00", "08:00-18:00 512", "8-18 1MiB", "08:00-18:00 12B", "Mo 08:00-18:00 1MiB"]`, []string{
			`7: destination "acme": bandwidth_times holds "08:00-18:00 12B", which is less than 1KiB` + hint,
			`7: destination "acme": bandwidth_times holds "08:00-18:00 512", and "512" is not a size` + hint,
			`7: destination "acme": bandwidth_times holds "8-18 1MiB", and "8-18" is no span of hours` + hint,
			`7: destination "acme": bandwidth_times holds "Mo 08:00-18:00 1MiB", and "Mo" is no day or days` + hint,
			`7: destination "acme": bandwidth_times holds "Mon-Fri 08:00-18:00", and "Mon-Fri" is no span of hours` + hint,
		}},
		{"of the agent", destinationText + "[agent]\nbandwidth_times = \"08:00-18:00 1MiB\"", []string{
			`8: agent: bandwidth_times is text, not a list: bandwidth_times = ["08:00-18:00 1MiB"]`,
		}},
	})
}
