package service

import (
	"path/filepath"
	"strings"
)

// registration is what the system keeps of a service of dropferry: what it executes.
type registration struct{ name, program, config string }

// words returns the command line of a service. It is how one is recognised, too: see registrationOf.
func (r registration) words() []string {
	return []string{r.program, "-c", r.config, "service", "run", "--name", r.name}
}

// registrationOf reads what words has written. ok is false for the services of others.
func registrationOf(words []string) (r registration, ok bool) {
	const program, config, name = 0, 2, 6
	if len(words) != name+1 {
		return registration{}, false
	}
	r = registration{words[name], words[program], words[config]}
	for i, word := range r.words() {
		if words[i] != word {
			return registration{}, false
		}
	}
	return r, true
}

// configName returns the name of the file, in the directory of all, that a service works with where none is named.
// dropferry@NAME is a further service, as it is elsewhere.
func configName(service string) string {
	if instance := instanceOf(service); filepath.Base(instance) == instance {
		return instance + ".toml"
	}
	return "agent.toml"
}

// sharing names the other services that work with the same configuration, of all that there are.
func sharing(all []registration, name, config string) []string {
	var others []string
	for _, r := range all {
		if strings.EqualFold(r.config, config) && !strings.EqualFold(r.name, name) {
			others = append(others, r.name)
		}
	}
	return others
}

// ofProgram names the services that execute a program.
func ofProgram(all []registration, program string) []string {
	var names []string
	for _, r := range all {
		if strings.EqualFold(r.program, program) {
			names = append(names, r.name)
		}
	}
	return names
}
