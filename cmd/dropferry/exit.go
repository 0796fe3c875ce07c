package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/dropferry/dropferry/agent"
	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/logs"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// Exit codes. They are stable: scripts depend on them.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUndelivered = 3 // finished, and something is not delivered
	exitUsage       = 4
	exitConfig      = 5
	exitNewer       = 6 // a newer dropferry wrote the store
	exitNoAgent     = 10
	exitLocked      = 11
	exitAuth        = 12
	exitHostKey     = 13
	exitUnreachable = 14
	exitInterrupted = 130
)

// usageError is a command line that makes no sense.
type usageError string

func (e usageError) Error() string { return string(e) }

// noConfigError says that there is no configuration to load.
type noConfigError struct{ error }

// exitError gives an exit code of its own to an end that was reported already.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// exitCode returns the exit code that an error stands for.
func exitCode(ctx context.Context, err error) int {
	var code exitError
	var usage usageError
	var faults config.Faults
	var remoteErr *remote.Error
	var noConfig noConfigError
	var refusal *control.Refusal
	var newer *state.NewerError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &code):
		return int(code)
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &refusal) && refusal.Usage, errors.As(err, &usage), errors.Is(err, agent.ErrNoSuch), isCobraUsage(err):
		return exitUsage
	case errors.As(err, &faults), errors.As(err, &noConfig), errors.As(err, &refusal) && refusal.Config:
		return exitConfig
	case errors.As(err, &newer):
		return exitNewer
	case errors.Is(err, state.ErrLocked):
		return exitLocked
	case errors.Is(err, control.ErrNoAgent):
		return exitNoAgent
	case errors.As(err, &remoteErr):
		return remoteCode(remoteErr.Kind)
	}
	return exitFailure
}

// remoteCode returns the exit code for a server that could not be used.
func remoteCode(kind remote.Kind) int {
	switch kind {
	case remote.Auth:
		return exitAuth
	case remote.HostKey:
		return exitHostKey
	case remote.Transient, remote.Algorithms, remote.Root:
		return exitUnreachable
	}
	return exitFailure
}

// isCobraUsage recognises the errors that cobra makes of a command line, which have no type.
func isCobraUsage(err error) bool {
	text := err.Error()
	for _, start := range []string{"unknown command", "accepts ", "requires ", "unknown flag", "unknown shorthand", "invalid argument", "if any flags in the group"} {
		if strings.HasPrefix(text, start) {
			return true
		}
	}
	return false
}

// errorLine is what commands print with --json where they fail as a whole.
type errorLine struct {
	Type  string `json:"type"`
	Error string `json:"error"`
	Hint  string `json:"hint"` // what to do; may be ""
	Code  int    `json:"code"` // the exit code
}

// report prints how a command has ended, where it did not end well, and returns the exit code.
func (p *program) report(ctx context.Context, err error) int {
	code := exitCode(ctx, err)
	var reported exitError
	if err == nil || errors.As(err, &reported) {
		return code
	}
	if code == exitInterrupted {
		_, _ = fmt.Fprintln(p.err, "dropferry: interrupted")
		return code
	}
	hint := agent.Typed(remote.HintOf(err), p.configFile)
	if p.json {
		_ = json.NewEncoder(p.out).Encode(errorLine{"error", err.Error(), hint, code})
	}
	text := "dropferry: " + p.said(err.Error()) + "\n"
	if hint != "" {
		text += "  hint: " + hint + "\n"
	}
	if code == exitUsage {
		text += "  see: dropferry --help\n"
	}
	if p.onJournal() {
		text = logs.AsErrors(text)
	}
	_, _ = fmt.Fprint(p.err, text)
	return code
}
