// Package config turns agent.toml into typed values. Loading is strict and complete: a key that this version does not
// have is a fault, and a file with ten faults is answered with ten, each with its line, so that it is mended in one go.
// Secrets are only named in the file; they are read when they are needed, by Secret.Read.
//
// A Config that Load returns needs no further checks of its own: names are unique and safe to stand in paths,
// destinations exist, paths are absolute, templates and patterns are valid, no route writes over another's files and no
// folder watches what dropferry itself writes. What the disk looks like is another question, for CheckPaths.
package config

import (
	"os"
	"strings"
	"time"
)

// Config is one loaded file.
type Config struct {
	File         string // absolute
	Agent        Agent
	Log          Log
	Control      Control
	Destinations []Destination
	Folders      []Folder
	Notify       []Notify

	shown string // the file as it was named to Load
	lines lines  // of its keys, for faults that are found later
}

// Destination returns the destination of that name.
func (c *Config) Destination(name string) (*Destination, bool) {
	for i := range c.Destinations {
		if c.Destinations[i].Name == name {
			return &c.Destinations[i], true
		}
	}
	return nil, false
}

// Folder returns the folder of that name.
func (c *Config) Folder(name string) (*Folder, bool) {
	for i := range c.Folders {
		if c.Folders[i].Name == name {
			return &c.Folders[i], true
		}
	}
	return nil, false
}

// Agent holds what is true of the whole process.
type Agent struct {
	Name           string        // the host's name where the file gives none; letters, digits and . _ - only
	StateDir       string        // absolute
	MaxTransfers   int           // files at once to all destinations, at most 1024; 0 lets the agent choose
	Bandwidth      int64         // bytes of content in a second, to and from all destinations; 0 is no limit
	BandwidthTimes Timetable     // when another rate holds than Bandwidth
	ShutdownGrace  time.Duration // how long running transfers may go on after a request to stop
}

// The bounds and defaults of [agent].
const (
	maxTransfers         = 1024
	defaultShutdownGrace = 30 * time.Second
)

func (t table) agent() Agent {
	t.unknown()
	a := Agent{
		Name:          hostName(),
		MaxTransfers:  t.maxTransfers(),
		Bandwidth:     t.bandwidth(),
		ShutdownGrace: t.duration("shutdown_grace", defaultShutdownGrace),
	}
	if name, given := t.text("name"); given {
		t.checkName(name)
		a.Name = name
	}
	dir, given := t.local("state_dir")
	if !given {
		dir = StateDirFor(t.file)
	}
	if dir == "" && !t.has("state_dir") {
		t.faultAt("state_dir", "state_dir is missing, and the account has no home directory to keep state in", `state_dir = "/var/lib/dropferry"`)
	}
	a.StateDir = dir
	return a
}

func (t table) maxTransfers() int {
	const key = "max_transfers"
	t.takes(key, Shape{Type: Number, Words: []string{"auto"}, Least: 1, Most: maxTransfers, Default: `"auto"`})
	word, isText := t.values[key].(string)
	switch {
	case !t.has(key), isText && word == "auto":
		return 0
	case isText && isDigits(word):
		t.faultAt(key, key+" = "+show(word)+" is text", "without quotes: "+key+" = "+word)
		return 0
	case isText:
		t.faultAt(key, key+" = "+show(word)+" is neither a number nor \"auto\"", didYouMean(word, []string{"auto"}))
		return 0
	}
	return t.integer(key, 0, 1, maxTransfers)
}

// hostName returns the host's name in the letters that a name may have.
func hostName() string {
	host, err := os.Hostname()
	if err != nil {
		host = ""
	}
	host = strings.Map(func(r rune) rune {
		if !plainLetter(r) {
			return '-'
		}
		return r
	}, host)
	if strings.Trim(host, ".") == "" {
		return "dropferry"
	}
	return host
}
