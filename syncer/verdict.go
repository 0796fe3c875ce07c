package syncer

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"time"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// action is what is done about a failed attempt.
type action string

const (
	again     action = "again" // the connection failed, not the file: as soon as there is one again
	later     action = "later" // the file's own failure: wait and try again
	setAside  action = "set-aside"
	hold      action = "hold"
	replan    action = "replan"     // the source is not what was planned: look at it again
	sendAgain action = "send-again" // T2 holds no longer: back to T1
	pause     action = "pause"      // the destination cannot take anything for now
)

// verdict is the outcome of deciding about a failure.
type verdict struct {
	action action
	phase  state.Phase // of an intent that is set aside or held
	wait   time.Duration
}

// errAmbiguous says that a temp has vanished in a crash, and a person has to decide what that means.
var errAmbiguous = errors.New("the temp is gone and so is the final file: it was published and taken, or a cleaner removed it")

// errNotPublished says that a temp was verified before a crash, and is surely neither published nor whole any more.
type errNotPublished struct {
	temp string
	why  error
}

func (e *errNotPublished) Error() string {
	return fmt.Sprintf("%s was not published and is sent again: %v", e.temp, e.why)
}

func (e *errNotPublished) Unwrap() error { return e.why }

// errVanished is why a temp that was not published is gone.
var errVanished = errors.New("the temp is gone, and the final name still holds what was there before")

const (
	refusalsBeforeParking    = 3
	permissionsBeforeParking = 2
	corruptionsBeforeHolding = 2
	lossesBeforeWaiting      = 2 // of connections, with the file under way
)

// failed is what is known of an intent's failures.
type failed struct {
	times int       // the file's own, this one among them
	since time.Time // of the first of them, without the time in which nothing could be tried; zero: this one
	lost  int       // connections lost in a row with the file under way, this one among them
}

// judgeFailure decides what follows from a failed attempt, the one place that does. alive tells whether the session
// still stands.
func judgeFailure(err error, alive bool, f failed, now time.Time, retry Retry, random *rand.Rand) verdict {
	var conflict *errConflict
	var notPublished *errNotPublished
	switch {
	case errors.As(err, &conflict), errors.Is(err, errAmbiguous):
		return verdict{action: hold, phase: state.Held}
	case errors.As(err, &notPublished):
		return verdict{action: sendAgain}
	case errors.Is(err, watcher.ErrBusy), errors.Is(err, watcher.ErrChanged), isMissingSource(err):
		return verdict{action: replan}
	}
	if remoteErr, ok := errors.AsType[*remote.Error](err); ok { // else the local side: a file that cannot be read, a full disk under the store
		switch kind := remoteErr.Kind; {
		case kind == remote.Root, kind == remote.DiskFull:
			return verdict{action: pause}
		case kind == remote.Transient && !alive:
			// A file that loses the connection whenever it is sent must not keep others from theirs.
			v := verdict{action: again}
			if f.lost >= lossesBeforeWaiting {
				v.wait = backoff(retry, f.lost-1, random)
			}
			return v
		case kind == remote.Exists, kind == remote.Unsupported,
			kind == remote.Refused && f.times >= refusalsBeforeParking,
			kind == remote.Permission && f.times >= permissionsBeforeParking:
			return verdict{action: setAside, phase: state.Parked}
		case kind == remote.Integrity && f.times >= corruptionsBeforeHolding:
			return verdict{action: hold, phase: state.Held}
		}
	}
	if retry.GiveUpAfter > 0 && !f.since.IsZero() && now.Sub(f.since) > retry.GiveUpAfter {
		return verdict{action: setAside, phase: state.Parked}
	}
	return verdict{action: later, wait: backoff(retry, f.times, random)}
}

// isMissingSource tells whether it is the local file that is gone.
func isMissingSource(err error) bool {
	var remoteErr *remote.Error
	return errors.Is(err, fs.ErrNotExist) && !errors.As(err, &remoteErr)
}
