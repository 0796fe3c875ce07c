package service

// OpenEventLog opens the event log for a source that was registered when the service was installed.
func OpenEventLog(string) (Log, error) { return nil, ErrNoEventLog }
