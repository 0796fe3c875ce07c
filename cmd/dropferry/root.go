package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/dropferry/dropferry/agent"
	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/logs"
)

// terminal is where a command reads and prints: results on out, logs and progress on err.
type terminal struct {
	in  *os.File
	out io.Writer
	err io.Writer
}

// safe returns the terminal with all that is printed there escaped: a name may hold anything, commands to the terminal too.
func (t terminal) safe() terminal {
	t.out, t.err = logs.Writer{To: t.out}, logs.Writer{To: t.err}
	return t
}

// raw returns what is behind a writer that escapes, for the commands to the terminal that are ours.
func raw(w io.Writer) io.Writer {
	if safe, ok := w.(logs.Writer); ok {
		return safe.To
	}
	return w
}

// isTerminal tells whether a person is likely to watch w.
func isTerminal(w any) bool {
	if safe, ok := w.(logs.Writer); ok {
		w = safe.To
	}
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
	service    string // the name of the service that this is; "" where no service manager of Windows' has started it
}

// execute runs one command line and returns its exit code.
func execute(ctx context.Context, args []string, t terminal) int {
	p := &program{terminal: t.safe()}
	root := p.command()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	return p.report(ctx, err)
}

// command is the whole command line.
func (p *program) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "dropferry",
		Short: "Drop a file in a folder; dropferry gets it to the other side: whole, verified, once",
		Long: "dropferry watches local folders and keeps SFTP servers in step with them.\n" +
			"Start with `dropferry demo`: it needs nothing. Then write an agent.toml, and try it with\n" +
			"`dropferry check --connect` and `dropferry plan` before `dropferry once` or `dropferry run`.",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetOut(p.out)
	root.SetErr(p.err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError(err.Error()) })
	flags := root.PersistentFlags()
	flags.StringVarP(&p.configFile, "config", "c", "", "configuration file (else $"+config.Variable+", the user's or the system's agent.toml)")
	flags.BoolVar(&p.json, "json", false, "print JSON")
	flags.BoolVarP(&p.verbose, "verbose", "v", false, "log more")
	flags.BoolVarP(&p.quiet, "quiet", "q", false, "log errors only")
	root.AddCommand(
		p.demoCommand(), p.initCommand(), p.checkCommand(), p.trustCommand(), p.planCommand(), p.onceCommand(), p.runCommand(),
		p.statusCommand(), p.historyCommand(), p.explainCommand(), p.pauseCommand(), p.resumeCommand(),
		p.retryCommand(), p.cancelCommand(), p.resendCommand(), p.verifyCommand(), p.putCommand(), p.reloadCommand(), p.pageCommand(),
		p.secretCommand(), p.doctorCommand(), p.serviceCommand(), p.manCommand(), versionCommand(p.out),
	)
	p.offer(root)
	return root
}

// load finds and loads the configuration.
func (p *program) load() (*config.Config, error) {
	name, err := config.Find(p.configFile)
	if err != nil {
		return nil, noConfigError{err}
	}
	c, err := config.Load(name)
	if faults, ok := errors.AsType[config.Faults](err); ok {
		p.letRead(name, faults, false)
	}
	return c, err
}

// letRead says of a configuration that cannot be read what helps.
func (p *program) letRead(name string, faults config.Faults, byRoot bool) {
	if errors.Is(faults, fs.ErrPermission) { // then it is the only fault
		for i := range faults {
			faults[i].Hint = agent.LetReadConfig(name, p.doctorOptions(nil, false, byRoot))
		}
	}
}
