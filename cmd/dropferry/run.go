package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/dropferry/dropferry/agent"
	"github.com/dropferry/dropferry/service"
)

func (p *program) runCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "Watch and deliver until stopped: the agent in the foreground",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return service.Foreground(command.Context(), p.agent)
		},
	}
}

// patience is how long an agent that starts waits for a command that has the store.
const patience = 30 * time.Second

// agent runs the agent for a host until its context ends.
func (p *program) agent(ctx context.Context, host service.Host) error {
	defer outlivePipes()()
	hangups, end := hangupSignals() // also while it starts
	defer end()
	c, err := p.load()
	if err != nil {
		return err
	}
	if faults := append(c.CheckSystem(), agent.CheckService(c, host)...); len(faults) > 0 {
		return faults
	}
	lines := &eventLines{p: p}
	log := p.openChangingLog(c.Log)
	defer log.close() //nolint:errcheck // what was written was flushed with each line
	a, err := agent.New(ctx, c, agent.Options{
		Log: log.logger(), Logging: log, Observe: lines.observe, Version: version(), Host: host, Patience: patience,
	})
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil // a stop that was asked for is a success, before the agent works too
	}
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	reloads := p.reloadWhenAsked(ctx, a, host, hangups, stop)
	err = a.Run(ctx)
	stop()
	reloads()
	if closeErr := a.Close(); err == nil {
		err = closeErr
	}
	return err // a stop that was asked for is a success
}
