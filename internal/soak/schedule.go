package main

import (
	"math"
	"math/rand/v2"
	"time"
)

// kind is a sort of fault.
type kind string

const (
	cut       kind = "cut"        // all connections are reset, after so many more bytes
	blackhole kind = "blackhole"  // nothing passes
	refusal   kind = "refusal"    // connections are reset, and nobody listens for a while
	slowness  kind = "slow line"  // a fraction of the rate, with a delay
	sessions  kind = "sessions"   // the server's sessions are killed
	restart   kind = "sshd"       // the server is killed and started again
	killed    kind = "agent kill" // SIGKILL, and started again
	stopped   kind = "agent stop" // SIGTERM, and started again
	fullDisk  kind = "full disk"  // at the server
	frozen    kind = "frozen"     // the server's SFTP processes, which do later what they were asked for
)

var kinds = []kind{cut, blackhole, refusal, slowness, sessions, restart, killed, stopped, fullDisk, frozen}

// fault is one that is planned. What is not of its kind is zero.
type fault struct {
	At    time.Duration // since the beginning, not before the last one is over
	Kind  kind
	For   time.Duration // how long it lasts; of restarts, how long nothing runs
	Bytes int64         // of a cut: what passes before; 0 is at a publication
	Rate  int           // of a slow line, bytes a second
	Delay time.Duration // of a slow line, one way
	Up    bool          // of a blackhole: from the agent to the server
	Down  bool

	// Publication waits until the partner has just taken a file: the rename is done, and its reply or the receipt is not
	// written down yet, with luck.
	Publication bool
}

// deck holds the kinds of one minute's faults.
var deck = []kind{
	cut, cut, cut, cut, cut, cut, frozen, blackhole, refusal, refusal, slowness, sessions, restart, killed, stopped, fullDisk,
}

const (
	// leastBlackhole is the shortest that is worth its name.
	leastBlackhole = 1500 * time.Millisecond
	// longestBlackhole keeps them under 30 s in five minutes, with one a minute.
	longestBlackhole = 5500 * time.Millisecond
	// silence is how long they may last all together, however long the soak is: a stall costs what was on its way.
	silence = 30 * time.Second
	// mostBlackholes are as many as can be within that without being too short.
	mostBlackholes = 10
)

// blackholes tells whether a minute of so many has a blackhole, and how long it may be.
func blackholes(minute, minutes int) (one bool, most time.Duration) {
	n := min(minutes, mostBlackholes)
	return (minute+1)*n/minutes > minute*n/minutes, min(longestBlackhole, silence/time.Duration(n))
}

// schedule returns the faults for that time: each minute has the same, in an order and of a strength that come from the
// seed; only every second asks the agent to stop and does not kill it twice, and of a long soak not every one has a
// blackhole. The last third is without ends of the agent, so that one process lives long enough to show what it loses.
func schedule(seed uint64, lasts time.Duration) []fault {
	random := rand.New(rand.NewPCG(seed, math.MaxUint64))
	var faults []fault
	gap := time.Minute / time.Duration(len(deck))
	minutes := int((lasts + time.Minute - 1) / time.Minute)
	for minute := time.Duration(0); minute < lasts; minute += time.Minute {
		one, longest := blackholes(int(minute/time.Minute), minutes)
		for i, n := range random.Perm(len(deck)) {
			f := fault{At: minute + time.Duration(i)*gap + within(random, 0, gap), Kind: deck[n]}
			if f.At >= lasts {
				continue
			}
			if f.Kind == stopped && minute%(2*time.Minute) != 0 {
				f.Kind = killed
			}
			if (f.Kind == killed || f.Kind == stopped) && f.At > lasts*2/3 {
				f.Kind = cut
			}
			if f.Kind == blackhole && !one {
				f.Kind = cut
			}
			f.shape(random, longest)
			faults = append(faults, f)
		}
	}
	return faults
}

func (f *fault) shape(random *rand.Rand, longest time.Duration) {
	switch f.Kind {
	case cut: // over the orders of magnitude: within a handshake, a small file, a large one
		if f.Publication = random.IntN(4) == 0; !f.Publication {
			f.Bytes = int64(math.Exp2(10 + 14*random.Float64()))
		}
	case blackhole:
		f.For = within(random, leastBlackhole, longest)
		direction := random.IntN(4)
		f.Up, f.Down = direction != 1, direction != 2
	case refusal: // too short for five attempts: behind those the agent would come but once a minute
		f.For = within(random, 200*time.Millisecond, 1500*time.Millisecond)
	case slowness:
		f.For = within(random, 3*time.Second, 6*time.Second)
		f.Rate = 512<<10 + random.IntN(3<<20)
		f.Delay = within(random, 5*time.Millisecond, 80*time.Millisecond)
	case restart:
		f.For = within(random, 0, time.Second)
	case killed, stopped:
		f.Publication = f.Kind == killed && random.IntN(3) > 0
		f.For = within(random, 0, 1500*time.Millisecond)
	case frozen: // the agent gives them up, and has others by then
		f.For = within(random, stall+time.Second, stall+3*time.Second)
	case fullDisk:
		f.For = within(random, time.Second, 4*time.Second)
	}
}

// within draws a time.
func within(random *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(random.Int64N(int64(most-least)))
}
