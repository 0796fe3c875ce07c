package agent

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
)

// target is what a command is about: one intent or delivery by its id, or a folder, a destination or a route.
type target struct {
	id string
	state.Route
}

// The words that begin a target.
const (
	folderWord      = "folder:"
	destinationWord = "destination:"
)

// parseTarget reads an id, "folder:NAME", "destination:NAME" or "FOLDER/DESTINATION", of which the configuration has to
// know the names.
func parseTarget(c *config.Config, text string) (target, error) {
	t, ok := splitTarget(text)
	switch {
	case ok && t.id != "":
		return t, nil
	case ok && strings.HasPrefix(text, folderWord):
		return t, knowsFolder(c, t.Folder)
	case ok && strings.HasPrefix(text, destinationWord):
		return t, knowsDestination(c, t.Destination)
	case ok:
		return t, knowsRoute(c, t.Folder, t.Destination)
	}
	return target{}, usage("%s is no id, folder:NAME, destination:NAME or FOLDER/DESTINATION%s", strconv.Quote(text), meant(c, text))
}

// RouteOf returns the folder and the destination of a target that is no id; "" stands for all.
func RouteOf(c *config.Config, text string) (folder, destination string, err error) {
	t, err := parseTarget(c, text)
	if err == nil && t.id != "" {
		err = usage("%s is one delivery: a time is for folder:NAME, destination:NAME or FOLDER/DESTINATION", t.id)
	}
	return t.Folder, t.Destination, err
}

// splitTarget reads a target, whatever the configuration knows.
func splitTarget(text string) (t target, ok bool) {
	folder, isFolder := strings.CutPrefix(text, folderWord)
	destination, isDestination := strings.CutPrefix(text, destinationWord)
	left, right, isRoute := strings.Cut(text, "/")
	switch {
	case isFolder:
		return target{Route: state.Route{Folder: folder}}, true
	case isDestination:
		return target{Route: state.Route{Destination: destination}}, true
	case isRoute:
		return target{Route: state.Route{Folder: left, Destination: right}}, true
	case isID(text):
		return target{id: text}, true
	}
	return target{}, false
}

// isID tells whether text has the form of an intent's id.
func isID(text string) bool {
	const length = 16
	return len(text) == length && file.IsPrivate(file.PrivateName("", text, file.TempSuffix))
}

// meant guesses what was meant by a bare name.
func meant(c *config.Config, text string) string {
	for _, guess := range []struct {
		word  string
		names []string
	}{{folderWord, folderNames(c)}, {destinationWord, destinationNames(c)}} {
		if slices.Contains(guess.names, text) {
			return fmt.Sprintf(": did you mean %s%s?", guess.word, text)
		}
	}
	if near := config.Nearest(text, folderNames(c)); near != "" {
		return fmt.Sprintf(": did you mean %s%s?", folderWord, near)
	}
	if near := config.Nearest(text, destinationNames(c)); near != "" {
		return fmt.Sprintf(": did you mean %s%s?", destinationWord, near)
	}
	return ""
}

func knowsFolder(c *config.Config, name string) error {
	return knows("folder", name, folderNames(c))
}

func knowsDestination(c *config.Config, name string) error {
	return knows("destination", name, destinationNames(c))
}

func knows(what, name string, known []string) error {
	if slices.Contains(known, name) {
		return nil
	}
	if near := config.Nearest(name, known); near != "" {
		return usage("%s %s is not in the configuration: did you mean %s?", what, strconv.Quote(name), near)
	}
	return usage("%s %s is not in the configuration", what, strconv.Quote(name))
}

func knowsRoute(c *config.Config, folder, destination string) error {
	if err := knowsFolder(c, folder); err != nil {
		return err
	}
	if err := knowsDestination(c, destination); err != nil {
		return err
	}
	f, _ := c.Folder(folder)
	if to := destinationsOfFolder(f); !slices.Contains(to, destination) {
		return usage("folder %s is not sent to %s: it is sent to %s", folder, destination, strings.Join(to, ", "))
	}
	return nil
}

func folderNames(c *config.Config) []string {
	names := make([]string, len(c.Folders))
	for i := range c.Folders {
		names[i] = c.Folders[i].Name
	}
	return names
}

func destinationNames(c *config.Config) []string {
	names := make([]string, len(c.Destinations))
	for i := range c.Destinations {
		names[i] = c.Destinations[i].Name
	}
	return names
}

func destinationsOfFolder(f *config.Folder) []string {
	names := make([]string, len(f.To))
	for i := range f.To {
		names[i] = f.To[i].Destination
	}
	return names
}

// routesOf returns all routes of a configuration.
func routesOf(c *config.Config) []state.Route {
	var routes []state.Route
	for i := range c.Folders {
		for _, to := range c.Folders[i].To {
			routes = append(routes, state.Route{Folder: c.Folders[i].Name, Destination: to.Destination})
		}
	}
	return routes
}

// destinations returns those that the target concerns, but for an id.
func (t target) destinations(c *config.Config) []string {
	if t.Destination != "" {
		return []string{t.Destination}
	}
	if f, ok := c.Folder(t.Folder); ok {
		return destinationsOfFolder(f)
	}
	return nil
}

func (t target) selection() state.Selection {
	return state.Selection{ID: t.id, Folder: t.Folder, Destination: t.Destination}
}

// usage is a refusal for which the command's words are to blame.
func usage(format string, args ...any) error {
	return &control.Refusal{Text: fmt.Sprintf(format, args...), Usage: true}
}

// refused is a refusal for which the state of what is named is to blame.
func refused(format string, args ...any) error {
	return &control.Refusal{Text: fmt.Sprintf(format, args...)}
}
