package syncer

import (
	"context"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
)

// operationStore is what the links need of the state for what moves no bytes.
type operationStore interface {
	DueOperations(ctx context.Context, destination string, now time.Time, limit int, skip map[string]bool) ([]state.Operation, error)
	NextOperation(ctx context.Context, destination string, now time.Time) (time.Time, bool, error)
	BegunDirs(ctx context.Context, destination string) ([]state.Operation, error)
	BeginOperation(ctx context.Context, id, trash string) (bool, error)
	FailOperation(ctx context.Context, id, why string, next time.Time) error
	DropOperation(ctx context.Context, id string) error
	NameInUse(ctx context.Context, r state.Route, p file.Path, remotePath string) (bool, error)
	Removed(ctx context.Context, o *state.Operation, r state.Removal) error
	Forgotten(ctx context.Context, o *state.Operation) error
	DirMade(ctx context.Context, o *state.Operation, dev uint64) error
	DirGone(ctx context.Context, o *state.Operation) error
	HoldsOurs(ctx context.Context, r state.Route, dir file.Path) (bool, error)
	TrashedAt(ctx context.Context, destination, remotePath string) (state.Trashed, bool, error)
}

// cycleStore is what planners need of it for what has left a mirror.
type cycleStore interface {
	NoteMissing(ctx context.Context, folder, scan string, all []state.Absent) error
	ConfirmMissing(ctx context.Context, folder, scan string, at time.Time, complete bool) error
	SeenAgain(ctx context.Context, folder string, paths []file.Path) (int, error)
	MissingSince(ctx context.Context, folder string, p file.Path, dir bool) (time.Time, bool, error)
	CountMissing(ctx context.Context, folder string, destinations []string, before time.Time) (state.Missing, error)
	RipeFiles(ctx context.Context, folder string, destinations []string, before time.Time, after file.Path, limit int) ([]state.Known, error)

	Dirs(ctx context.Context, folder string) ([]state.Dir, error)
	SaveDirs(ctx context.Context, all []state.Dir) error
	ForgetDirs(ctx context.Context, all []state.Dir) error
	RipeDirs(ctx context.Context, folder string, before time.Time) ([]state.Dir, error)
	NextDir(ctx context.Context, folder string, before time.Time) (time.Time, bool, error)
	NextExpiry(ctx context.Context, folder string, after time.Time) (time.Time, bool, error)
	Expired(ctx context.Context, folder string, before time.Time, limit int) ([]state.Trashed, error)
	PlanOperations(ctx context.Context, all []state.Operation) error
	RetireOperations(ctx context.Context, folder string, destinations []string) error
	OperationsOf(ctx context.Context, folder string, p file.Path) ([]state.Operation, error)

	HaltOf(ctx context.Context, folder string) (state.Halt, bool, error)
	SetHalt(ctx context.Context, h state.Halt) (fresh bool, err error)
	ClearHalt(ctx context.Context, folder string) (bool, error)
	AcceptDeletes(ctx context.Context, folder string, n int) (bool, error)
	EndHalting(ctx context.Context, folder string) error
	rootReader
	SaveRoot(ctx context.Context, r state.Root) error
	MarkOf(ctx context.Context, folder, root string) (state.Mark, bool, error)
	SaveMark(ctx context.Context, m state.Mark) error
}
