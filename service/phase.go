package service

import "fmt"

// Numbers of the Windows API that stand in a service's status.
const (
	windowsStopped         = 1
	windowsStartPending    = 2
	windowsStopPending     = 3
	windowsRunning         = 4
	errorServiceSpecific   = 1066 // the service's own exit code stands beside it
	errorProcessAborted    = 1067
	errorServiceNeverBegun = 1077 // no attempt to start since the system has started
	errorLogonFailure      = 1069
)

// phaseOf returns the phase of a Windows service, and in words why it has ended.
func phaseOf(state, exit, own uint32) (Phase, string) {
	switch state {
	case windowsStartPending:
		return Starting, ""
	case windowsStopPending:
		return Stopping, ""
	case windowsRunning:
		return Running, ""
	case windowsStopped:
	default:
		return Running, "paused" // by nobody: the service does not accept it
	}
	switch exit {
	case 0, errorServiceNeverBegun:
		return Stopped, ""
	case errorServiceSpecific:
		return Failed, fmt.Sprintf("it ended with exit code %d: the Application log of the Event Viewer says why", own)
	case errorProcessAborted:
		return Failed, "its process ended unexpectedly: the Application log of the Event Viewer may say why"
	case errorLogonFailure:
		return Failed, "its account could not log on: the password, or the right to log on as a service"
	}
	return Failed, fmt.Sprintf("Windows error %d", exit)
}
