package sftptest

import "time"

// effect is what a fault does beyond an error, a delay or a cut. Most are part of a call that meets the fault; standing
// ones are properties of the server, and are not counted.
type effect int

const (
	noEffect effect = iota
	diskFull
	loseWrite
	corruptWrite
	shortRead
	endOfFile
	overwrite
	ignoreExclusive
	vanish
	discard
	wrongDigest
	refuseResume
	shortCopy
	wrongCopy

	firstStanding
	hideExtension
	maxWrite
	maxOpen
	maxInFlight
	mixReplies
	refuseStat
	writesInTurn
)

func (e effect) standing() bool { return e > firstStanding }

// Refuse answers the operation with err.
func Refuse(op string, err error) Fault { return Fault{Op: op, Err: err} }

// RefuseRename denies plain renames and posix-renames alike.
func RefuseRename() Fault { return Refuse(OpRename+","+OpPosixRename, PermissionDenied) }

// RefusePosixRename announces posix-rename and then does not do it.
func RefusePosixRename() Fault { return Refuse(OpPosixRename, Unsupported) }

// NoPosixRename is a server without the extension.
func NoPosixRename() Fault { return NoExtension(extPosixRename) }

// NoFsync is a server without the extension.
func NoFsync() Fault { return NoExtension(extFsync) }

// NoStatVFS is a server that does not tell its free space.
func NoStatVFS() Fault { return NoExtension(extStatVFS) }

// NoExtension is a server that neither announces nor answers an extension. Sessions that are open already have read
// the announcement.
func NoExtension(name string) Fault { return Fault{effect: hideExtension, text: name} }

// OverwritingRename is a server whose plain rename replaces an existing target without a word.
func OverwritingRename() Fault { return Fault{Op: OpRename, effect: overwrite} }

// IgnoreExclusive is a server that truncates an existing file although it was told to create a new one.
func IgnoreExclusive() Fault { return Fault{Op: OpOpen, effect: ignoreExclusive} }

// VanishOnRename is a partner who takes a file the moment it has its final name. The file goes to the local directory
// into, on the same file system, under its base name; with "" it is removed.
func VanishOnRename(into string) Fault {
	return Fault{Op: OpRename + "," + OpPosixRename, effect: vanish, text: into}
}

// RefuseResume is a server that does not open a file for writing unless it is emptied.
func RefuseResume() Fault { return Fault{Op: OpOpen, effect: refuseResume} }

// LoseReply carries the operation out and cuts the connection before its reply, once.
func LoseReply(op string) Fault { return Fault{Op: op, Late: true, Cut: true, Times: 1} }

// CutOn cuts the connection instead of carrying the operation out, once.
func CutOn(op string) Fault { return Fault{Op: op, Cut: true, Times: 1} }

// HangOn never answers the operation, until the connection or the server ends or the table is cleared. The request
// server answers in order, so all that a session asks later waits too, as with a hanging sftp-server.
func HangOn(op string) Fault { return Fault{Op: op, Hang: true} }

// SlowAcks holds back each acknowledgement of a write, once it is written.
func SlowAcks(d time.Duration) Fault { return Fault{Op: OpWrite, Late: true, Delay: d} }

// RefuseSetstat denies all changes of attributes.
func RefuseSetstat() Fault { return Refuse(OpSetstat, PermissionDenied) }

// DiscardOnSetstat denies changes of attributes, and removes the file for which they were asked.
func DiscardOnSetstat() Fault { return Fault{Op: OpSetstat, effect: discard} }

// RefuseStatAfterClose denies stat and lstat of a file that was written and closed, under later names too.
func RefuseStatAfterClose() Fault { return Fault{effect: refuseStat} }

// DiskFullAfter lets n bytes be written in all. The write that goes beyond lands in part and is answered FAILURE, as is
// each one after it; a copy lands in part and is answered OK, as by OpenSSH. statvfs tells what is left. Clear makes room.
func DiskFullAfter(n int64) Fault {
	return Fault{Op: OpWrite + "," + OpCopy, effect: diskFull, bytes: n}
}

// Lose acknowledges writes without writing, as often as times says; 0 is always.
func Lose(glob string, times int) Fault {
	return Fault{Op: OpWrite, Path: glob, Times: times, effect: loseWrite}
}

// Corrupt changes the first byte of writes, as often as times says; 0 is always.
func Corrupt(glob string, times int) Fault {
	return Fault{Op: OpWrite, Path: glob, Times: times, effect: corruptWrite}
}

// ShortReads answers each read with at most n bytes. Every client must ask again for the rest.
func ShortReads(n int64) Fault { return Fault{Op: OpRead, effect: shortRead, bytes: n} }

// EndReadsAt lets files seem to end at n bytes when they are read, whatever stat says.
func EndReadsAt(n int64) Fault { return Fault{Op: OpRead, effect: endOfFile, bytes: n} }

// OneOpenFile lets a connection have one file open at a time; more are PERMISSION_DENIED.
func OneOpenFile() Fault { return MaxOpenFiles(1) }

// MaxOpenFiles lets a connection have n files open at a time; more are PERMISSION_DENIED.
func MaxOpenFiles(n int) Fault { return Fault{effect: maxOpen, bytes: int64(n)} }

// MaxInFlight cuts the connection when a client has more than n requests under way. A server that answers at once hardly
// sees them together: a delay of what is asked makes sure.
func MaxInFlight(n int) Fault { return Fault{effect: maxInFlight, bytes: int64(n)} }

// WritesInTurn answers FAILURE to a WRITE that comes while another one to the file is not answered. A server that answers at
// once hardly sees them together: slow acknowledgements make sure.
func WritesInTurn() Fault { return Fault{effect: writesInTurn} }

// MixReplies answers LSTATs that are under way together with each other's replies.
func MixReplies() Fault { return Fault{effect: mixReplies} }

// WrongDigest answers check-file requests with the digest of something else, as often as times says; 0 is always.
func WrongDigest(glob string, times int) Fault {
	return Fault{Op: OpCheckFile, Path: glob, Times: times, effect: wrongDigest}
}

// MaxWrite cuts the connection when a WRITE carries more than n bytes.
func MaxWrite(n int64) Fault { return Fault{effect: maxWrite, bytes: n} }
