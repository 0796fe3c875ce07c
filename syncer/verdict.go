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
	again    action = "again" // the connection failed, not the file: as soon as there is one again
	later    action = "later" // the file's own failure: wait and try again
	setAside action = "set-aside"
	hold     action = "hold"
	replan   action = "replan" // the source is not what was planned: look at it again
	pause    action = "pause"  // the destination cannot take anything for now
)

// verdict is the outcome of deciding about a failure.
type verdict struct {
	action action
	phase  state.Phase
	wait   time.Duration
}

// errConflict says that somebody else's file stands at the final name.
type errConflict struct {
	final string
	what  string
}

func (e *errConflict) Error() string {
	return fmt.Sprintf("%s holds %s, which dropferry did not put there", e.final, e.what)
}

// errAmbiguous says that a temp has vanished in a crash, and the folder wants a person to decide.
var errAmbiguous = errors.New("the temp is gone and so is the final file: it was published and taken, or a cleaner removed it")

const (
	refusalsBeforeParking    = 3
	permissionsBeforeParking = 2
)

// judgeFailure decides what follows from a failed attempt, the one place that does. alive tells whether the session
// still stands, attempts counts this file's own failures with this one, since is when it was first ready.
func judgeFailure(err error, alive bool, attempts int, since, now time.Time, retry Retry, random *rand.Rand) verdict {
	var conflict *errConflict
	switch {
	case errors.As(err, &conflict), errors.Is(err, errAmbiguous):
		return verdict{action: hold, phase: state.Held}
	case errors.Is(err, watcher.ErrBusy), errors.Is(err, watcher.ErrChanged), isMissingSource(err):
		return verdict{action: replan}
	}
	kind := remote.KindOf(err)
	own := verdict{action: later, phase: state.Planned, wait: backoff(retry, attempts, random)}
	var remoteErr *remote.Error
	switch {
	case !errors.As(err, &remoteErr): // the local side: a file that cannot be read, a full disk under the store
	case kind == remote.Root, kind == remote.DiskFull:
		return verdict{action: pause}
	case kind == remote.Transient && !alive:
		return verdict{action: again}
	case kind == remote.Exists, kind == remote.Unsupported,
		kind == remote.Refused && attempts >= refusalsBeforeParking,
		kind == remote.Permission && attempts >= permissionsBeforeParking:
		return verdict{action: setAside, phase: state.Parked}
	case kind == remote.Integrity && attempts >= 2:
		return verdict{action: hold, phase: state.Held}
	}
	if retry.GiveUpAfter > 0 && now.Sub(since) > retry.GiveUpAfter {
		return verdict{action: setAside, phase: state.Parked}
	}
	return own
}

// isMissingSource tells whether it is the local file that is gone.
func isMissingSource(err error) bool {
	var remoteErr *remote.Error
	return errors.Is(err, fs.ErrNotExist) && !errors.As(err, &remoteErr)
}
