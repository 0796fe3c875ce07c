package watcher

import "time"

// tempo holds the intervals that a Watcher lives by, so that tests can live faster.
type tempo struct {
	probed, blind, remote time.Duration // quiet times: with a writer probe, without, on a network file system

	gather time.Duration // between looks at hints: the first is looked at as it comes, then they gather
	root   time.Duration // between looks at the root's identity, at what is mounted and at the clocks

	// Between looks at a file that waits for its writer alone: growing from busyLeast to busySoon within its first busyFirst,
	// then with the time that it has waited to busyMost. Nothing tells when a file is closed.
	busyLeast, busySoon, busyFirst, busyMost time.Duration

	markerLeast, markerMost time.Duration // between looks for a marker that no hint has told of
	errorLeast, errorMost   time.Duration // between looks at a file that cannot be looked at
	grace                   time.Duration // hints may be late by so much before they are taken for lost
	cleanScans              int           // in a row, after which hints are trusted again

	// A file system that has not answered for stall is said to hang. It is not waited for longer than leave at the end, nor, by
	// what should come to an end by itself, than giveUp.
	stall, leave, giveUp time.Duration

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
		gather:    10 * time.Millisecond,
		root:      5 * time.Second,
		busyLeast: 250 * time.Millisecond, busySoon: 2 * time.Second, busyFirst: time.Minute, busyMost: 30 * time.Second,
		markerLeast: 5 * time.Second, markerMost: 5 * time.Minute,
		errorLeast: time.Second, errorMost: 30 * time.Second,
		grace: 5 * time.Second, cleanScans: 5,
		stall: time.Minute, leave: 10 * time.Second, giveUp: 5 * time.Minute,
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

// busyWait returns how long to wait before the next look at a file that waits for its writer alone: it was found so tries
// times before, and has waited for so long.
func (t tempo) busyWait(tries int, waited time.Duration) time.Duration {
	if waited < t.busyFirst {
		return backoff(tries, t.busyLeast, t.busySoon)
	}
	return min(max(t.busySoon, waited/8), t.busyMost)
}
