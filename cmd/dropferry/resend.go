package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/dropferry/dropferry/control"
)

func (p *program) resendCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "resend ID",
		Short: "Make a delivery again, from the source or its archived copy",
		Long: "resend makes a delivery of the history again, under the same remote name, and writes a receipt of its own. The source\n" +
			"or its archived copy must still hold what was delivered, by SHA-256; it stays where it is afterwards.",
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			return p.obey(command, control.Command{Verb: control.VerbResend, Target: args[0]}, func(o control.Outcome) string {
				return fmt.Sprintf("%s: to be sent again as %s\n  from %s\n  to   %s%s",
					o.Target, o.ID, shown(o.Source), shown(o.RemotePath), stopped(o.Pauses))
			})
		},
	}
}
