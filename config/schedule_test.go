package config

import (
	"testing"
	"time"
)

func TestScheduleAt(t *testing.T) {
	t.Parallel()
	const office, night = "Mon-Fri 06:00-20:00", "Sat,Sun 22:00-04:00"
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, window, at string // at in UTC
		open             bool
		until            string // "" for ever
	}{
		{"in the morning of a working day", office, "2026-11-30T04:59:30Z", false, "2026-11-30T05:00:00Z"},
		{"as it opens", office, "2026-11-30T05:00:00Z", true, "2026-11-30T19:00:00Z"},
		{"in the last second", office, "2026-11-30T18:59:59Z", true, "2026-11-30T19:00:00Z"},
		{"as it ends", office, "2026-11-30T19:00:00Z", false, "2026-12-01T05:00:00Z"},
		{"over a weekend", office, "2026-11-27T20:00:00Z", false, "2026-11-30T05:00:00Z"},
		{"in summer", office, "2026-07-01T03:30:00Z", false, "2026-07-01T04:00:00Z"},
		{"over midnight", night, "2026-11-28T23:30:00Z", true, "2026-11-29T03:00:00Z"},
		{"over midnight, on the day after the last", night, "2026-11-30T02:00:00Z", true, "2026-11-30T03:00:00Z"},
		{"before a night that is none of them", night, "2026-11-30T21:30:00Z", false, "2026-12-05T21:00:00Z"},
		{"all day, all week", "00:00-24:00", "2026-11-28T23:30:00Z", true, ""},
		{"each day", "12:00-13:00", "2026-11-29T11:30:00Z", true, "2026-11-29T12:00:00Z"},
		{"as the clock is put forward: begins in the hour that is left out", "02:30-04:00", "2026-03-29T00:45:00Z", false, "2026-03-29T01:00:00Z"},
		{"as the clock is put forward: lies in the hour that is left out", "02:00-03:00", "2026-03-29T00:45:00Z", false, "2026-03-30T00:00:00Z"},
		{"as the clock is put back: the hour that is there twice", "02:00-03:00", "2026-10-25T00:30:00Z", true, "2026-10-25T02:00:00Z"},
		{"as the clock is put back: half of the hour, first", "02:00-02:30", "2026-10-25T00:15:00Z", true, "2026-10-25T00:30:00Z"},
		{"as the clock is put back: half of the hour, again", "02:00-02:30", "2026-10-25T00:45:00Z", false, "2026-10-25T01:00:00Z"},
		{"once a week", "Mon 05:00-05:01", "2026-11-30T04:01:00Z", false, "2026-12-07T04:00:00Z"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w, err := parseWindow(row.window)
			if err != nil {
				t.Fatal(err)
			}
			at, err := time.Parse(time.RFC3339, row.at)
			if err != nil {
				t.Fatal(err)
			}
			open, until := (&Schedule{Timezone: berlin, Windows: []Window{w}}).At(at)
			got := ""
			if !until.IsZero() {
				got = until.UTC().Format(time.RFC3339)
			}
			if open != row.open || got != row.until {
				t.Errorf("open %v until %q, want %v until %q", open, got, row.open, row.until)
			}
		})
	}
	if open, until := (&Schedule{}).At(time.Now()); !open || !until.IsZero() {
		t.Error("without a schedule it is not always open")
	}
}

func TestScheduleOpenFor(t *testing.T) {
	t.Parallel()
	w, err := parseWindow("Mon-Fri 06:00-20:00")
	if err != nil {
		t.Fatal(err)
	}
	office := &Schedule{Timezone: time.UTC, Windows: []Window{w}}
	for _, row := range []struct {
		name     string
		s        *Schedule
		from, to string
		want     time.Duration
	}{
		{"always", &Schedule{}, "2026-11-27T20:00:00Z", "2026-11-28T20:00:00Z", 24 * time.Hour},
		{"while it is closed", office, "2026-11-27T20:00:00Z", "2026-11-30T05:59:00Z", 0},
		{"over a weekend, and a little", office, "2026-11-27T19:59:30Z", "2026-11-30T06:00:05Z", 35 * time.Second},
		{"over a week", office, "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z", 5 * 14 * time.Hour},
		{"no further than enough", office, "2020-11-23T00:00:00Z", "2026-11-30T00:00:00Z", 8 * 14 * time.Hour},
		{"backwards", office, "2026-11-30T12:00:00Z", "2026-11-30T11:00:00Z", 0},
	} {
		from, err := time.Parse(time.RFC3339, row.from)
		if err != nil {
			t.Fatal(err)
		}
		to, err := time.Parse(time.RFC3339, row.to)
		if err != nil {
			t.Fatal(err)
		}
		if got := row.s.OpenFor(from, to, 100*time.Hour); got != row.want {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
		}
	}
}

