package syncer

import (
	"context"
	"io"
	"io/fs"
	"iter"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// Store is what the syncer needs of the state.
type Store interface {
	Walk(ctx context.Context, folder string) iter.Seq2[state.Record, error]
	Lookup(ctx context.Context, folder string, p file.Path) (state.Record, error)
	LastPublished(ctx context.Context, destination, remotePath string) (state.Delivery, bool, error)

	Plan(ctx context.Context, plans []state.Plan) ([]state.PlanResult, error)
	Intent(ctx context.Context, id string) (state.Intent, bool, error)
	Alike(ctx context.Context, route state.Route, size int64, inode uint64, limit int) ([]state.Known, error)
	SizedLike(ctx context.Context, destination string, size int64, limit int) ([]state.Delivery, error)
	SetMovedFrom(ctx context.Context, id string, from file.Path) (bool, error)
	Drop(ctx context.Context, id string) (bool, error)
	Lift(ctx context.Context, id string) (bool, error)
	Forget(ctx context.Context, folder string, paths []file.Path) error
	Renumber(ctx context.Context, folder string, all []state.Numbered) error
	RenumberBelow(ctx context.Context, folder string, dir file.Path, was, now uint64) error

	Due(ctx context.Context, destination string, now time.Time, limit int, skip map[string]bool) ([]state.Intent, error)
	DueSmall(ctx context.Context, destination string, now time.Time, most int64, limit int, skip map[string]bool) ([]state.Intent, error)
	NextDue(ctx context.Context, destination string, now time.Time) (time.Time, bool, error)
	Paused(ctx context.Context, route state.Route) (bool, error)
	PausedAt(ctx context.Context, destination string) ([]string, error)
	MayBegin(ctx context.Context, id string, route state.Route) (bool, error)
	DuePlaced(ctx context.Context, route state.Route, now time.Time, limit int, skip map[string]bool) ([]state.Intent, error)
	DueLast(ctx context.Context, route state.Route, g state.Group, now time.Time, limit int, skip map[string]bool) ([]state.Intent, error)
	Line(ctx context.Context, route state.Route, o state.Ordered, from *state.Group, look func(*state.Group) bool) (state.Line, error)
	Ahead(ctx context.Context, route state.Route, o state.Ordered, kind int, dir file.Path) (*state.Intent, error)
	WalkBelow(ctx context.Context, folder string, dir file.Path) iter.Seq2[state.Record, error]
	Begin(ctx context.Context, id string, at time.Time) error
	Checkpoint(ctx context.Context, id string) (state.Checkpoint, bool, error)
	SaveCheckpoint(ctx context.Context, id string, p state.Checkpoint) (bool, error)
	DropCheckpoint(ctx context.Context, id string) error
	Retemp(ctx context.Context, id, temp string, patched bool) (bool, error)
	SaveIndex(ctx context.Context, sum, data []byte, at, until time.Time, replaces []byte) error
	Index(ctx context.Context, sum []byte) (data []byte, found bool, err error)
	SendWhole(ctx context.Context, route state.Route, p file.Path, w state.Whole) error
	Whole(ctx context.Context, route state.Route, p file.Path, now time.Time) (w state.Whole, is bool, err error)
	Commit(ctx context.Context, id string, proof state.Proof) (bool, error)
	Deliver(ctx context.Context, id string, d state.Deliver) (bool, error)
	Adopt(ctx context.Context, id string, k state.Known) (bool, error)
	Unchanged(ctx context.Context, id string, fp file.Fingerprint, racy bool) (bool, error)
	Fail(ctx context.Context, id string, f state.Failure) error
	Release(ctx context.Context, id string) (bool, error)
	ReleaseAs(ctx context.Context, id, final, temp string) (ok bool, other string, err error)
	SaveUnfinished(ctx context.Context, destination, remotePath string, size int64) error
	ClearUnfinished(ctx context.Context, destination, remotePath string) error
	Unfinished(ctx context.Context, destination, remotePath string) (size int64, found bool, err error)
	KnownUnder(ctx context.Context, destination, remotePath string) (k state.Known, found bool, err error)

	Ended(ctx context.Context, folder string, limit int) ([][]state.Intent, error)
	VersionEnded(ctx context.Context, version string) ([]state.Intent, bool, error)
	SaveArchived(ctx context.Context, version, path string) error
	CloseVersion(ctx context.Context, version string, forget bool) error

	BlockOf(ctx context.Context, destination string) (state.Block, bool, error)
	SetBlock(ctx context.Context, b state.Block) error
	ClearBlock(ctx context.Context, destination string) error
	WaitOf(ctx context.Context, destination string) (state.Wait, bool, error)
	SetWait(ctx context.Context, w state.Wait) error
	ClearWait(ctx context.Context, destination string) (bool, error)
	BringForward(ctx context.Context, destination string, latest time.Time) (int, error)
	Room(least int64) error

	Sweeps(ctx context.Context, destination string, limit int) ([]state.Sweep, error)
	DueSweeps(ctx context.Context, destination string, now, latest time.Time, limit int) ([]state.Sweep, error)
	Swept(ctx context.Context, ids []string) error
	SweepFailed(ctx context.Context, id string, next time.Time) error
	SweepLater(ctx context.Context, sweeps []state.Sweep, at time.Time) error
	SaveAside(ctx context.Context, a state.Aside) error
	Asides(ctx context.Context, destination string) ([]state.Aside, error)
	ClearAside(ctx context.Context, destination, name string, sweep bool) error
	Capabilities(ctx context.Context, destination, identity string) ([]byte, bool, error)
	SaveCapabilities(ctx context.Context, destination, identity string, json []byte) error
	Rates(ctx context.Context, destination string) ([]state.Rate, error)
	SaveRates(ctx context.Context, destination string, all []state.Rate) error

	operationStore
	cycleStore
	collisionStore
}

// Session is what the syncer needs of a live connection: *remote.Session, but for tests.
type Session interface {
	Done() <-chan struct{}
	Err() error
	Close()
	HostKey() string
	RoundTrip() time.Duration

	CheckRoot(ctx context.Context) error
	CheckWrites(ctx context.Context) error
	Identity() string
	Capabilities() remote.Capabilities
	OpenFiles() int
	Use(c remote.Capabilities)
	Probe(ctx context.Context, now time.Time) (remote.Capabilities, error)
	Noting(note func(names []string) (done func(), err error))

	Stat(ctx context.Context, name string) (remote.Info, error)
	Hash(ctx context.Context, name string, size int64) (sum []byte, command string, err error)
	ReadBack(ctx context.Context, name string) ([]byte, error)
	Limit() int64
	ForeseePatch(size int64)
	Patch(ctx context.Context, p remote.Patch, src io.ReaderAt) (written int64, err error)
	Copy(ctx context.Context, from, temp string, size int64) error
	Upload(ctx context.Context, u remote.Upload, src io.Reader) (sum []byte, err error)
	Fits(ctx context.Context, name string, size int64) error
	SetModTime(ctx context.Context, name string, at time.Time) error
	SetMode(ctx context.Context, name string, mode fs.FileMode) error
	Verify(ctx context.Context, name string, size int64, sum []byte, demand remote.Demand) (remote.Info, remote.Evidence, error)
	Publish(ctx context.Context, temp, final string, replace bool) error
	Remove(ctx context.Context, name string) error
	MakeDir(ctx context.Context, dir string) error
	Rmdir(ctx context.Context, name string) error
}

// Destination is the syncer's view of a configured server.
type Destination struct {
	Name string
	Dial func(ctx context.Context) (Session, error)
	// Account returns a keyed fingerprint of the account's secrets and of the settings that reach it: another one is
	// worth another attempt to log in. nil: a refused login is not remembered.
	Account func() string
	// Trust tells which host keys are accepted from time to time: another value is worth another dial where one was not. nil:
	// only time and a person tell.
	Trust func() string
	// Secrets returns what is wrong with the account's secrets here, before any word to the server. nil: Dial tells.
	Secrets func() error
	// NeverProbe leaves a refused login to a person: it is not tried again by itself.
	NeverProbe bool
	// Schedule is when it may be used.
	Schedule Schedule
	// Transfers is how many files are under way at once, of all folders; 0 is any number.
	Transfers int
	// MaxAge is how long a session stands at most, but for what is under way then; 0 is for ever.
	MaxAge time.Duration
}
