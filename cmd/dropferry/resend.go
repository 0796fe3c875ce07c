package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/dropferry/dropferry/agent"
	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/control"
)

func (p *program) resendCommand() *cobra.Command {
	var since string
	command := &cobra.Command{
		Use:   "resend ID | resend folder:NAME|destination:NAME|FOLDER/DESTINATION --since T",
		Short: "Make a delivery again, or all since a time, from the source or its archived copy",
		Long: "resend makes a delivery of the history again, under the same remote name, and writes a receipt of its own. The source\n" +
			"or its archived copy must still hold what was delivered, by SHA-256; it stays where it is afterwards.\n\n" +
			"With --since it makes all deliveries of a folder, a destination or a route again that were made since then: of each\n" +
			"remote file the newest one. What cannot be sent again is named, and makes exit code 3.",
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			if command.Flags().Changed("since") {
				return p.resendSince(command, args[0], since)
			}
			return p.obey(command, control.Command{Verb: control.VerbResend, Target: args[0]}, func(o control.Outcome) string {
				return fmt.Sprintf("%s: to be sent again as %s\n  from %s\n  to   %s%s",
					o.Target, o.ID, shown(o.Source), shown(o.RemotePath), stopped(o.Pauses))
			})
		},
	}
	command.Flags().StringVar(&since, "since", "", "make all deliveries since then again: 24h, 7d, 2026-11-20 or an RFC 3339 time")
	return command
}

// resent is what has become of many deliveries that were to be made again.
type resent struct {
	Verb    control.Verb      `json:"command"`
	Target  string            `json:"target"`
	Count   int               `json:"count"`
	Resent  []control.Outcome `json:"resent"`
	Refused []refusedResend   `json:"refused"`
}

type refusedResend struct {
	ID         string `json:"id"`
	RemotePath string `json:"remote_path"`
	Error      string `json:"error"`
}

// resendSince makes deliveries again, one after the other: each is a command of its own.
func (p *program) resendSince(command *cobra.Command, target, since string) error {
	ctx := command.Context()
	from, err := parseSince(since, time.Now())
	if err != nil {
		return err
	}
	if from.IsZero() {
		return usageError("--since needs a time: without one, everything that was ever delivered would be sent again")
	}
	c, err := p.load()
	if err != nil {
		return err
	}
	deliveries, err := deliveredSince(ctx, c, target, from)
	if err != nil {
		return err
	}
	r := resent{Verb: control.VerbResend, Target: target, Resent: []control.Outcome{}, Refused: []refusedResend{}}
	err = r.repeat(ctx, c, deliveries)
	if err := errors.Join(p.printResent(&r), err); err != nil {
		return err
	}
	if len(r.Refused) > 0 {
		return exitError(exitUndelivered)
	}
	return nil
}

// repeat makes deliveries again, and notes what has become of each. It ends with the first for which there is no answer.
func (r *resent) repeat(ctx context.Context, c *config.Config, deliveries []control.Delivery) error {
	if len(deliveries) == 0 {
		return nil
	}
	of := func(d control.Delivery) control.Command {
		return control.Command{Verb: control.VerbResend, Target: d.ID}
	}
	return agent.ObeyAll(ctx, c, of(deliveries[0]), func(obey agent.Obedient) error {
		for _, d := range deliveries {
			o, err := obey(ctx, of(d))
			var refusal *control.Refusal
			switch {
			case errors.As(err, &refusal):
				r.Refused = append(r.Refused, refusedResend{d.ID, d.RemotePath, refusal.Text})
			case err != nil:
				return err
			default:
				r.Count++
				r.Resent = append(r.Resent, o)
			}
		}
		return nil
	})
}

// deliveredSince returns the newest delivery of each remote file of a target since a time, the oldest first: so that they
// are made again in their order.
func deliveredSince(ctx context.Context, c *config.Config, target string, since time.Time) ([]control.Delivery, error) {
	folder, destination, err := agent.RouteOf(c, target)
	if err != nil {
		return nil, err
	}
	api, done, err := agent.Ask(ctx, c, nil)
	if err != nil {
		return nil, err
	}
	defer done() //nolint:errcheck // opened for reading
	h, err := api.History(ctx, control.HistoryQuery{Since: since, Folder: folder, Destination: destination})
	if err != nil {
		return nil, err
	}
	seen := map[[2]string]bool{}
	newest := slices.DeleteFunc(h.Deliveries, func(d control.Delivery) bool {
		at := [2]string{d.Destination, d.RemotePath}
		defer func() { seen[at] = true }()
		return seen[at]
	})
	slices.Reverse(newest)
	return newest, nil
}

func (p *program) printResent(r *resent) error {
	if p.json {
		return p.printJSON(r)
	}
	if err := p.printf("%s: %s to be sent again\n", r.Target, files(r.Count)); err != nil {
		return err
	}
	for _, no := range r.Refused {
		if err := p.printf("  not %s: %s\n", shown(no.RemotePath), shown(no.Error)); err != nil {
			return err
		}
	}
	return nil
}