func TestWindows(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Window{
		"Mon-Fri 06:00-20:00": {[7]bool{1: true, 2: true, 3: true, 4: true, 5: true}, 6 * time.Hour, 20 * time.Hour},
		"fri-mon 00:00-24:00": {[7]bool{0: true, 1: true, 5: true, 6: true}, 0, 24 * time.Hour},
		"Tue,Sun  7:05-06:00": {[7]bool{0: true, 2: true}, 7*time.Hour + 5*time.Minute, 6 * time.Hour},
		"13:00-14:30":         {[7]bool{true, true, true, true, true, true, true}, 13 * time.Hour, 14*time.Hour + 30*time.Minute},
	} {
		if got, err := parseWindow(text); err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func TestFaultsOfSchedules(t *testing.T) {
	const hint = `: days and hours: "Mon-Fri 06:00-20:00"`
	checkBadFiles(t, []badFile{
		{"windows", destinationText + `schedule = { windows = ["Mo-Fr 06:00-20:00", "Mon 6-20", "25:00-26:00", "06:00-06:00", "24:00-06:00", "12:60-13:00", "Mon 12:00"] }`, []string{
			`7: destination "acme": schedule: windows holds "06:00-06:00", which ends when it begins` + hint,
			`7: destination "acme": schedule: windows holds "12:60-13:00", and "12:60-13:00" is no span of hours` + hint,
			`7: destination "acme": schedule: windows holds "24:00-06:00", and "24:00-06:00" is no span of hours` + hint,
			`7: destination "acme": schedule: windows holds "25:00-26:00", and "25:00-26:00" is no span of hours` + hint,
			`7: destination "acme": schedule: windows holds "Mo-Fr 06:00-20:00", and "Mo-Fr" is no day or days` + hint,
			`7: destination "acme": schedule: windows holds "Mon 12:00", and "12:00" is no span of hours` + hint,
			`7: destination "acme": schedule: windows holds "Mon 6-20", and "6-20" is no span of hours` + hint,
		}},
		{"no windows", destinationText + `schedule = { timezone = "Europe/Berlin" }`, []string{
			`7: destination "acme": schedule: there are no windows, so that nothing would ever be sent: windows = ["Mon-Fri 06:00-20:00"]`,
		}},
		{"an unknown zone, and end", destinationText + `schedule = { windows = ["06:00-20:00"], timezone = "Europe/Berlon", at_end = "halt" }`, []string{
			`7: destination "acme": schedule: at_end = "halt" is not one of finish, stop`,
			`7: destination "acme": schedule: timezone = "Europe/Berlon" is unknown: an IANA name such as "UTC" or "Europe/Berlin"; or "Local"`,
		}},
		{"profiles and limits", destinationText + "profile = \"aws\"\nrequests = 0\nopen_files = 5000\ntransfers = -1\nmax_session_age = \"0s\"\nconnections = 17", []string{
			`7: destination "acme": profile = "aws" is not one of auto, openssh, aws-transfer, azure-blob, proftpd, sftpgo, bitvise, crushftp, goanywhere, dropbear, strict-mft`,
			`8: destination "acme": requests = 0 is not between 1 and 1024`,
			`9: destination "acme": open_files = 5000 is not between 1 and 1024`,
			`10: destination "acme": transfers = -1 is not between 1 and 1024`,
			`11: destination "acme": max_session_age = "0s" is not more than 0`,
			`12: destination "acme": connections = 17 is not between 1 and 16`,
		}},
		{"connections where a code counts once", destinationText + "connections = 2\nanswers = [{ prompt = \"*code*\", env = \"CODE\" }]", []string{
			`7: destination "acme": connections = 2 is given together with answers, of which a code counts for one login: leave connections out`,
		}},
		{"sessions that are hardly ever there", destinationText + "max_session_age = \"30s\"", []string{
			`7: destination "acme": max_session_age = "30s" is less than 1m, so that it would be dialled all the time`,
		}},
	})
}

func TestScheduleTakesTheTimezoneOfDefaults(t *testing.T) {
	for zone, text := range map[string]string{
		"Europe/Berlin":    `schedule = { windows = ["06:00-20:00"] }`,
		"America/New_York": `schedule = { windows = ["06:00-20:00"], timezone = "America/New_York" }`,
	} {
		c, err := Parse("agent.toml", []byte(destinationText+text+"\n[defaults]\ntimezone = \"Europe/Berlin\"\n"))
		if err != nil {
			t.Fatal(err)
		}
		if s := c.Destinations[0].Schedule; s.Timezone.String() != zone || s.AtEnd != FinishAtEnd || len(s.Windows) != 1 {
			t.Errorf("%s: %+v", text, s)
		}
	}
}
