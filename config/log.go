package config

import (
	"cmp"
	"path/filepath"
	"runtime"
)

// Log says what is logged, how and where.
type Log struct {
	Level   string // debug, info, warn or error
	Format  string // auto, text or json
	Target  string // one of the words below
	File    string // absolute; of the target "file"
	MaxSize int64  // bytes that a log file may have
	Keep    int    // how many older files stay beside it
}

// Where the log goes.
const (
	TargetAuto     = "auto" // journal under systemd, eventlog as a service of Windows, else stderr
	TargetStderr   = "stderr"
	TargetJournal  = "journal"  // standard error, each line with its priority for systemd
	TargetEventLog = "eventlog" // of Windows
	TargetFile     = "file"     // one that is replaced when it has grown
)

// The bounds and defaults of [log].
const (
	defaultLogSize = 10 << 20
	leastLogSize   = 64 << 10
	defaultLogKeep = 5
	mostLogKeep    = 1000
)

// log returns [log]. The file is only named here: whether there is a use for it, the target says.
func (t table) log(stateDir string) Log {
	t.unknown()
	l := Log{
		Level:  t.choice("level", "info", words{keys: []string{"debug", "info", "warn", "error"}}),
		Format: t.choice("format", "auto", words{keys: []string{"auto", "text", "json"}}),
		Target: t.choice("target", TargetAuto, words{
			keys: []string{TargetAuto, TargetStderr, TargetJournal, TargetEventLog, TargetFile},
		}),
		MaxSize: t.size("max_size", defaultLogSize),
		Keep:    t.integer("keep", defaultLogKeep, 0, mostLogKeep),
	}
	if l.MaxSize < leastLogSize {
		t.faultAt("max_size", "max_size is less than 64KiB", `max_size = "10MiB"`)
	}
	name, given := t.local("file")
	if !given {
		name = filepath.Join(stateDir, "log", "dropferry.log")
	}
	if given && l.Target != TargetFile {
		t.faultAt("file", "file is given, and target = "+show(l.Target)+" writes to none", `target = "file"`)
	}
	l.File = name
	return l
}

// CheckSystem returns what the configuration wants and this system does not have. It loads all the same, since it may be
// written on another machine than the one it is for.
func (c *Config) CheckSystem() Faults { return c.checkSystem(runtime.GOOS) }

func (c *Config) checkSystem(goos string) Faults {
	if c.Log.Target != TargetEventLog || goos == "windows" {
		return nil
	}
	return Faults{{
		File: cmp.Or(c.shown, c.File), Line: c.line(place("").key("log").key("target"), 0), Key: "log.target",
		Text: `log: target = "eventlog", and only Windows has an event log`, Hint: `target = "auto"`,
	}}
}
