package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dropferry/dropferry/agent"
	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/watcher"
)

func (p *program) checkCommand() *cobra.Command {
	var connect bool
	var idle time.Duration
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
				faults = append(c.CheckPaths(), c.MappedDrives(watcher.MappedDrive).Warnings()...)
				faults = append(faults, agent.CertificateWarnings(c)...)
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
			if !connect && idle == 0 && len(names) == 0 {
				if p.json {
					return p.printJSON(checkResult{OK: true, Faults: viewFaults(faults)})
				}
				return p.printf("%s is valid: %s, %s\n", c.File, counted(len(c.Folders), "folder"), counted(len(c.Destinations), "destination"))
			}
			return p.connectAll(command, c, names, idle, faults)
		},
	}
	command.Flags().BoolVar(&connect, "connect", false, "log in to the destinations and probe them")
	command.Flags().DurationVar(&idle, "idle", 0, "with it, also see whether a session stands so long without an upload, such as 15m")
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
		_, _ = fmt.Fprintln(p.err, p.said(f.String()))
	}
}

func (p *program) connectAll(command *cobra.Command, c *config.Config, names []string, idle time.Duration, faults config.Faults) error {
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
		connection := agent.Connect(command.Context(), c, d, idle)
		connection.Hint = agent.Typed(connection.Hint, p.configFile)
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
	if len(c.Way) > 0 {
		line(c.Err == nil, "way", "through "+strings.Join(c.Way, ", then "))
	}
	if c.HostKey != "" {
		line(true, "host key", c.HostKey)
		line(true, "login", fmt.Sprintf("connected and authenticated in %.2f s", c.Seconds))
	}
	if c.Err != nil {
		fmt.Fprintf(&b, "  FAILED  %s\n", p.said(c.Error))
		if c.Hint != "" {
			fmt.Fprintf(&b, "  hint: %s\n", indented(c.Hint))
		}
	}
	if caps := c.Capabilities; caps != nil {
		line(true, "server", caps.Banner)
		line(true, "root", "can be written")
		describe(line, c)
	}
	return p.printf("%s", b.String())
}

// describe prints one line for each capability, and what there is besides.
func describe(line func(ok bool, name, text string), c agent.Connection) {
	for _, f := range c.Findings {
		line(f.OK, f.Name, f.Text)
	}
	if c.Free != nil {
		line(true, "free space", size(*c.Free))
	}
	extensions := "none"
	if announced := slices.Sorted(maps.Keys(c.Capabilities.Extensions)); len(announced) > 0 {
		extensions = strings.Join(announced, ", ")
	}
	line(extensions != "none", "extensions", extensions)
}
