package main

import (
	"context"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/dropferry/dropferry/config"
)

// terminal is where a command reads and prints: results on out, logs and progress on err.
type terminal struct {
	in  *os.File
	out io.Writer
	err io.Writer
}

// isTerminal tells whether a person is likely to watch w.
func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// program is one call of dropferry: its terminal and global flags.
type program struct {
	terminal
	configFile string
	json       bool
	verbose    bool
	quiet      bool
}

// execute runs one command line and returns its exit code.
func execute(ctx context.Context, args []string, t terminal) int {
	p := &program{terminal: t}
	root := &cobra.Command{
		Use:   "dropferry",
		Short: "Drop a file in a folder; dropferry gets it to the other side: whole, verified, once",
		Long: "dropferry watches local folders and keeps SFTP servers in step with them.\n" +
			"Start with `dropferry demo`: it needs nothing. Then write an agent.toml, and try it with\n" +
			"`dropferry check --connect` and `dropferry plan` before `dropferry once` or `dropferry run`.",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetArgs(args)
	root.SetOut(t.out)
	root.SetErr(t.err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError(err.Error()) })
	flags := root.PersistentFlags()
	flags.StringVarP(&p.configFile, "config", "c", "", "configuration file (else $"+config.Variable+", the user's or the system's agent.toml)")
	flags.BoolVar(&p.json, "json", false, "print JSON")
	flags.BoolVarP(&p.verbose, "verbose", "v", false, "log more")
	flags.BoolVarP(&p.quiet, "quiet", "q", false, "log errors only")
	root.AddCommand(
		p.demoCommand(), p.checkCommand(), p.trustCommand(), p.planCommand(), p.onceCommand(), p.runCommand(),
		p.statusCommand(), p.historyCommand(), p.explainCommand(), p.pauseCommand(), p.resumeCommand(),
		p.retryCommand(), p.cancelCommand(), p.resendCommand(), p.verifyCommand(), p.putCommand(), p.reloadCommand(),
		p.secretCommand(), p.serviceCommand(), versionCommand(t.out),
	)
	err := root.ExecuteContext(ctx)
	return p.report(ctx, err)
}

// load finds and loads the configuration.
func (p *program) load() (*config.Config, error) {
	name, err := config.Find(p.configFile)
	if err != nil {
		return nil, noConfigError{err}
	}
	return config.Load(name)
}

// logger writes the log to standard error, as the configuration and -v or -q say.
func (p *program) logger(l config.Log) *slog.Logger {
	level := slog.LevelInfo
	_ = level.UnmarshalText([]byte(l.Level)) // the configuration allows only words that slog knows
	switch {
	case p.verbose:
		level = slog.LevelDebug
	case p.quiet:
		level = slog.LevelError
	}
	options := &slog.HandlerOptions{Level: level}
	if l.Format == "json" {
		return slog.New(slog.NewJSONHandler(p.err, options))
	}
	return slog.New(slog.NewTextHandler(p.err, options))
}
