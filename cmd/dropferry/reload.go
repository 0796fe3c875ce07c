package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dropferry/dropferry/agent"
	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/service"
)

func (p *program) reloadCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "reload",
		Short: "Have the running agent load its configuration anew",
		Long: "reload has the agent load its configuration anew. A file with faults changes nothing: they are printed, and the exit code\n" +
			"is 5. What is the same as before notices nothing; what has changed is stopped as at the end of the agent, files under\n" +
			"way get shutdown_grace, and goes on with its new rules. SIGHUP does the same, where there is one.",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			c, err := p.load()
			if err != nil {
				return err
			}
			o, err := agent.AskReload(command.Context(), c)
			if errors.Is(err, control.ErrNoAgent) {
				return fmt.Errorf("%w; one that was started with another state_dir has to be restarted", err)
			}
			if err != nil {
				return err
			}
			if p.json {
				return p.printJSON(o)
			}
			return p.printf("%s\n", reloaded(o))
		},
	}
}

// reloaded words what a reload has changed.
func reloaded(o control.Outcome) string {
	text := shown(o.Config) + " is loaded"
	if len(o.Changes) == 0 {
		return text + "; nothing has changed"
	}
	return text + ":\n  " + strings.Join(o.Changes, "\n  ")
}

// reloadWhenAsked reloads whenever the system asks for it, by a signal or through the host, until ctx ends. It ends the
// agent, by stop, where what hung up was its terminal: nobody is left to end it.
func (p *program) reloadWhenAsked(ctx context.Context, a *agent.Agent, host service.Host, hangups <-chan os.Signal, stop func()) (wait func()) {
	attended := isTerminal(p.err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-ctx.Done():
				return
			case <-hangups:
				if attended && !isTerminal(p.err) {
					stop()
					return
				}
				_, _ = a.Reload(ctx) // it has told the log what became of it
			case <-host.Reloads():
				_, _ = a.Reload(ctx)
			}
		}
	}()
	return func() { <-done }
}

// noSignals is a channel on which nothing ever comes.
func noSignals() (<-chan os.Signal, func()) { return nil, func() {} }
