package service

import (
	"errors"
	"fmt"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

const (
	servicesKey = `SYSTEM\CurrentControlSet\Services`
	// notesKey is where a package keeps what it has to know later, while services are replaced.
	notesKey = `SOFTWARE\dropferry`
	// foundNote names the services that there were before the program was replaced.
	foundNote = "Found"
	// ranNote names the services that ran before they were stopped for another program.
	ranNote = "Ran"
	// beforeNote and a service's name: the command line that it had before it was installed; "" where it was not there.
	beforeNote = "Before "
)

// registered returns all services of dropferry, as every user may see them.
func registered() ([]registration, error) {
	root, err := registry.OpenKey(registry.LOCAL_MACHINE, servicesKey, registry.ENUMERATE_SUB_KEYS)
	if err != nil {
		return nil, fmt.Errorf("list services: %w", err)
	}
	defer root.Close() //nolint:errcheck // nothing is lost
	names, err := root.ReadSubKeyNames(-1)
	if err != nil {
		return nil, fmt.Errorf("list services: %w", err)
	}
	var all []registration
	for _, name := range names {
		if r, ok := registrationOf(splitLine(lineOf(name))); ok {
			r.name = name // in case it was renamed by hand
			all = append(all, r)
		}
	}
	return all, nil
}

// lineOf returns the command line of a service, "" if there is none.
func lineOf(name string) string {
	key, err := registry.OpenKey(registry.LOCAL_MACHINE, servicesKey+`\`+name, registry.QUERY_VALUE)
	if err != nil {
		return ""
	}
	defer key.Close() //nolint:errcheck // nothing is lost
	line, _, err := key.GetStringValue("ImagePath")
	if err != nil {
		return ""
	}
	return line
}

func splitLine(line string) []string {
	if line == "" {
		return nil // of which Windows would make the name of this program
	}
	words, err := windows.DecomposeCommandLine(line)
	if err != nil {
		return nil
	}
	return words
}

// WorksWith names the service that works with a configuration, of those that the system has.
func WorksWith(config string) (name string, is bool) {
	all, err := registered()
	if err != nil {
		return "", false
	}
	if names := sharing(all, "", config); len(names) > 0 {
		return names[0], true
	}
	return "", false
}

// note writes something down for later.
func note(write func(registry.Key) error) error {
	key, _, err := registry.CreateKey(registry.LOCAL_MACHINE, notesKey, registry.SET_VALUE)
	if err == nil {
		err = errors.Join(write(key), key.Close())
	}
	if err != nil {
		return fmt.Errorf(`write to HKLM\%s: %w`, notesKey, err)
	}
	return nil
}

// forget takes a note away, if it is there.
func forget(name string) error {
	return note(func(key registry.Key) error {
		if err := key.DeleteValue(name); err != nil && !errors.Is(err, registry.ErrNotExist) {
			return err
		}
		return nil
	})
}

// noted reads notes.
func noted[T any](read func(registry.Key) (T, uint32, error)) (value T, is bool, err error) {
	key, err := registry.OpenKey(registry.LOCAL_MACHINE, notesKey, registry.QUERY_VALUE)
	if errors.Is(err, registry.ErrNotExist) {
		return value, false, nil
	}
	if err != nil {
		return value, false, fmt.Errorf(`read HKLM\%s: %w`, notesKey, err)
	}
	defer key.Close() //nolint:errcheck // nothing is lost
	value, _, err = read(key)
	if errors.Is(err, registry.ErrNotExist) {
		return value, false, nil
	}
	if err != nil {
		return value, false, fmt.Errorf(`read HKLM\%s: %w`, notesKey, err)
	}
	return value, true, nil
}
