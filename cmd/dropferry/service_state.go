package main

import (
	"github.com/dropferry/dropferry/config"
)

// stateOf returns where a configuration keeps its state, as far as the service's own account sees it so too: "" where it lies
// somewhere and names no directory, since that would be one of whoever asks.
func stateOf(file string) string {
	dir := config.StateDirFor(file)
	if c, err := config.Load(file); err == nil {
		dir = c.Agent.StateDir
	}
	if _, is := config.ServiceFor(file); !is && dir == config.StateDirFor(file) {
		return ""
	}
	return dir
}
