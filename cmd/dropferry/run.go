package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/dropferry/dropferry/agent"
)

func (p *program) runCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "Watch and deliver until stopped: the agent in the foreground",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			c, err := p.load()
			if err != nil {
				return err
			}
			lines := &eventLines{p: p}
			log, logging := p.changingLogger(c.Log)
			a, err := agent.New(command.Context(), c, agent.Options{Log: log, Logging: logging, Observe: lines.observe, Version: version()})
			if err != nil {
				return err
			}
			ctx, stop := context.WithCancel(command.Context())
			defer stop()
			hangups := p.reloadOnHangup(ctx, a, stop)
			err = a.Run(ctx)
			stop()
			hangups()
			if closeErr := a.Close(); err == nil {
				err = closeErr
			}
			return err // a stop that was asked for is a success
		},
	}
}
