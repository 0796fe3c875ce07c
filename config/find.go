package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Variable names the environment variable that holds the path of the configuration.
const Variable = "DROPFERRY_CONFIG"

// Find returns the file to load: flag, the value of -c, where it is given; else what $DROPFERRY_CONFIG says; else the
// user's agent.toml; else the system's. A file that is named on purpose is not looked at. The error lists where it
// looked and says how to start.
func Find(flag string) (string, error) {
	if flag != "" {
		return flag, nil
	}
	if name := os.Getenv(Variable); name != "" {
		return name, nil
	}
	return findIn(thisSystem().configs())
}

// FirstFile returns where a first configuration is to be written, absolute: flag, the value of -c, where it is given; else what
// $DROPFERRY_CONFIG says; else the system's agent.toml for root, and the user's for anybody else.
func FirstFile(flag string) (string, error) {
	name := cmp.Or(flag, os.Getenv(Variable))
	if name == "" {
		names := thisSystem().configs()
		if len(names) == 0 {
			return "", errors.New("the account has no home directory: name the file with -c")
		}
		if name = names[0]; os.Geteuid() == 0 { // -1 on Windows
			name = names[len(names)-1]
		}
	}
	return absolutePath(name)
}

// findIn takes a file that cannot be looked at for the one that is meant: Load then says why it cannot be read.
func findIn(names []string) (string, error) {
	for _, name := range names {
		if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			return name, nil
		}
	}
	return "", &notFound{names}
}

// notFound says that there is no configuration where one is looked for.
type notFound struct{ names []string }

func (e *notFound) Error() string {
	return fmt.Sprintf("no configuration: looked for %s; write one from agent.toml.example, name another with -c or $%s, or try `dropferry demo`, which needs none",
		strings.Join(e.names, " and "), Variable)
}

// Is makes it fs.ErrNotExist.
func (e *notFound) Is(target error) bool { return target == fs.ErrNotExist }

// DefaultStateDir returns where state is kept without a configuration: the service's directory for root, the user's own
// otherwise. It is empty for an account without a home directory.
func DefaultStateDir() string {
	if os.Geteuid() == 0 { // -1 on Windows
		return thisSystem().serviceState
	}
	return thisSystem().userState
}

// StateDirFor returns where state is kept if the configuration at file does not say: the service's directory for the
// system's agent.toml, whoever reads it; one of its own beside that for another NAME.toml there, which is that of a further
// service; and the user's own for any other. It is empty for an account without a home directory.
func StateDirFor(file string) string {
	s := thisSystem()
	full, err := absolutePath(file)
	if err != nil {
		return s.userState
	}
	system, name := canonical(s.serviceConfig), canonical(full)
	instance, isTOML := strings.CutSuffix(filepath.Base(full), ".toml")
	switch {
	case name == system:
		return s.serviceState
	case filepath.Dir(name) == filepath.Dir(system) && isTOML && instance != "":
		return s.serviceState + "-" + instance
	}
	return s.userState
}

// ServiceFile returns the configuration that a service looks for: the system's agent.toml, or NAME.toml beside it for a
// further one. further is NAME, "" for the system's.
func ServiceFile(further string) string {
	system := thisSystem().serviceConfig
	if further == "" {
		return system
	}
	return filepath.Join(filepath.Dir(system), further+".toml")
}

// ServiceFor returns the name of the service that works with a configuration, if it is one that services look for: dropferry for
// the system's agent.toml, dropferry@NAME for NAME.toml beside it.
func ServiceFor(file string) (name string, is bool) {
	s := thisSystem()
	switch dir := StateDirFor(file); {
	case dir == s.serviceState:
		return "dropferry", true
	case strings.HasPrefix(dir, s.serviceState+"-"):
		return "dropferry@" + strings.TrimPrefix(dir, s.serviceState+"-"), true
	}
	return "", false
}

// StateAstray returns the fault of a service's configuration that leaves its state to whoever reads it: outside of the directory
// where services have theirs, and without a state_dir, that is another directory for the service than for the people who ask it.
// service is NAME of a further service, "" for the system's.
func (c *Config) StateAstray(service string) Faults {
	_, given := c.lines[place("").key("agent").key("state_dir")]
	if _, is := ServiceFor(c.File); is || given {
		return nil
	}
	s := thisSystem()
	where := s.serviceState
	if service != "" {
		where += "-" + service
	}
	return Faults{c.StateDirFault("state_dir is missing: outside of "+filepath.Dir(s.serviceConfig)+
		" it is in the home of whoever reads the file, so that the service and you would look in two places", "state_dir = "+show(where))}
}

// locations are the paths that one system gives to configuration and state; the user's are empty for an account
// without a home directory.
type locations struct {
	userConfig, userState       string
	serviceConfig, serviceState string
}

func (l locations) configs() []string {
	if l.userConfig == "" {
		return []string{l.serviceConfig}
	}
	return []string{l.userConfig, l.serviceConfig}
}

func thisSystem() locations {
	home, _ := os.UserHomeDir() // services may have none
	return locationsOn(runtime.GOOS, home, environment)
}

// locationsOn is a pure function, so that every system's paths are tested on each.
func locationsOn(goos, home string, getenv func(string) string) locations {
	switch goos {
	case "windows":
		return windowsLocations(getenv)
	case "darwin":
		const dir = "/Library/Application Support/dropferry"
		l := locations{serviceConfig: dir + "/agent.toml", serviceState: dir + "/state"}
		if home != "" {
			l.userConfig, l.userState = home+dir+"/agent.toml", home+dir+"/state"
		}
		return l
	}
	return locations{
		userConfig:    below(xdg(getenv("XDG_CONFIG_HOME"), home, "/.config"), "/dropferry/agent.toml"),
		userState:     below(xdg(getenv("XDG_STATE_HOME"), home, "/.local/state"), "/dropferry"),
		serviceConfig: "/etc/dropferry/agent.toml",
		serviceState:  "/var/lib/dropferry",
	}
}

func windowsLocations(getenv func(string) string) locations {
	programData := getenv("ProgramData")
	if programData == "" {
		programData = `C:\ProgramData`
	}
	return locations{
		userConfig:    below(getenv("AppData"), `\dropferry\agent.toml`),
		userState:     below(getenv("LocalAppData"), `\dropferry`),
		serviceConfig: programData + `\dropferry\agent.toml`,
		serviceState:  programData + `\dropferry\state`,
	}
}

// xdg returns a base directory after the XDG specification, which has relative values ignored.
func xdg(value, home, otherwise string) string {
	if strings.HasPrefix(value, "/") {
		return strings.TrimRight(value, "/")
	}
	return below(home, otherwise)
}

func below(dir, rest string) string {
	if dir == "" {
		return ""
	}
	return dir + rest
}
