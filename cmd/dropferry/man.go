package main

import (
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/dropferry/dropferry/internal/manual"
)

// manCommand prints the manual pages, for those who make packages.
func (p *program) manCommand() *cobra.Command {
	var date string
	command := &cobra.Command{
		Use:    "man [agent.toml.example]",
		Short:  "Print the manual page dropferry(1), or that of the configuration",
		Hidden: true,
		Args:   cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			about := manual.About{Version: version(), Date: time.Now()}
			if date != "" {
				at, err := time.Parse(time.DateOnly, date)
				if err != nil {
					return usageError("--date is a day such as 2026-11-29")
				}
				about.Date = at
			}
			if len(args) == 0 {
				return p.printf("%s", manual.Commands(command.Root(), about))
			}
			example, err := os.ReadFile(args[0])
			if err != nil {
				return err
			}
			return p.printf("%s", manual.Config(string(example), about))
		},
	}
	command.Flags().StringVar(&date, "date", "", "day of the pages (else today)")
	return command
}
