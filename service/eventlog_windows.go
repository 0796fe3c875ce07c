package service

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
	"golang.org/x/sys/windows/svc/eventlog"
)

const (
	eventSources = `SYSTEM\CurrentControlSet\Services\EventLog\Application`
	// eventTexts shows an event with any id from 1 to 1000 as the text that comes with it. Every Windows has it.
	eventTexts = `%SystemRoot%\System32\EventCreate.exe`
)

// registerEvents makes the service a source of the Application log.
func registerEvents(name string) error {
	err := eventlog.InstallAsEventCreate(name, eventlog.Info|eventlog.Warning|eventlog.Error)
	if err == nil {
		return nil
	}
	key, openErr := registry.OpenKey(registry.LOCAL_MACHINE, eventSources+`\`+name, registry.QUERY_VALUE)
	if openErr != nil {
		return fmt.Errorf("register the source %s of the Event Log: %w", name, err)
	}
	defer key.Close() //nolint:errcheck // read only
	if file, _, err := key.GetStringValue("EventMessageFile"); err != nil || !strings.EqualFold(file, eventTexts) {
		return fmt.Errorf("the Event Log has a source %s that is something else's: install the service under another --name", name)
	}
	return nil
}

// eventLog is the Application log.
type eventLog struct{ log *eventlog.Log }

// OpenEventLog opens the event log for a source that was registered when the service was installed.
func OpenEventLog(source string) (Log, error) {
	log, err := eventlog.Open(source)
	if err != nil {
		return nil, fmt.Errorf("open the Event Log: %w", err)
	}
	return eventLog{log}, nil
}

// Emit writes one event. What is routine is left out: see EventID.
func (e eventLog) Emit(r slog.Record, line []byte) error {
	id, routine := EventID(r.Level, r.Message)
	if routine {
		return nil
	}
	text := eventText(line)
	var err error
	switch {
	case r.Level >= slog.LevelError:
		err = e.log.Error(id, text)
	case r.Level >= slog.LevelWarn:
		err = e.log.Warning(id, text)
	default:
		err = e.log.Info(id, text)
	}
	if errors.Is(err, windows.ERROR_LOG_FILE_FULL) {
		return nil // an administrator wants it so, and is told by Windows
	}
	return err
}

// Close closes the log.
func (e eventLog) Close() error { return e.log.Close() }
