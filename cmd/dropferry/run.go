package main

import (
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
			a, err := agent.New(command.Context(), c, agent.Options{Log: p.logger(c.Log), Observe: lines.observe, Version: version()})
			if err != nil {
				return err
			}
			err = a.Run(command.Context())
			if closeErr := a.Close(); err == nil {
				err = closeErr
			}
			return err // a stop that was asked for is a success
		},
	}
}
