package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dropferry/dropferry/agent"
	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/syncer"
)

func (p *program) planCommand() *cobra.Command {
	var folders []string
	command := &cobra.Command{
		Use:   "plan",
		Short: "Say what once would do now and why; change nothing",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			plan, err := answer(command.Context(), p, folders, func(ctx context.Context, api control.API) (control.Plan, error) {
				return api.Plan(ctx)
			}, p.printPlan)
			if err != nil {
				return err
			}
			return planResult(plan)
		},
	}
	command.Flags().StringArrayVar(&folders, "folder", nil, "only this folder (may be repeated)")
	return command
}

// planResult says by the exit code that not all could be looked at.
func planResult(plan control.Plan) error {
	unreadable := func(w control.Waiting) bool { return w.Reason == agent.Unreadable }
	switch {
	case len(plan.Unreached) > 0:
		return exitError(exitUnreachable)
	case slices.ContainsFunc(plan.Waiting, unreadable):
		return exitError(exitUndelivered)
	}
	return nil
}

// planned words the size of what an operation is about, and of an upload how much of it is going to be sent.
func planned(o *control.Operation) string {
	if o.Op == string(syncer.Upload) {
		return sentOf(o.Sent, o.Size)
	}
	return size(o.Size)
}

func (p *program) printPlan(plan control.Plan) error {
	var b strings.Builder
	for _, o := range plan.Operations {
		if o.Path == "" { // it is about the whole folder
			fmt.Fprintf(&b, "%-7s folder %s (%s)\n        %s\n", o.Op, o.Folder, o.Reason, p.said(o.Detail))
			continue
		}
		fmt.Fprintf(&b, "%-7s %s: %s -> %s:%s (%s, %s)\n", o.Op, o.Folder, shown(o.Path), o.Destination, shown(o.RemotePath), planned(&o), o.Reason)
		if o.From != "" {
			fmt.Fprintf(&b, "        from %s\n", shown(o.From))
		}
		if o.Detail != "" {
			fmt.Fprintf(&b, "        %s\n", p.said(o.Detail))
		}
	}
	for _, w := range plan.Waiting {
		if w.Reason == agent.Unreadable {
			_, _ = fmt.Fprintf(p.err, "dropferry: folder %s: %s\n", w.Folder, p.said(w.Detail))
			continue
		}
		to := ""
		if w.Destination != "" {
			to = " -> " + w.Destination
		}
		fmt.Fprintf(&b, "%-7s %s: %s%s (%s", "wait", w.Folder, shown(w.Path), to, p.said(w.Detail))
		if w.Until != nil {
			fmt.Fprintf(&b, ", until %s", clock(*w.Until))
		}
		b.WriteString(")\n")
	}
	if len(plan.Operations)+len(plan.Waiting) == 0 {
		b.WriteString("Nothing to do.\n")
	}
	for name, reason := range plan.Unreached {
		_, _ = fmt.Fprintf(p.err, "dropferry: %s could not be looked at: %s\n", name, p.said(reason))
	}
	return p.printf("%s", b.String())
}
