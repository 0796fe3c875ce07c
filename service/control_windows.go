package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/eventlog"
)

const (
	// startWithin is for opening the store, which may have to be copied and migrated first.
	startWithin = 5 * time.Minute
	// stopWithin is for what is under way; it is longer than any usual shutdown_grace.
	stopWithin = 15 * time.Minute
	// lookEvery is how often the service manager is asked: it tells nobody by itself.
	lookEvery = 100 * time.Millisecond
)

// Start starts the service and waits until it works.
func Start(ctx context.Context, name string) error {
	s, err := open(name, windows.SERVICE_START|windows.SERVICE_QUERY_STATUS)
	if err != nil {
		return err
	}
	defer s.Close()
	err = s.Start()
	late := errors.Is(err, windows.ERROR_SERVICE_REQUEST_TIMEOUT) // its process has not come in time; on a busy machine it may come yet
	if err != nil && !late && !errors.Is(err, windows.ERROR_SERVICE_ALREADY_RUNNING) {
		return explained(name, err)
	}
	ended := s.await(ctx, Running, startWithin)
	if ended != nil && late {
		return fmt.Errorf("%w (%w)", ended, err)
	}
	return ended
}

// Stop asks the service to stop and waits until it has: files under way get their grace.
func Stop(ctx context.Context, name string) error {
	s, err := open(name, windows.SERVICE_STOP|windows.SERVICE_QUERY_STATUS)
	if err != nil {
		return err
	}
	defer s.Close()
	return s.stop(ctx)
}

func (o *opened) stop(ctx context.Context) error {
	deadline := time.Now().Add(startWithin)
	for {
		_, err := o.Control(svc.Stop)
		switch {
		case err == nil:
			return o.await(ctx, Stopped, stopWithin)
		case errors.Is(err, windows.ERROR_SERVICE_NOT_ACTIVE):
			return nil
		case errors.Is(err, windows.ERROR_SERVICE_CANNOT_ACCEPT_CTRL) && time.Now().Before(deadline): // it starts, or stops
			if err := pause(ctx); err != nil {
				return err
			}
		default:
			return explained(o.Name, err)
		}
	}
}

// await waits until the service is in a phase. One that ends by itself meanwhile is an error, but where it was to stop.
func (o *opened) await(ctx context.Context, want Phase, within time.Duration) error {
	for deadline := time.Now().Add(within); ; {
		phase, why, _, err := o.status()
		switch {
		case err != nil:
			return err
		case phase == want, want == Stopped && phase == Failed:
			return nil
		case phase == Failed, want == Running && phase == Stopped:
			return fmt.Errorf("service %s has ended: %s", o.Name, cmp.Or(why, "the Application log of the Event Viewer says why"))
		case time.Now().After(deadline):
			return fmt.Errorf("service %s is %s after %v", o.Name, phase, within)
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(lookEvery):
		return nil
	}
}

// Query tells how the service is. It takes no rights of an administrator.
func Query(_ context.Context, name string) (State, error) {
	state := State{Name: name, Phase: Absent}
	s, err := open(name, windows.SERVICE_QUERY_STATUS|windows.SERVICE_QUERY_CONFIG)
	if errors.Is(err, ErrNotInstalled) {
		return state, nil
	}
	if err != nil {
		return state, err
	}
	defer s.Close()
	if state.Phase, state.Status, state.PID, err = s.status(); err != nil {
		return state, err
	}
	config, err := s.config()
	if err != nil {
		return state, explained(name, err)
	}
	state.Account = windows.UTF16PtrToString(config.ServiceStartName)
	state.Boot = config.StartType == windows.SERVICE_AUTO_START
	return state, nil
}

// config returns the main settings. mgr.Service.Config asks for more, which not every system can tell.
func (o *opened) config() (*windows.QUERY_SERVICE_CONFIG, error) {
	for room := uint32(1024); ; {
		buf := make([]uint64, room/8+1) // aligned
		c := (*windows.QUERY_SERVICE_CONFIG)(unsafe.Pointer(&buf[0]))
		err := windows.QueryServiceConfig(o.Handle, c, room, &room)
		if !errors.Is(err, windows.ERROR_INSUFFICIENT_BUFFER) {
			return c, err
		}
	}
}

// Uninstall stops the service and removes it, and its name from the Event Log. Configuration and state stay.
func Uninstall(ctx context.Context, name string) ([]string, error) {
	s, err := open(name, windows.SERVICE_STOP|windows.SERVICE_QUERY_STATUS|windows.DELETE)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if err := s.stop(ctx); err != nil {
		return nil, err
	}
	if err := s.Delete(); err != nil {
		return nil, explained(name, err)
	}
	done := []string{
		"service " + name + " is removed",
		"configuration and state stay in " + home(),
	}
	if err := eventlog.Remove(name); err != nil && !errors.Is(err, windows.ERROR_FILE_NOT_FOUND) {
		done = append(done, "its name stays in the Event Log: "+err.Error())
	}
	return done, nil
}
