package remote

import (
	"context"
	"math"
	"sync"
	"time"
)

// lanes are the channels of a session beside its first. OpenSSH lets a channel carry 2 MiB a round trip and no more, so
// that a long line takes several to fill. They are opened when uploads could use them, and are left unused again where the
// line turns out to carry no more for it.
type lanes struct {
	mu      sync.Mutex
	beside  []*lane
	opening chan struct{} // closed when those are open that are being opened; nil where none is
	refused bool          // the server allows no more of them
	demand  int64         // bytes of uploads under way that are not sent yet
}

// DefaultChannels is how many SFTP channels a session has, at most, where the target does not say. OpenSSH allows ten
// channels on a connection, and commands need two.
const DefaultChannels = 8

// leastDemand is what a file counts in the demand, in bytes, however small it is: hundreds of small ones at once wait for each
// other on a channel, at both ends.
const leastDemand = 64 << 10

// laneFrom is the round trip below which one channel carries as much as its connection does.
const laneFrom = 4 * time.Millisecond

// lanesWanted returns how many channels are worth having: enough of them that what waits fills their windows twice, and
// that twice what the line has been seen to carry fits through. rate is that, in bytes per second, 0 where nothing was
// measured yet; window is what one channel carries in a round trip, in bytes.
// A line of several connections is used over all of them, since each may get as little as was seen.
func lanesWanted(demand int64, roundTrip time.Duration, rate, window float64, most, connections int) int {
	wanted := float64(demand) / (2 * window)
	switch {
	case roundTrip < laneFrom:
		wanted = min(wanted, float64(connections))
	case rate > 0:
		wanted = min(wanted, max(2*rate*roundTrip.Seconds()/window, float64(connections)))
	}
	return int(max(1, min(math.Ceil(wanted), float64(most))))
}

// mostLanes is how many the server and the target allow.
func (s *Session) mostLanes() int {
	if s.isBounded() {
		return 1
	}
	return s.mostConnections() * s.mostChannels()
}

// ownLanes is how many of them are on the session's own connection, at most.
func (s *Session) ownLanes() int {
	if s.isBounded() {
		return 1
	}
	return s.mostChannels()
}

// isBounded tells whether so little is asked for at once that there is no use for a second lane.
func (s *Session) isBounded() bool {
	c := s.caps.Load()
	return c.InFlight > 0 || c.MaxOpen > 0 || s.isCareful() || s.bound(aboutRequests) > 0 || s.bound(aboutFiles) > 0
}

// mostChannels is how many lanes one connection has.
func (s *Session) mostChannels() int { return max(1, least(s.target.Channels, s.bound(aboutChannels))) }

