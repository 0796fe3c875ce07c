package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/dropferry/dropferry/control"
)

func (p *program) cancelCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "cancel ID|folder:NAME|destination:NAME|FOLDER/DESTINATION",
		Short: "Do not send what is planned, held or parked, until it changes",
		Args:  cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			return p.obey(command, control.Command{Verb: control.VerbCancel, Target: args[0]}, func(o control.Outcome) string {
				text := fmt.Sprintf("%s: %s cancelled; a changed file is sent", o.Target, files(o.Count))
				if o.Count == 0 {
					text = o.Target + ": there is nothing to cancel"
				}
				if o.Committing > 0 {
					text += fmt.Sprintf("\n  too late for %s: being published", files(o.Committing))
				}
				return text
			})
		},
	}
}
