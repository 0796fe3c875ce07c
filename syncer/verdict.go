package syncer

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/dropferry/dropferry/file"
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
	anew      action = "anew"       // what was sent is of no use: from the beginning, at once
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

// errOtherContent is why a temp that is there was not published.
var errOtherContent = errors.New("the temp has not the content that was verified")

const (
	refusalsBeforeParking    = 3
	permissionsBeforeParking = 2
	corruptionsBeforeHolding = 2
	lossesBeforeWaiting      = 2 // of connections, with the file under way
)

// failed is what is known of an intent's failures.
type failed struct {
	times      int           // the file's own, this one among them
	alike      int           // of them, those of this kind, since an attempt has come further than all before it
	mismatches int           // of them, those where the server had other bytes; 0 where this one is none
	failing    time.Duration // since the first of them, without the time in which nothing could be tried
	lost       int           // connections lost in a row with the file under way, this one among them
	resumed    bool          // the attempt went on from a checkpoint
	anew       bool          // one has begun from the beginning for that since
	full       bool          // the server had no room, and nothing has arrived since
}

// spent returns what of the time up to a failure counts towards giving the file up: the wait that was told after the
// failure before, as far as it has passed, and the attempt itself where the failure is the file's own. What it had to wait
// beyond that, in an outage, a block or a pause, does not; nor does what it waited for room at the server, or what a clock
// shows that was set meanwhile.
func spent(i *state.Intent, began time.Time, took time.Duration, own bool) time.Duration {
	if i.Failures == 0 {
		return 0
	}
	if !own {
		took = 0
	}
	told := max(i.NextAttempt.Sub(i.FailedAt), 0)
	if remote.SaysFull(i.LastError) {
		told = 0
	}
	return min(max(began.Sub(i.FailedAt), 0), told) + took
}

// judgeFailure decides what follows from a failed attempt, the one place that does. alive tells whether the session
// still stands.
func judgeFailure(err error, alive bool, f failed, retry Retry, random *rand.Rand) verdict {
	var conflict *errConflict
	var collides *errCollides
	var notPublished *errNotPublished
	switch {
	case errors.As(err, &conflict), errors.As(err, &collides), errors.Is(err, errAmbiguous):
		return verdict{action: hold, phase: state.Held}
	case errors.As(err, &notPublished):
		return judgeUnpublished(f, retry, random)
	case errors.Is(err, watcher.ErrBusy), errors.Is(err, watcher.ErrChanged), isMissingSource(err):
		return verdict{action: replan}
	}
	if remoteErr, ok := errors.AsType[*remote.Error](err); ok { // else the local side: a file that cannot be read, a full disk under the store
		switch kind := remoteErr.Kind; {
		case kind == remote.Root, kind == remote.DiskFull, f.full && isRefusedUpload(err):
			return verdict{action: pause}
		case kind == remote.Transient && !alive:
			// A file that loses the connection whenever it is sent must not keep others from theirs.
			v := verdict{action: again}
			if f.lost >= lossesBeforeWaiting {
				v.wait = backoff(retry, f.lost-1, random)
			}
			return v
		case isRefusedForGood(kind, f.alike) && f.resumed && !f.anew && isOfUpload(remoteErr.Op):
			return verdict{action: anew} // it may be to go on that the server refuses
		case kind == remote.Exists, isRefusedForGood(kind, f.alike):
			return verdict{action: setAside, phase: state.Parked}
		case kind == remote.Integrity && f.mismatches >= corruptionsBeforeHolding:
			return verdict{action: hold, phase: state.Held}
		}
	}
	if retry.GiveUpAfter > 0 && f.failing > retry.GiveUpAfter {
		return verdict{action: setAside, phase: state.Parked}
	}
	return verdict{action: later, wait: backoff(retry, f.times, random)}
}

// isRefusedForGood tells whether the n-th refusal of a kind is one too many.
func isRefusedForGood(kind remote.Kind, n int) bool {
	switch kind {
	case remote.Unsupported:
		return true
	case remote.Refused:
		return n >= refusalsBeforeParking
	case remote.Permission:
		return n >= permissionsBeforeParking
	}
	return false
}

// isOfUpload tells whether an operation is one of those of which an upload is made.
func isOfUpload(op string) bool { return op == "put" || op == "stat" || op == "sync" || op == "close" }

// mayBeOfAll tells whether a refusal may have nothing to do with its file.
func mayBeOfAll(err error) bool {
	e, ok := errors.AsType[*remote.Error](err)
	return ok && (e.Kind == remote.Refused || e.Kind == remote.Permission) && (e.Op == "put" || e.Op == "mkdir")
}

// judgeUnpublished decides about a verified temp that was gone, or not what was verified, when it was to be published. The
// first time it is sent again at once.
func judgeUnpublished(f failed, retry Retry, random *rand.Rand) verdict {
	switch {
	case f.mismatches >= corruptionsBeforeHolding:
		return verdict{action: hold, phase: state.Held}
	case retry.GiveUpAfter > 0 && f.failing > retry.GiveUpAfter:
		return verdict{action: setAside, phase: state.Parked}
	case f.times > 1:
		return verdict{action: sendAgain, wait: backoff(retry, f.times-1, random)}
	}
	return verdict{action: sendAgain}
}

// isMissingSource tells whether it is the local file that is gone.
func isMissingSource(err error) bool {
	var remoteErr *remote.Error
	return errors.Is(err, fs.ErrNotExist) && !errors.As(err, &remoteErr)
}

// nextTemp returns the temp for an intent's next generation: the same name with the next number, so that it was never used
// before. It returns "" for a name that is not an intent's temp, as where a file is written at its final name.
func nextTemp(temp, id string) string {
	dir, base := path.Split(temp)
	name, ours := strings.CutSuffix(base, "."+id+file.TempSuffix)
	name, private := strings.CutPrefix(name, ".")
	if !ours || !private {
		return ""
	}
	generation := 1
	if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
		if n, err := strconv.Atoi(name[dot+1:]); err == nil && n > 0 && n < math.MaxInt32 {
			name, generation = name[:dot], n
		}
	}
	number := "." + strconv.Itoa(generation+1)
	most := len(file.PrivateName(strings.Repeat("x", 256), "", "")) - len("..") // of a name in a private one
	return dir + file.PrivateName(name[:min(len(name), most-len(number))]+number, id, file.TempSuffix)
}
