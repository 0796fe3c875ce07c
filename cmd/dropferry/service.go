package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dropferry/dropferry/packaging"
	"github.com/dropferry/dropferry/service"
)

func (p *program) serviceCommand() *cobra.Command {
	var name string
	command := &cobra.Command{
		Use:   "service",
		Short: "Install, start and stop the agent as a service of the system",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return usageError("say what: service install, uninstall, start, stop, status or run")
		},
	}
	command.PersistentFlags().StringVar(&name, "name", service.DefaultName, "name of the service")
	command.AddCommand(
		p.serviceInstallCommand(&name), p.serviceUninstallCommand(&name), p.serviceStartCommand(&name),
		p.serviceStopCommand(&name), p.serviceStatusCommand(&name), p.serviceRunCommand(&name),
	)
	return command
}

func (p *program) serviceInstallCommand(name *string) *cobra.Command {
	setup := service.Setup{}
	var undo, again bool
	command := &cobra.Command{
		Use:   "install",
		Short: "Have the system run the agent, from its next start on",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) (err error) {
			if undo {
				return p.serviceDone(service.UndoInstall(command.Context(), *name))
			}
			if again {
				if away, err := service.TakenAway(*name); err != nil || away {
					return p.serviceIs("service "+*name+" was removed before, and stays so", err)
				}
			}
			setup.Name = *name
			if setup.Program, err = os.Executable(); err != nil {
				return err
			}
			if setup.Config = p.configFile; setup.Config != "" {
				if setup.Config, err = filepath.Abs(setup.Config); err != nil {
					return err
				}
			}
			setup.Definition = serviceDefinition(runtime.GOOS, *name)
			setup.StateOf = stateOf
			if err := p.suitsService(setup); err != nil {
				return err
			}
			if setup.Password, err = p.accountPassword(command.Context(), setup); err != nil {
				return err
			}
			return p.serviceDone(service.Install(command.Context(), setup))
		},
	}
	command.Flags().StringVar(&setup.Account, "account", "", "whom the service runs as (else an account of its own)")
	forPackages(command, &undo, "undo", "make the last installation undone")
	forPackages(command, &again, "again", "only if it was there when `service stop --all` stopped it")
	return command
}

// serviceDefinition returns the file that describes the service to the system.
func serviceDefinition(goos, name string) string {
	switch {
	case goos == "darwin":
		return packaging.Plist
	case strings.Contains(name, "@"):
		return packaging.InstanceUnit
	}
	return packaging.Unit
}

// forPackages adds a flag that the Windows package needs; elsewhere packages have their own means.
func forPackages(command *cobra.Command, value *bool, name, usage string) {
	if runtime.GOOS == "windows" {
		command.Flags().BoolVar(value, name, false, usage)
	}
}

func (p *program) serviceUninstallCommand(name *string) *cobra.Command {
	var all bool
	command := &cobra.Command{
		Use:   "uninstall",
		Short: "Stop the service and remove it; configuration and state stay",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if all {
				return p.serviceDone(service.UninstallAll(command.Context()))
			}
			return p.serviceDone(service.Uninstall(command.Context(), *name))
		},
	}
	forPackages(command, &all, "all", "all services of this program")
	return command
}

func (p *program) serviceStartCommand(name *string) *cobra.Command {
	var again bool
	command := &cobra.Command{
		Use:   "start",
		Short: "Start the service, and wait until it works",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if again {
				return p.serviceDone(service.StartAgain(command.Context()))
			}
			return p.serviceIs(*name+" is started", service.Start(command.Context(), *name))
		},
	}
	forPackages(command, &again, "again", "those that ran when `service stop --all` stopped them")
	return command
}

func (p *program) serviceStopCommand(name *string) *cobra.Command {
	var all bool
	command := &cobra.Command{
		Use:   "stop",
		Short: "Stop the service; files under way get their shutdown_grace",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if all {
				return p.serviceDone(service.StopAll(command.Context()))
			}
			return p.serviceIs(*name+" is stopped", service.Stop(command.Context(), *name))
		},
	}
	forPackages(command, &all, "all", "all services of this program")
	return command
}

func (p *program) serviceStatusCommand(name *string) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show what the system knows of the service",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			s, err := service.Query(command.Context(), *name)
			if err != nil {
				return err
			}
			if p.json {
				return p.printJSON(s)
			}
			return p.printf("%s", serviceWords(s))
		},
	}
}

// serviceRunCommand is what the service manager of Windows executes, and launchd.
func (p *program) serviceRunCommand(name *string) *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "Be the service: what the system starts, and nobody else",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			p.service = *name
			return p.serviceEnd(command.Context(), runtime.GOOS, service.Run(command.Context(), *name, p.serviceWork))
		},
	}
}

// serviceIs prints what was done, where it was.
func (p *program) serviceIs(what string, err error) error {
	if err != nil {
		return err
	}
	return p.serviceDone([]string{what}, nil)
}

// serviceDone prints what was done, of which there may be something even before an error.
func (p *program) serviceDone(done []string, err error) error {
	var printed error
	switch {
	case p.json && err == nil:
		printed = p.printJSON(map[string]any{"done": done})
	case !p.json && len(done) > 0:
		printed = p.printf("%s\n", strings.Join(done, "\n"))
	}
	return errors.Join(err, printed)
}

func serviceWords(s service.State) string {
	var b strings.Builder
	fmt.Fprintf(&b, "service %s: %s", s.Name, s.Phase)
	if s.PID != 0 {
		fmt.Fprintf(&b, ", pid %d", s.PID)
	}
	if s.Account != "" {
		fmt.Fprintf(&b, ", as %s", s.Account)
	}
	if s.Phase != service.Absent {
		if s.Boot {
			b.WriteString(", started with the system")
		} else {
			b.WriteString(", not started with the system")
		}
	}
	b.WriteString("\n")
	if s.Status != "" {
		fmt.Fprintf(&b, "  %s\n", shown(s.Status))
	}
	return b.String()
}
