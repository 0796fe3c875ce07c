package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dropferry/dropferry/agent"
	"github.com/dropferry/dropferry/config"
)

func (p *program) checkCommand() *cobra.Command {
	var connect bool
	command := &cobra.Command{
		Use:   "check [DESTINATION...]",
		Short: "Validate the configuration; with --connect, log in and probe each destination",
		Long: "check names every fault of the configuration at once.\n\n" +
			"With --connect it also logs in to each destination, or those named, and finds out what the server can do,\n" +
			"with small hidden files in the destination's root that it removes again.",
		RunE: func(command *cobra.Command, names []string) error {
			c, err := p.load()
			var faults config.Faults
			if err != nil && !errors.As(err, &faults) {
				return err
			}
			if err == nil {
				faults = c.CheckPaths()
			}
			if !p.json {
				p.printFaults(faults)
			}
			if err != nil || faults.Fatal() {
				if p.json {
					if err := p.printJSON(checkResult{Faults: viewFaults(faults)}); err != nil {
						return err
					}
				}
				return exitError(exitConfig)
			}
			if !connect && len(names) == 0 {
				if p.json {
					return p.printJSON(checkResult{OK: true, Faults: viewFaults(faults)})
				}
				return p.printf("%s is valid: %s, %s\n", c.File, counted(len(c.Folders), "folder"), counted(len(c.Destinations), "destination"))
			}
			return p.connectAll(command, c, names, faults)
		},
	}
	command.Flags().BoolVar(&connect, "connect", false, "log in to the destinations and probe them")
	return command
}

// checkResult is the JSON of check.
type checkResult struct {
	OK           bool               `json:"ok"`
	Faults       []faultView        `json:"faults"`
	Destinations []agent.Connection `json:"destinations,omitempty"`
}

type faultView struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`
	Key     string `json:"key,omitempty"`
	Text    string `json:"text"`
	Hint    string `json:"hint,omitempty"`
	Warning bool   `json:"warning,omitempty"`
}

func viewFaults(faults config.Faults) []faultView {
	views := []faultView{}
	for _, f := range faults {
		views = append(views, faultView{f.File, f.Line, f.Key, f.Text, f.Hint, f.Warning})
	}
	return views
}

func (p *program) printFaults(faults config.Faults) {
	for _, f := range faults {
		_, _ = fmt.Fprintln(p.err, f)
	}
}

func (p *program) connectAll(command *cobra.Command, c *config.Config, names []string, faults config.Faults) error {
	for _, name := range names {
		if _, ok := c.Destination(name); !ok {
			return usageError(fmt.Sprintf("no destination %q in %s", name, c.File))
		}
	}
	result := checkResult{OK: true, Faults: viewFaults(faults)}
	var failed error
	for i := range c.Destinations {
		d := &c.Destinations[i]
		if len(names) > 0 && !slices.Contains(names, d.Name) {
			continue
		}
		connection := agent.Connect(command.Context(), c, d)
		result.Destinations = append(result.Destinations, connection)
		if connection.Err != nil {
			result.OK = false
			failed = errors.Join(failed, connection.Err)
		}
		if !p.json {
			if err := p.printConnection(connection); err != nil {
				return err
			}
		}
	}
	if p.json {
		if err := p.printJSON(result); err != nil {
			return err
		}
	}
	if failed != nil {
		return exitError(exitCode(command.Context(), failed))
	}
	return nil
}

// printConnection tells what was found out, with what follows from it.
func (p *program) printConnection(c agent.Connection) error {
	var b strings.Builder
	fmt.Fprintf(&b, "destination %s (%s)\n", c.Destination, c.Address)
	line := func(ok bool, name, text string) {
		mark := "ok  "
		if !ok {
			mark = "-   "
		}
		fmt.Fprintf(&b, "  %s%-15s %s\n", mark, name, text)
	}
	if c.HostKey != "" {
		line(true, "host key", c.HostKey)
		line(true, "login", fmt.Sprintf("connected and authenticated in %.2f s", c.Seconds))
	}
	if c.Err != nil {
		fmt.Fprintf(&b, "  FAILED  %v\n", c.Err)
		if c.Hint != "" {
			fmt.Fprintf(&b, "  hint: %s\n", c.Hint)
		}
	}
	if caps := c.Capabilities; caps != nil {
		line(true, "server", caps.Banner)
		line(true, "root", "can be written")
		describe(line, c)
	}
	return p.printf("%s", b.String())
}

func describe(line func(ok bool, name, text string), c agent.Connection) {
	caps := c.Capabilities
	word := func(ok bool, yes, no string) string {
		if ok {
			return yes
		}
		return no
	}
	line(caps.Rename, "rename", word(caps.Rename, "works: files are published in one step", "REFUSED: files cannot be published in one step here"))
	line(caps.RenameRefuses, "rename over", word(caps.RenameRefuses, "refused: nobody's file can be replaced by accident", "replaces: a file that appears in the last moment would be replaced"))
	line(caps.PosixRename, "posix-rename", word(caps.PosixRename, "works: our own earlier version is replaced in one step", "not there: our own earlier version is replaced in two steps"))
	line(caps.Fsync, "fsync", word(caps.Fsync, "works: a delivered file is on the server's disk", "not there: a power cut at the server can lose what was just delivered"))
	line(caps.SetTimes, "set time", word(caps.SetTimes, "works: files keep their modification time", "refused: files get the server's time"))
	line(caps.Hash != "", "content proof", word(caps.Hash != "", "by `"+caps.Hash+"` at the server", "no command at the server: verify = \"content\" reads files back"))
	if c.Free != nil {
		line(true, "free space", size(*c.Free))
	} else {
		line(false, "free space", "the server does not tell: a full disk is only seen when a write fails")
	}
	limits := "not told: packets of 32 KiB"
	if caps.Limits.Write > 0 {
		limits = fmt.Sprintf("writes of %s, %d open files", size(int64(caps.Limits.Write)), caps.Limits.Handles)
	}
	line(caps.Limits.Write > 0, "limits", limits)
	var names []string
	for name := range caps.Extensions {
		names = append(names, name)
	}
	slices.Sort(names)
	line(len(names) > 0, "extensions", word(len(names) > 0, strings.Join(names, ", "), "none"))
}
