package service

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

const (
	packagedProgram = "/usr/bin/dropferry"
	packagedAccount = "dropferry"
	packagedConfigs = "/etc/dropferry/"
)

// adminUnits is where units lie that a person has put there, and not a package.
const adminUnits = "/etc/systemd/system"

// unitName is the name of a unit without its ending: "dropferry", or "dropferry@NAME" for a further agent.
var unitName = regexp.MustCompile(`^dropferry(@[A-Za-z0-9_-][A-Za-z0-9._-]*)?$`)

// unitOf returns the name of the unit of a service.
func unitOf(name string) (string, error) {
	if !unitName.MatchString(name) {
		return "", fmt.Errorf("%q is no name of a service here: it is dropferry, or dropferry@NAME for a further agent", name)
	}
	return name + ".service", nil
}

// instanceOf returns the NAME of dropferry@NAME, "" for dropferry.
func instanceOf(name string) string {
	_, instance, _ := strings.Cut(name, "@")
	return instance
}

// ownConfig refuses the name of a further service that would work with the configuration of the first one, and with another state.
func ownConfig(name string) error {
	if strings.EqualFold(instanceOf(name), "agent") {
		return fmt.Errorf("%s would work with agent.toml, which is the configuration of the service dropferry: choose another name", name)
	}
	return nil
}

// accountState is what there is of an account already.
type accountState struct {
	user, group bool
	member      bool // the user is in the group of its name
}

// accountCommands make the account of a service and its group, whichever of them there is.
func accountCommands(name string, there accountState) [][]string {
	var commands [][]string
	group := []string{"--user-group"}
	switch {
	case there.group:
		group = []string{"--gid", name}
	case there.user:
		commands = append(commands, []string{"groupadd", "--system", name})
	}
	switch {
	case !there.user:
		commands = append(commands, append(append([]string{"useradd", "--system"}, group...),
			"--home-dir", "/var/lib/dropferry", "--no-create-home", "--shell", "/usr/sbin/nologin", name))
	case !there.member:
		commands = append(commands, []string{"usermod", "--append", "--groups", name, name})
	}
	return commands
}

// stateOf is where a service has its state, if its configuration does not say otherwise.
func stateOf(name string) string {
	if instance := instanceOf(name); instance != "" {
		return "/var/lib/dropferry-" + instance
	}
	return "/var/lib/dropferry"
}

// configOf is the configuration that a service works with where it is given none.
func configOf(name string) string {
	if instance := instanceOf(name); instance != "" {
		return packagedConfigs + instance + ".toml"
	}
	return packagedConfigs + "agent.toml"
}

// unitFor returns the unit that is written for a setup: the packaged one with other paths and another account in it.
func unitFor(s Setup) (string, error) {
	for _, value := range []string{s.Program, s.Config, s.Account} {
		// systemd.syntax(7) has rules for what is quoted; nothing that needs them is worth a service that does not start.
		if strings.ContainsAny(value, " \t\n\r\"'\\%$;") {
			return "", fmt.Errorf("%q: systemd reads some of these letters in ways of its own: choose another name", value)
		}
	}
	if s.Definition == "" {
		return "", errors.New("there is no unit to write")
	}
	packaged := packagedConfigs + "agent.toml"
	if instanceOf(s.Name) != "" {
		packaged = packagedConfigs + "%i.toml"
	}
	replace := []string{"=" + packagedProgram + " ", "=" + s.Program + " "}
	if s.Config != "" {
		replace = append(replace, packaged, s.Config)
	}
	if s.Account != "" {
		replace = append(replace, "User="+packagedAccount+"\nGroup="+packagedAccount+"\n", "User="+s.Account+"\n")
	}
	return unitMark + "\n" + strings.NewReplacer(replace...).Replace(s.Definition), nil
}

// unitFileOf names the file of the unit of a setup. Further services share one, but for what has a configuration or an account of its
// own: the others keep theirs.
func unitFileOf(s Setup) string {
	if instanceOf(s.Name) != "" && s.Config == "" && s.Account == "" {
		return DefaultName + "@.service"
	}
	return s.Name + ".service"
}

// accountIn returns the account of a unit that `service install` has written; "" for the packaged one, and for other units.
func accountIn(unit string) string {
	if !strings.HasPrefix(unit, unitMark) {
		return ""
	}
	for line := range strings.Lines(unit) {
		if account, is := strings.CutPrefix(strings.TrimSpace(line), "User="); is && account != packagedAccount {
			return account
		}
	}
	return ""
}

// configIn returns the configuration of a unit that `service install` has written; "" for one that several services share, and for other
// units.
func configIn(unit string) string {
	if !strings.HasPrefix(unit, unitMark) {
		return ""
	}
	for line := range strings.Lines(unit) {
		command, is := strings.CutPrefix(strings.TrimSpace(line), "ExecStart=")
		if words := strings.Fields(command); is && len(words) == 4 && words[1] == "-c" && !strings.Contains(words[2], "%") {
			return words[2]
		}
	}
	return ""
}

// mayRead tells whether an account may list and enter a directory of that mode, owner and group.
func mayRead(mode, owner, group, uid uint32, gids []uint32) bool {
	switch {
	case uid == 0:
		return true
	case owner == uid:
		return mode&0o500 == 0o500
	case slices.Contains(gids, group):
		return mode&0o050 == 0o050
	}
	return mode&0o005 == 0o005
}

// unitMark is the first line of a unit that `service install` has written.
const unitMark = "# Written by `dropferry service install`, which may write it again: changes belong into a drop-in."
