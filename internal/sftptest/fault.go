package sftptest

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/pkg/sftp"
)

// Operations that a Fault can name. SFTP's FSTAT counts as stat and FSETSTAT as setstat: pkg/sftp's request server does
// not tell them apart.
const (
	OpOpen        = "open"
	OpRead        = "read"
	OpWrite       = "write"
	OpClose       = "close"
	OpStat        = "stat"
	OpLstat       = "lstat"
	OpSetstat     = "setstat"
	OpList        = "list"
	OpMkdir       = "mkdir"
	OpRmdir       = "rmdir"
	OpRemove      = "remove"
	OpRename      = "rename"
	OpPosixRename = "posix-rename"
	OpHardlink    = "hardlink"
	OpSymlink     = "symlink"
	OpReadlink    = "readlink"
	OpRealPath    = "realpath"
	OpFsync       = "fsync"
	OpStatVFS     = "statvfs"
	OpLimits      = "limits"
	OpCheckFile   = "check-file"
	OpCopy        = "copy-data"
	OpExec        = "exec"
)

// Answers for Fault.Err, by their names in SFTP. Any other error becomes FAILURE with the error's text;
// fs.ErrNotExist and fs.ErrPermission become the codes that clients expect for them.
var (
	NoSuchFile       = error(sftp.ErrSSHFxNoSuchFile)
	PermissionDenied = error(sftp.ErrSSHFxPermissionDenied)
	Failure          = error(sftp.ErrSSHFxFailure)
	Unsupported      = error(sftp.ErrSSHFxOpUnsupported)
)

// Status returns an answer with any status code, for servers that go beyond version 3's eight: 11 is
// FILE_ALREADY_EXISTS.
func Status(code uint32) error { return sameType(sftp.ErrSSHFxFailure, code) }

// sameType converts code to the type of like, which pkg/sftp does not export.
func sameType[T interface {
	~uint32
	error
}](_ T, code uint32) error {
	return T(code)
}

// Fault is one line of a server's fault table: which calls it meets, and what happens to them. The constructors, such
// as RefuseRename, make the usual ones; some of their effects have no exported field.
type Fault struct {
	Op   string // the operation, or several with commas between; "" is any
	Path string // glob on the base name, or on the whole path if it has a "/"; "" is any. A rename matches by either name

	After int // how many matching calls pass first
	Times int // how many calls it then meets; 0 is all

	// What happens, in this order, before the operation is carried out or, if Late, after it and before the reply.
	Late  bool
	Delay time.Duration
	Hang  bool   // no reply until the connection or the server ends, or the table is cleared
	Do    func() // anything else, in the goroutine that serves the call
	Cut   bool   // the client's connection is cut instead of a reply
	Err   error  // the reply

	effect effect
	bytes  int64
	text   string // an extension's name, or a directory
}

// On limits the fault to the paths that match glob.
func (t Fault) On(glob string) Fault { t.Path = glob; return t }

// Once limits the fault to one call.
func (t Fault) Once() Fault { t.Times = 1; return t }

// Skip lets n matching calls pass first.
func (t Fault) Skip(n int) Fault { t.After = n; return t }

// matches tells whether the fault speaks of this call. target is "" but for renames and links.
func (t Fault) matches(op, name, target string) bool {
	if t.Op != "" && !slices.Contains(strings.Split(t.Op, ","), op) {
		return false
	}
	return t.matchesPath(name) || (target != "" && t.matchesPath(target))
}

func (t Fault) matchesPath(name string) bool {
	if t.Path == "" {
		return true
	}
	if !strings.Contains(t.Path, "/") {
		name = path.Base(name)
	}
	ok, err := path.Match(t.Path, name)
	return ok && err == nil
}

// errCut is the reply that nobody gets: the connection has been cut.
var errCut = errors.New("connection cut by a fault")

// apply lets the fault happen. cleared ends a hang, ctx ends with the client's connection.
func (t Fault) apply(ctx context.Context, cut func(), cleared <-chan struct{}) error {
	if t.Delay > 0 {
		if err := sleep(ctx, t.Delay); err != nil {
			return err
		}
	}
	if t.Hang {
		select {
		case <-cleared:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if t.Do != nil {
		t.Do()
	}
	if t.Cut {
		cut()
		return errCut
	}
	return t.Err
}
