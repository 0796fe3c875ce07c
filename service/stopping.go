package service

import "time"

// farewell is why a Windows service has to end.
type farewell int

const (
	asked       farewell = iota // a person, or a program, stops it
	preShutdown                 // the system goes down and waits for services that want to be told first
	shutdown                    // the system goes down, and kills what is there after a few seconds
)

const (
	// preShutdownTime is how long the system is asked to wait for the service when it goes down. Windows waits 10 seconds
	// by itself since Windows 10 1703, and three minutes before.
	preShutdownTime = 3 * time.Minute
	// shutdownTime is how long the system waits for all services, as it comes: WaitToKillServiceTimeout.
	shutdownTime = 5 * time.Second
	// closingTime is for what comes after the grace: sessions and the store are closed.
	closingTime = 30 * time.Second
	// lastWords is for telling the system that the service has ended.
	lastWords = time.Second
)

// stopLimit returns how long the service may take to end, when within is what it has asked for. Afterwards it ends as it
// is: what is under way goes on from its checkpoint at the next start, as after a crash.
func stopLimit(why farewell, within time.Duration) time.Duration {
	within += closingTime
	switch why {
	case preShutdown:
		return min(within, preShutdownTime-lastWords)
	case shutdown:
		return min(within, shutdownTime-lastWords)
	}
	return within
}
