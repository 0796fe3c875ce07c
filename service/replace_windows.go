package service

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

// own names the services that execute this program.
func own() ([]string, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	all, err := registered()
	return ofProgram(all, program), err
}

// StopAll stops all services of this program, and writes down which there are, for TakenAway, and which of them ran, for StartAgain.
func StopAll(ctx context.Context) ([]string, error) {
	names, err := own()
	if err != nil {
		return nil, err
	}
	var ran, done []string
	for _, name := range names {
		s, err := Query(ctx, name)
		if err == nil && (s.Phase == Running || s.Phase == Starting) {
			ran = append(ran, name)
		}
	}
	err = note(func(key registry.Key) error {
		return errors.Join(key.SetStringsValue(foundNote, names), key.SetStringsValue(ranNote, ran))
	})
	if err != nil {
		return nil, err
	}
	var failed error
	for _, name := range names {
		if err := Stop(ctx, name); err != nil && !errors.Is(err, ErrNotInstalled) {
			failed = errors.Join(failed, err)
			continue
		}
		done = append(done, name+" is stopped")
	}
	return done, failed
}

// TakenAway tells whether the service was none of this program's when StopAll stopped them, since a person had removed it, say, and
// is to stay so when the program is replaced. It is asked once.
func TakenAway(name string) (bool, error) {
	found, is, err := noted(func(key registry.Key) ([]string, uint32, error) { return key.GetStringsValue(foundNote) })
	if err != nil || !is {
		return false, err
	}
	if err := forget(foundNote); err != nil {
		return false, err
	}
	if slices.ContainsFunc(found, func(n string) bool { return strings.EqualFold(n, name) }) {
		return false, nil
	}
	return true, forget(beforeNote + name) // nothing is to be undone
}

// StartAgain starts the services that ran when StopAll stopped them, and are still there. Who was stopped before that stays so.
func StartAgain(ctx context.Context) ([]string, error) {
	ran, _, err := noted(func(key registry.Key) ([]string, uint32, error) { return key.GetStringsValue(ranNote) })
	if err != nil {
		return nil, err
	}
	if err := forget(ranNote); err != nil {
		return nil, err
	}
	var done []string
	var failed error
	for _, name := range ran {
		switch err := Start(ctx, name); {
		case errors.Is(err, ErrNotInstalled):
		case err != nil:
			failed = errors.Join(failed, err)
		default:
			done = append(done, name+" is started")
		}
	}
	return done, failed
}

// UninstallAll removes all services of this program.
func UninstallAll(ctx context.Context) ([]string, error) {
	names, err := own()
	if err != nil {
		return nil, err
	}
	var done []string
	var failed error
	for _, name := range names {
		words, err := Uninstall(ctx, name)
		done, failed = append(done, words...), errors.Join(failed, err)
	}
	return done, failed
}

// UndoInstall makes the last Install undone: a service that was not there before is removed, and one that was executes what it
// did.
func UndoInstall(ctx context.Context, name string) ([]string, error) {
	before, is, err := noted(func(key registry.Key) (string, uint32, error) { return key.GetStringValue(beforeNote + name) })
	if err != nil || !is {
		return nil, err
	}
	if err := forget(beforeNote + name); err != nil {
		return nil, err
	}
	if before == "" {
		done, err := Uninstall(ctx, name)
		if errors.Is(err, ErrNotInstalled) {
			err = nil
		}
		return done, err
	}
	s, err := open(name, windows.SERVICE_CHANGE_CONFIG)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	line, err := windows.UTF16PtrFromString(before)
	if err != nil {
		return nil, err
	}
	const same = windows.SERVICE_NO_CHANGE
	if err := windows.ChangeServiceConfig(s.Handle, same, same, same, line, nil, nil, nil, nil, nil, nil); err != nil {
		return nil, explained(name, err)
	}
	return []string{"service " + name + " is as it was: " + before}, nil
}

// rememberBefore writes down what UndoInstall needs.
func rememberBefore(name string) error {
	return note(func(key registry.Key) error { return key.SetStringValue(beforeNote+name, lineOf(name)) })
}
