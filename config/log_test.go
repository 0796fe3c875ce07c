package config

import (
	"runtime"
	"testing"
)

func TestLogFile(t *testing.T) {
	c := parse(t, least+"[log]\ntarget = \"file\"\nfile = \"/var/log/x.log\"\nmax_size = \"64KiB\"\nkeep = 0")
	if want := (Log{"info", "auto", "file", at(t, "/var/log/x.log"), 64 << 10, 0}); c.Log != want {
		t.Errorf("%+v, want %+v", c.Log, want)
	}
	c = parse(t, least+"[agent]\nstate_dir = \"/var/lib/x\"\n[log]\ntarget = \"file\"")
	if want := at(t, "/var/lib/x/log/dropferry.log"); c.Log.File != want {
		t.Errorf("by default %s, want %s", c.Log.File, want)
	}
}

func TestFaultsOfLogs(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the faults show paths, which have other slashes there")
	}
	move := "move it elsewhere"
	checkBadFiles(t, []badFile{
		{"a place of the past", least + "[log]\ntarget = \"syslog\"", []string{
			`13: log: target = "syslog" is not one of auto, stderr, journal, eventlog, file`,
		}},
		{"a file for nothing", least + "[log]\nfile = \"/var/log/x\"", []string{
			`13: log: file is given, and target = "auto" writes to none: target = "file"`,
		}},
		{"sizes", least + "[log]\nmax_size = \"1KiB\"\nkeep = -1", []string{
			`13: log: max_size is less than 64KiB: max_size = "10MiB"`,
			`14: log: keep = -1 is not between 0 and 1000`,
		}},
		{"in a folder", least + "[log]\ntarget = \"file\"\nfile = \"/srv/invoices/x.log\"", []string{
			`14: log: file /srv/invoices/x.log lies in the watched folder "invoices" (line 8) and would be delivered: ` + move,
		}},
		{"in a folder that leaves it out", least + "exclude = [\"x.log*\"]\n[log]\ntarget = \"file\"\nfile = \"/srv/invoices/x.log\"", nil},
	})
}

func TestEventLogOfAnotherSystem(t *testing.T) {
	c := parse(t, least+"[log]\ntarget = \"eventlog\"")
	if faults := c.checkSystem("windows"); len(faults) != 0 {
		t.Errorf("on Windows: %v", faults)
	}
	faults := c.checkSystem("linux")
	if want := `agent.toml:13: log: target = "eventlog", and only Windows has an event log: target = "auto"`; len(faults) != 1 || faults[0].String() != want || !faults.Fatal() {
		t.Errorf("on Linux: %v", faults)
	}
	if faults := parse(t, least).checkSystem("linux"); len(faults) != 0 {
		t.Errorf("by default: %v", faults)
	}
}