// inUse returns the lanes that help: all that are open, but for those beyond what the line has been seen to carry. Where more of
// them are wanted for what waits they are opened.
func (s *Session) inUse() []*lane {
	all := &s.lanes
	most := s.mostLanes()
	if most == 1 {
		return []*lane{&s.lane}
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	open := append([]*lane{&s.lane}, all.beside...)
	rate := carried(open)
	if limit := float64(s.limit()); limit > 0 && (rate == 0 || rate > limit) {
		rate = limit // more will never pass, whatever the line could carry
	}
	connections := s.mostConnections()
	wanted := func(demand int64) int {
		return lanesWanted(demand, s.RoundTrip(), rate, s.window(), most, connections)
	}
	if missing := all.missing(wanted(all.demand), connections); missing > 0 && all.opening == nil && !all.refused {
		all.opening = make(chan struct{})
		s.spawn(func() { s.openLanes(missing) })
	}
	return open[:min(len(open), wanted(math.MaxInt64))] // where little waits, too: it is there the sooner
}

// settled is how many measures a lane has had when they tell what it carries: before, windows grow.
const settled = 4

// carried returns what lanes have been seen to carry together, in bytes per second: 0 while that is not known of each of them,
// since one tells nothing of what the others can.
func carried(lanes []*lane) (rate float64) {
	for _, l := range lanes {
		best, measures := l.room.pace.best()
		if measures < settled {
			return 0
		}
		rate += best
	}
	return rate
}

// missing returns how many lanes are to be opened for so many to be in use, of which each connection has one first.
func (all *lanes) missing(wanted, connections int) int {
	further := 0
	for _, l := range all.beside {
		if l.number > 0 && l.place == 0 {
			further++
		}
	}
	return max(wanted-1-len(all.beside), min(wanted, connections)-1-further)
}

// demands notes that uploads have n more bytes to send, or less.
func (s *Session) demands(n int64) {
	s.lanes.mu.Lock()
	s.lanes.demand += n
	s.lanes.mu.Unlock()
}

// openingTrips bounds, in round trips, for how long an upload waits for lanes that are being opened: three of them, if the server is quick.
const openingTrips = 10

// assign returns the lane in use that has the least to do, and n more bytes of uploads to carry from now on. Those that are to come
// count, too: a wave of uploads begins before any of them has something in flight. While the first further lanes are being opened it
// waits for them a little rather than assign to the only one far more than it carries at a time.
func (s *Session) assign(ctx context.Context, n int64) (l *lane, done func()) {
	all := &s.lanes
	n = min(n, laneWindow) // of a large file, which goes over several lanes, or leaves when one has more room
	var late <-chan time.Time
	for waited := false; ; {
		used := s.inUse()
		all.mu.Lock()
		l = used[0]
		for _, other := range used[1:] {
			if other.assigned < l.assigned {
				l = other
			}
		}
		opening := all.opening
		if opening == nil || waited || len(used) > 1 || l.assigned+n <= int64(2*s.window()) {
			l.assigned += n
			all.mu.Unlock()
			return l, func() {
				all.mu.Lock()
				defer all.mu.Unlock()
				l.assigned -= n
			}
		}
		all.mu.Unlock()
		if late == nil {
			timer := time.NewTimer(openingTrips * s.RoundTrip())
			defer timer.Stop()
			late = timer.C
		}
		select {
		case <-opening:
			continue
		case <-late:
		case <-ctx.Done():
		case <-s.dead:
		}
		waited = true
	}
}

// openLanes opens so many lanes at once.
func (s *Session) openLanes(n int) {
	all, commands := &s.lanes, s.keepPlace()
	var opening sync.WaitGroup
	for range n {
		opening.Go(func() {
			l, err := s.openLane(s.mostConnections(), commands)
			all.mu.Lock()
			defer all.mu.Unlock()
			if err != nil {
				all.refused = true
				return
			}
			if l.number > 0 && !s.berths.has(l.number) { // given up meanwhile
				return
			}
			all.insert(l, max(1, s.target.Connections))
		})
	}
	opening.Wait()
	all.mu.Lock()
	close(all.opening)
	all.opening = nil
	all.mu.Unlock()
}

// openLane opens a lane wherever one is taken, on one of so many connections.
func (s *Session) openLane(connections int, commands *place) (*lane, error) {
	for {
		p, place := s.berths.take(&s.connection, connections, s.mostChannels())
		if p == nil || s.Err() != nil {
			return nil, errNoBerth
		}
		err := s.connected(p)
		var l *lane
		if err == nil {
			l, err = s.openLaneOn(p.connection, commands)
		}
		if err == nil {
			l.number, l.place = p.number, place
			return l, nil
		}
		s.berths.refuse(p)
	}
}

func (s *Session) openLaneOn(c *connection, commands *place) (*lane, error) {
	m, err := s.startMux(c, commands)
	if err != nil {
		return nil, err
	}
	m.heard = s.mux.heard // what is heard on one tells of the session
	l := &lane{mux: m}
	if err := s.startLane(l); err != nil {
		return nil, err
	}
	s.spawn(func() {
		select {
		case <-m.closed:
			if !c.isUnneeded() {
				s.lose(errChannelEnded)
			}
		case <-s.dead:
		}
		_ = l.sftp.Close() // it has ended
	})
	return l, nil
}

// What is known of writing one file over several channels: Capabilities.Stripes.
const (
	stripesWork = "yes"
	stripesFail = "no"
)

// mayStripe tells whether a file may be written over several channels: where the server has shown that it can, and where
// what comes of it is going to be proved, which shows it.
func (s *Session) mayStripe(u *Upload) bool {
	c := s.caps.Load()
	if !s.uses(aboutStripes) {
		return false
	}
	return c.Stripes == stripesWork || c.Stripes == "" && u.Proved && c.Hashes()
}

// noteStripes notes what the proof of a file's content shows of how it was written.
func (s *Session) noteStripes(name string, err error) {
	if _, striped := s.striped.LoadAndDelete(name); !striped {
		return
	}
	switch {
	case err == nil:
		s.note(func(c *Capabilities) { c.Stripes = stripesWork })
	case Integrity.is(err):
		s.note(func(c *Capabilities) { c.Stripes = stripesFail })
	}
}
