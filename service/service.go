package service

import (
	"context"
	"errors"
)

// DefaultName is the name of the service where no other is asked for.
const DefaultName = "dropferry"

// NameFlag is what has to be typed to speak of a service: " --name NAME", or nothing for the default.
func NameFlag(name string) string {
	if name == DefaultName {
		return ""
	}
	return " --name " + name
}

// Setup says what is to be installed.
type Setup struct {
	Name     string // of the service
	Program  string // absolute path of the executable
	Config   string // absolute path of its configuration; "" is the one it has, or the system's
	Account  string // whom it runs as; "" is the system's own choice for a service
	Password string // of the account, where the system wants one

	// StateOf tells where a configuration keeps state, "" where it does not say. Windows makes that directory for the service.
	StateOf func(config string) string

	// Definition is the file that describes the packaged service to systemd or launchd.
	Definition string
}

// Phase is where a service is on its way.
type Phase string

// The phases of a service.
const (
	Absent   Phase = "not installed"
	Stopped  Phase = "stopped"
	Starting Phase = "starting"
	Running  Phase = "running"
	Stopping Phase = "stopping"
	Failed   Phase = "failed" // it has ended by itself and is not started again
)

// State is what the system knows of a service.
type State struct {
	Name    string `json:"name"`
	Phase   Phase  `json:"state"`
	PID     int    `json:"pid,omitempty"`
	Account string `json:"account,omitempty"` // whom it runs as
	Boot    bool   `json:"boot"`              // started with the system
	Status  string `json:"status,omitempty"`  // what it last said of itself, or why it ended

	Program  string `json:"program,omitempty"`  // what it executes, where the system says so
	Packaged bool   `json:"packaged,omitempty"` // a package has installed it, and its account is named in a drop-in
}

var (
	// ErrUnsupported says that this system has no services that dropferry knows.
	ErrUnsupported = errors.New("this system has no service manager that dropferry knows: start `dropferry run` by its own means")
	// ErrNotInstalled says that there is no service of that name.
	ErrNotInstalled = errors.New("there is no such service: install it with `dropferry service install`")
)

// Work is what a service does until its context ends.
type Work func(ctx context.Context, host Host) error
