package service

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc/mgr"
)

// opened is a service at the service manager, with the handles that close together.
type opened struct {
	*mgr.Service
	scm windows.Handle
}

// Close closes the handles.
func (o *opened) Close() {
	_ = windows.CloseServiceHandle(o.Handle) // nothing is lost
	_ = windows.CloseServiceHandle(o.scm)
}

// open opens a service with the rights that are asked for and no more: to look takes none of an administrator's.
func open(name string, access uint32) (*opened, error) {
	scm, err := windows.OpenSCManager(nil, nil, windows.SC_MANAGER_CONNECT)
	if err != nil {
		return nil, explained(name, err)
	}
	p, err := windows.UTF16PtrFromString(name)
	if err == nil {
		var h windows.Handle
		if h, err = windows.OpenService(scm, p, access); err == nil {
			return &opened{&mgr.Service{Name: name, Handle: h}, scm}, nil
		}
	}
	_ = windows.CloseServiceHandle(scm) // nothing is lost
	return nil, explained(name, err)
}

// explained puts into words what a person can do about an error of the service manager.
func explained(name string, err error) error {
	switch {
	case errors.Is(err, windows.ERROR_SERVICE_DOES_NOT_EXIST):
		return fmt.Errorf("service %s: %w", name, ErrNotInstalled)
	case errors.Is(err, windows.ERROR_ACCESS_DENIED):
		return fmt.Errorf("service %s: %w: an administrator may do this, in a window that was opened with \"Run as administrator\"", name, err)
	case errors.Is(err, windows.ERROR_SERVICE_LOGON_FAILED):
		return fmt.Errorf("service %s: %w: the account's password is wrong, or it has no right to log on as a service", name, err)
	case errors.Is(err, windows.ERROR_SERVICE_MARKED_FOR_DELETE):
		return fmt.Errorf("service %s: %w: close the Services window and the Event Viewer, then try again", name, err)
	case errors.Is(err, windows.ERROR_INVALID_SERVICE_ACCOUNT):
		return fmt.Errorf("service %s: %w: there is no such account, or its password is wrong", name, err)
	}
	return fmt.Errorf("service %s: %w", name, err)
}

// changeConfig sets one of the service's settings of the second kind.
func (o *opened) changeConfig(level uint32, setting unsafe.Pointer) error {
	return windows.ChangeServiceConfig2(o.Handle, level, (*byte)(setting))
}

// status asks the service manager how the service is.
func (o *opened) status() (Phase, string, int, error) {
	s, err := o.Query()
	if err != nil {
		return "", "", 0, explained(o.Name, err)
	}
	phase, why := phaseOf(uint32(s.State), s.Win32ExitCode, s.ServiceSpecificExitCode)
	return phase, why, int(s.ProcessId), nil
}
