package service

import (
	"strconv"
	"strings"
)

// shownProperties are what is asked of systemd about a unit.
const shownProperties = "LoadState,ActiveState,SubState,MainPID,User,UnitFileState,StatusText,Result,ExecMainStatus,ConditionResult,ConditionTimestamp,FragmentPath," +
	"ExecStart,Group,SupplementaryGroups,AmbientCapabilities,ProtectSystem,PrivateTmp,ReadWritePaths,StateDirectory,LogsDirectory,LoadCredential,LoadCredentialEncrypted,SetCredential"

// propertiesIn reads what `systemctl show` prints. What stands there several times is put together.
func propertiesIn(text string) map[string]string {
	properties := map[string]string{}
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(strings.TrimRight(line, "\n"), "="); ok {
			if before, again := properties[key]; again {
				value = before + " " + value
			}
			properties[key] = value
		}
	}
	return properties
}

// stateIn words what systemd knows of a unit.
func stateIn(name string, p map[string]string) State {
	s := State{Name: name, Phase: Stopped, Boot: strings.HasPrefix(p["UnitFileState"], "enabled")}
	if p["LoadState"] == "not-found" {
		s.Phase, s.Boot = Absent, false
		return s
	}
	_, program, _ := strings.Cut(p["ExecStart"], "path=")
	s.Program, _, _ = strings.Cut(program, " ;")
	s.Packaged = p["FragmentPath"] != "" && !strings.HasPrefix(p["FragmentPath"], adminUnits+"/")
	s.Account = p["User"]
	if s.Account == "" {
		s.Account = "root"
	}
	switch p["ActiveState"] {
	case "active", "reloading", "refreshing":
		s.Phase, s.Status = Running, p["StatusText"]
	case "activating":
		s.Phase, s.Status = Starting, p["StatusText"]
		if p["SubState"] == "auto-restart" {
			s.Status = "it has ended and is started again soon: " + endIn(p)
		}
	case "deactivating":
		s.Phase, s.Status = Stopping, p["StatusText"]
	case "failed":
		s.Phase, s.Status = Failed, endIn(p)
	default:
		if p["ConditionResult"] == "no" && p["ConditionTimestamp"] != "" {
			s.Status = "it was not started: there is no configuration at " + configOf(name)
		}
	}
	s.PID, _ = strconv.Atoi(p["MainPID"])
	return s
}

// endIn says how the program has ended.
func endIn(p map[string]string) string {
	switch p["Result"] {
	case "exit-code":
		return "exit code " + p["ExecMainStatus"]
	case "watchdog":
		return "it gave no sign of life"
	case "timeout":
		return "it took too long"
	case "signal", "core-dump":
		return "signal " + p["ExecMainStatus"]
	}
	return p["Result"]
}
