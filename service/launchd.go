package service

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

const (
	packagedLabel  = "com.dropferry.agent"
	launchdProgram = "/usr/local/bin/dropferry"
	launchdAccount = "_dropferry"
	launchdConfigs = "/Library/Application Support/dropferry/"
)

// labelOf returns what launchd calls a service: the packaged label, with the service's name where it has one of its own.
func labelOf(name string) (string, error) {
	if !unitName.MatchString(name) {
		return "", fmt.Errorf("%q is no name of a service here: it is dropferry, or dropferry@NAME for a further agent", name)
	}
	if instance := instanceOf(name); instance != "" {
		return packagedLabel + "." + instance, nil
	}
	return packagedLabel, nil
}

// plistFor returns the property list that is written for a setup: the packaged one with other paths and an account in it.
func plistFor(s Setup) (string, error) {
	label, err := labelOf(s.Name)
	if err != nil {
		return "", err
	}
	if err := ownConfig(s.Name); err != nil {
		return "", err
	}
	if s.Account == "" {
		return "", errors.New("--account is missing: the account that may read the folders, and runs nothing else")
	}
	config := s.Config
	if config == "" {
		config = launchdConfigs + "agent.toml"
		if instance := instanceOf(s.Name); instance != "" {
			config = launchdConfigs + instance + ".toml"
		}
	}
	text := func(s string) string { return "<string>" + xmlText.Replace(s) + "</string>" }
	return strings.NewReplacer(
		text(packagedLabel), text(label),
		text(launchdProgram), text(s.Program),
		text(launchdConfigs+"agent.toml"), text(config),
		text(launchdAccount), text(s.Account),
		text("/Library/Logs/dropferry.log"), text(daemonLog(s.Name)),
	).Replace(s.Definition), nil
}

// daemonLog is where launchd leads what a service prints.
func daemonLog(name string) string {
	return "/Library/Logs/" + strings.ReplaceAll(name, "@", "-") + ".log"
}

// daemonState is where a service keeps its state, beside its configuration.
func daemonState(name string) string {
	if instance := instanceOf(name); instance != "" {
		return launchdConfigs + "state-" + instance
	}
	return launchdConfigs + "state"
}

var xmlText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// printedValue finds a value in what `launchctl print` prints, which is for people, and steady all the same.
var printedValue = regexp.MustCompile(`(?m)^\t(state|pid|last exit code|username) = (.*)$`)

// launchdState words what launchd has printed of a service.
func launchdState(name, printed string) State {
	s := State{Name: name, Phase: Stopped, Boot: true}
	for _, match := range printedValue.FindAllStringSubmatch(printed, -1) {
		switch key, value := match[1], match[2]; key {
		case "state":
			if value == "running" {
				s.Phase = Running
			}
		case "pid":
			s.PID, _ = strconv.Atoi(value)
		case "username":
			s.Account = value
		case "last exit code":
			if s.Phase != Running && value != "0" && value != "(never exited)" {
				s.Status = "exit code " + value
			}
		}
	}
	return s
}
