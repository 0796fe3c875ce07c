package agent

import (
	"context"
	"errors"
	"runtime"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/service"
)

// ServiceSteps is what to type, in order, so that this system runs the agent with a configuration. It is empty where the system
// has no service manager that is known here. A configuration of a service's that is there already stays: then it is a further one,
// dropferry@NAME.
func ServiceSteps(ctx context.Context, c *config.Config, o DoctorOptions) []string {
	o.Config = c
	w := wordsFor(o)
	name, target := "dropferry", c.File
	if serves, is := config.ServiceFor(c.File); is {
		name = serves
	} else if target = config.ServiceFile(""); !isNotThere(target) {
		further := c.Destinations[0].Name
		if further == "agent" { // which is the system's
			further = "agent-2"
		}
		name, target = "dropferry@"+further, config.ServiceFile(further)
	}
	state, err := service.Query(ctx, name)
	if errors.Is(err, service.ErrUnsupported) {
		return nil
	}
	return w.serviceSteps(runtime.GOOS, name, target, err == nil && state.Phase != service.Absent)
}

// serviceSteps words them. The configuration goes to target, where the service looks for it, once there is a directory that the
// service's account may enter.
func (w words) serviceSteps(goos, name, target string, installed bool) []string {
	var steps []string
	if !installed {
		steps = append(steps, w.service(name, "install"))
	}
	if w.file != target {
		steps = append(steps, w.copyConfig(goos, target))
	}
	w.file, w.private = target, false
	return append(steps, w.dropferry("doctor"), w.service(name, "start"))
}

// copyConfig puts the configuration where services look for theirs.
func (w words) copyConfig(goos, target string) string {
	switch goos {
	case "windows":
		return "copy " + shellWord(w.file) + " " + shellWord(target)
	case "darwin":
		return w.admin("install -m 600 " + shellWord(w.file) + " " + shellWord(target))
	}
	return w.admin("install -g dropferry -m 640 " + shellWord(w.file) + " " + shellWord(target))
}
