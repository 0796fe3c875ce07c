package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dropferry/dropferry/agent"
	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/service"
)

func (p *program) doctorCommand() *cobra.Command {
	var offline, asIs, byRoot bool
	command := &cobra.Command{
		Use:   "doctor",
		Short: "Look at all that the agent stands on, and say what to type about what is wrong",
		Long: "doctor looks at the configuration, the account, the service, the state, disk and clock, at keys and secrets, at the\n" +
			"folders and the limits on watching them, and asks the servers for their host keys, without logging in. root looks\n" +
			"with the rights of the service's account, or of the state directory's owner. The exit code is 1 where something is broken, 5 where the\n" +
			"configuration is.",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			file, err := config.Find(p.configFile)
			if err != nil {
				return noConfigError{err}
			}
			c, found, err := p.loadForDoctor(file, byRoot)
			if err != nil {
				return err
			}
			if c != nil && !asIs {
				if handled, err := p.doctorAsAccount(command, c, offline); handled || err != nil {
					return err
				}
			}
			found = append(found, agent.Doctor(command.Context(), p.doctorOptions(c, !offline, byRoot))...)
			return p.diagnosed(found, c == nil)
		},
	}
	command.Flags().BoolVar(&offline, "offline", false, "ask no server")
	command.Flags().BoolVar(&asIs, "as-is", false, "look with the rights of whoever asks, root's too")
	command.Flags().BoolVar(&byRoot, "by-root", false, "root asks, and types what is said")
	_ = command.Flags().MarkHidden("by-root") // it is given by this program alone
	return command
}

func (p *program) doctorOptions(c *config.Config, network, byRoot bool) agent.DoctorOptions {
	self, _ := os.Executable() // else it is named as people name it
	return agent.DoctorOptions{Config: c, Version: version(), Network: network, Program: self, ByRoot: byRoot}
}

// loadForDoctor loads a configuration; one with faults is none, and the faults are what is wrong with it.
func (p *program) loadForDoctor(file string, byRoot bool) (*config.Config, []agent.Diagnosis, error) {
	c, err := config.Load(file)
	faults, ok := errors.AsType[config.Faults](err)
	if !ok {
		return c, nil, err
	}
	p.letRead(file, faults, byRoot)
	var found []agent.Diagnosis
	for _, f := range faults {
		found = append(found, agent.DiagnosisOf(f))
	}
	return nil, found, nil
}

// doctorAsAccount has another process look with the rights of the account that the agent runs as. handled is false where that is
// this one.
func (p *program) doctorAsAccount(command *cobra.Command, c *config.Config, offline bool) (handled bool, err error) {
	self, err := os.Executable()
	if err != nil {
		return false, err
	}
	rights := agent.ServiceRights(command.Context(), c)
	whose := "the account " + rights.Account
	if rights.Account == "" {
		whose = "the owner of " + c.Agent.StateDir
	}
	args := []string{"-c", c.File, "doctor", "--json", "--as-is", "--by-root"}
	if offline {
		args = append(args, "--offline")
	}
	out, code, ok, err := service.AsAccount(command.Context(), rights, c.Agent.StateDir, self, args...)
	closed := errors.Is(err, fs.ErrPermission)
	if !ok || err != nil && !closed {
		return ok, err
	}
	var result doctorResult
	if err := json.Unmarshal(out, &result); closed || err != nil || len(result.Findings) == 0 {
		// It could not even begin.
		return true, p.diagnosed([]agent.Diagnosis{{
			Severity: agent.Broken, Area: "account",
			Text: fmt.Sprintf("%s cannot run %s", whose, self),
			Hint: "put the program where everybody can run it, such as /usr/local/bin",
		}}, false)
	}
	return true, p.diagnosed(result.Findings, code == exitConfig)
}

// doctorResult is the JSON of doctor.
type doctorResult struct {
	OK       bool              `json:"ok"` // nothing is broken
	Findings []agent.Diagnosis `json:"findings"`
}

// diagnosed prints what was found, and says by the exit code whether something is broken.
func (p *program) diagnosed(found []agent.Diagnosis, unloadable bool) error {
	result := doctorResult{OK: true, Findings: found}
	var b strings.Builder
	for _, d := range found {
		result.OK = result.OK && d.Severity != agent.Broken
		where := d.Area
		if d.Subject != "" {
			where += " " + d.Subject
		}
		fmt.Fprintf(&b, "%-8s %-22s %s\n", mark(d.Severity), where, indented(d.Text))
		if d.Hint != "" {
			fmt.Fprintf(&b, "%31s  -> %s\n", "", indented(d.Hint))
		}
	}
	err := error(nil)
	if p.json {
		err = p.printJSON(result)
	} else {
		err = p.printf("%s", b.String())
	}
	switch {
	case err != nil:
		return err
	case unloadable:
		return exitError(exitConfig)
	case !result.OK:
		return exitError(exitFailure)
	}
	return nil
}

func mark(s agent.Severity) string {
	switch s {
	case agent.Broken:
		return "FAULT"
	case agent.Warning:
		return "warning"
	}
	return string(s)
}
