package watcher

import "time"

// tempo holds the intervals that a Watcher lives by, so that tests can live faster.
type tempo struct {
	probed, blind, remote time.Duration // quiet times: with a writer probe, without, on a network file system

	gather time.Duration // hints wait so long for more of their kind
	root   time.Duration // between looks at the root's identity

	busyLeast, busyMost   time.Duration // between looks at a file that a writer holds open
	sinkLeast, sinkMost   time.Duration // between attempts to hand over what the sink refused
	faultLeast, faultMost time.Duration // before a scan that a fault of the watch asks for

	// What is gone is learnt by a scan, not from events. Such a scan waits askDelay for more to go, and a multiple
	// (askShare) of the last scan's duration, at least askGap, from that scan's end: so scans take a tenth of the time at most.
	askDelay, askGap time.Duration
	askShare         int
}

func defaultTempo() tempo {
	return tempo{
		probed: 2 * time.Second, blind: 10 * time.Second, remote: 30 * time.Second,
		gather:    50 * time.Millisecond,
		root:      5 * time.Second,
		busyLeast: time.Second, busyMost: 30 * time.Second,
		sinkLeast: time.Second, sinkMost: 5 * time.Minute,
		faultLeast: time.Second, faultMost: 5 * time.Minute,
		askDelay: 2 * time.Second, askGap: 10 * time.Second, askShare: 10,
	}
}

// backoff returns least doubled tries times, at most most.
func backoff(tries int, least, most time.Duration) time.Duration {
	for range tries {
		if least >= most {
			break
		}
		least *= 2
	}
	return min(least, most)
}
