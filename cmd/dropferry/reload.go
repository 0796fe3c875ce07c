package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"

	"github.com/spf13/cobra"

	"github.com/dropferry/dropferry/agent"
	"github.com/dropferry/dropferry/config"
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
func (p *program) reloadWhenAsked(ctx context.Context, a *agent.Agent, host service.Host, stop func()) (wait func()) {
	hangups, end := hangupSignals()
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
	return func() { end(); <-done }
}

// changingLogger is a logger whose level and format can change while it is used.
func (p *program) changingLogger(l config.Log) (*slog.Logger, func(config.Log)) {
	at := &atomic.Pointer[slog.Handler]{}
	change := func(l config.Log) {
		h := p.logger(l).Handler()
		at.Store(&h)
	}
	change(l)
	return slog.New(changingHandler{at: at, with: func(h slog.Handler) slog.Handler { return h }}), change
}

// changingHandler handles a record as the configuration of the moment wants it.
type changingHandler struct {
	at   *atomic.Pointer[slog.Handler]
	with func(slog.Handler) slog.Handler // adds attributes and groups
}

func (c changingHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return (*c.at.Load()).Enabled(ctx, level)
}

func (c changingHandler) Handle(ctx context.Context, r slog.Record) error {
	return c.with(*c.at.Load()).Handle(ctx, r)
}

func (c changingHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return changingHandler{c.at, func(h slog.Handler) slog.Handler { return c.with(h).WithAttrs(attrs) }}
}

func (c changingHandler) WithGroup(name string) slog.Handler {
	return changingHandler{c.at, func(h slog.Handler) slog.Handler { return c.with(h).WithGroup(name) }}
}

// noSignals is a channel on which nothing ever comes.
func noSignals() (<-chan os.Signal, func()) { return nil, func() {} }
