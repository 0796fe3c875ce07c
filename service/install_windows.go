package service

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc/mgr"
)

const (
	displayName = "dropferry"
	description = "Watches folders and delivers what is dropped there to SFTP servers: whole, verified, once."
)

// recovery is what the system does when the service has crashed: it starts it again, soon at first. After a day without
// a crash it begins anew.
func recovery() (actions []mgr.RecoveryAction, forgetAfter time.Duration) {
	return []mgr.RecoveryAction{
		{Type: mgr.ServiceRestart, Delay: 5 * time.Second},
		{Type: mgr.ServiceRestart, Delay: time.Minute},
		{Type: mgr.ServiceRestart, Delay: 5 * time.Minute}, // this one again and again
	}, 24 * time.Hour
}

// Install has the service manager start the program with the system, from its next start on, and makes the directories
// of the service with their rights. A service of the name that is there already is changed to what is asked for; it
// keeps its account where none is named. What was done comes back in words, and what the system would not do.
func Install(_ context.Context, setup Setup) ([]string, error) {
	if err := ownConfig(setup.Name); err != nil && setup.Config == "" {
		return nil, err
	}
	who, err := accountOf(setup.Name, setup.Account)
	if err != nil {
		return nil, err
	}
	all, err := registered()
	if err != nil {
		return nil, err
	}
	setup.settleConfig(all)
	scm, err := windows.OpenSCManager(nil, nil, windows.SC_MANAGER_CONNECT|windows.SC_MANAGER_CREATE_SERVICE)
	if err != nil {
		return nil, explained(setup.Name, err)
	}
	defer windows.CloseServiceHandle(scm) //nolint:errcheck // nothing is lost
	if err := rememberBefore(setup.Name); err != nil {
		return nil, explained(setup.Name, err)
	}
	var done []string
	for _, other := range sharing(all, setup.Name, setup.Config) {
		done = append(done, fmt.Sprintf("service %s works with %s already, and only one of them can run: give one another configuration with -c", other, setup.Config))
	}
	if who.password {
		done = append(done, allowServiceLogon(who.name)...)
	}
	s, created, err := create(scm, setup, who)
	if err != nil {
		return done, explained(setup.Name, err)
	}
	defer windows.CloseServiceHandle(s.Handle) //nolint:errcheck // nothing is lost
	notes, err := s.settle(created)
	done = append(done, notes...)
	if err == nil {
		err = registerEvents(setup.Name)
	}
	var made []string
	var account string
	if err == nil {
		var config *windows.QUERY_SERVICE_CONFIG
		if config, err = s.config(); err == nil {
			account = windows.UTF16PtrToString(config.ServiceStartName)
			made, err = makeHome(setup, account)
		}
	}
	if err != nil {
		if created {
			err = errors.Join(err, s.Delete())
		}
		return done, explained(setup.Name, err)
	}
	verb := "is changed"
	if created {
		verb = "is installed"
	}
	first := fmt.Sprintf("service %s %s: it starts with the system, as %s, with %s", setup.Name, verb,
		account, setup.Config)
	return append(append([]string{first}, made...), done...), nil
}

// settleConfig says which configuration is meant where none is named, of the services that there are.
// A package that is replaced names none, and must not take away the one that a person has named once.
func (s *Setup) settleConfig(all []registration) {
	for _, r := range all {
		if s.Config == "" && strings.EqualFold(r.name, s.Name) {
			s.Config = r.config
		}
	}
	if s.Config == "" {
		s.Config = filepath.Join(home(), configName(s.Name))
	}
}

// commandLine is what the service manager executes.
func commandLine(setup Setup) string {
	return windows.ComposeCommandLine(registration{setup.Name, setup.Program, setup.Config}.words())
}

// create creates the service, or changes the one that is there.
func create(scm windows.Handle, setup Setup, who account) (s *opened, created bool, err error) {
	shown := displayName
	if setup.Name != DefaultName {
		shown += " (" + setup.Name + ")"
	}
	var p [4]*uint16
	for i, text := range [...]string{setup.Name, shown, commandLine(setup), who.name} {
		if p[i], err = windows.UTF16PtrFromString(text); err != nil {
			return nil, false, err
		}
	}
	name, display, line, user := p[0], p[1], p[2], p[3]
	var password *uint16
	if who.password {
		if password, err = windows.UTF16PtrFromString(setup.Password); err != nil {
			return nil, false, err
		}
	}
	h, err := windows.CreateService(scm, name, display, windows.SERVICE_ALL_ACCESS, windows.SERVICE_WIN32_OWN_PROCESS,
		windows.SERVICE_AUTO_START, windows.SERVICE_ERROR_NORMAL, line, nil, nil, nil, user, password)
	if err == nil {
		return &opened{Service: &mgr.Service{Name: setup.Name, Handle: h}}, true, nil
	}
	if !errors.Is(err, windows.ERROR_SERVICE_EXISTS) {
		return nil, false, err
	}
	if h, err = windows.OpenService(scm, name, windows.SERVICE_ALL_ACCESS); err != nil {
		return nil, false, err
	}
	if setup.Account == "" {
		user, password = nil, nil // as it is
	}
	err = windows.ChangeServiceConfig(h, windows.SERVICE_NO_CHANGE, windows.SERVICE_NO_CHANGE, windows.SERVICE_NO_CHANGE,
		line, nil, nil, nil, user, password, display)
	if err != nil {
		return nil, false, errors.Join(err, windows.CloseServiceHandle(h))
	}
	return &opened{Service: &mgr.Service{Name: setup.Name, Handle: h}}, false, nil
}

// settle makes the settings that a service can do without: what the system refuses comes back in words. When a service
// that was there starts is left to who has set it.
func (o *opened) settle(created bool) (refused []string, err error) {
	text, err := windows.UTF16PtrFromString(description)
	if err != nil {
		return nil, err
	}
	delayed := windows.SERVICE_DELAYED_AUTO_START_INFO{IsDelayedAutoStartUp: 1}
	sidType := uint32(windows.SERVICE_SID_TYPE_UNRESTRICTED) // rights can be given to the service, whatever its account
	wait := uint32(preShutdownTime.Milliseconds())
	actions, forgetAfter := recovery()
	for _, setting := range []struct {
		what string
		make func() error
	}{
		{"description", func() error {
			return o.changeConfig(windows.SERVICE_CONFIG_DESCRIPTION, unsafe.Pointer(&windows.SERVICE_DESCRIPTION{Description: text}))
		}},
		{"delayed start", func() error {
			if !created {
				return nil
			}
			return o.changeConfig(windows.SERVICE_CONFIG_DELAYED_AUTO_START_INFO, unsafe.Pointer(&delayed))
		}},
		{"identifier of its own", func() error {
			return o.changeConfig(windows.SERVICE_CONFIG_SERVICE_SID_INFO, unsafe.Pointer(&sidType))
		}},
		{"time before a shutdown", func() error {
			return o.changeConfig(windows.SERVICE_CONFIG_PRESHUTDOWN_INFO, unsafe.Pointer(&wait))
		}},
		{"restart after a crash", func() error {
			return o.SetRecoveryActions(actions, uint32(forgetAfter.Seconds()))
		}},
	} {
		if err := setting.make(); err != nil {
			refused = append(refused, fmt.Sprintf("the system refused: %s: %v", setting.what, err))
		}
	}
	return refused, nil
}
