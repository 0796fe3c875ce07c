package watcher

import (
	"context"
	"iter"
	"time"

	"github.com/dropferry/dropferry/file"
)

// Kind is what stands at a path.
type Kind uint8

// The kinds. Links that are not followed, FIFOs, sockets, devices and markers are Other: they are shown with a reason and
// never opened.
const (
	File Kind = iota // a regular file
	Dir
	Other
)

// String returns "file", "directory" or "other".
func (k Kind) String() string {
	switch k {
	case File:
		return "file"
	case Dir:
		return "directory"
	default:
		return "other"
	}
}

// Entry is what was seen at one path of a folder.
type Entry struct {
	Path        file.Path
	Kind        Kind
	Fingerprint file.Fingerprint
	Seen        time.Time // the stat was taken then or later; decides whether the fingerprint is racy

	// Target is where a symbolic link at Path leads, in the same folder, "" where there is none. Kind and Fingerprint are
	// then those of the target.
	Target file.Path
	// Marker is the file that has made this one ready, "" where the rules want none. It is never reported as a file
	// itself. Where the source is taken away, so is its marker.
	Marker file.Path

	// Ready tells that a file has settled. Where it has not, Since is when that was first noticed, Until when it is
	// looked at again at the latest, and Reason "settling" (still in its quiet time), "changing" (seen to change),
	// "being written" (a writer has it open) or what it is waiting for. Directories are always ready, Other never is and
	// Reason says what it is.
	Ready  bool
	Since  time.Time
	Until  time.Time
	Reason string

	// Unmarked tells of a file that is not ready because its marker is not there, or does not count for it.
	Unmarked bool

	// Err tells that the place could not be read: everything at and under Path is unknown. It is not gone.
	Err error
}

// Completed returns e as it is when it is ready.
func (e Entry) Completed() Entry {
	e.Ready, e.Unmarked, e.Until, e.Reason = true, false, time.Time{}, ""
	return e
}

// Sink takes what a Watcher finds. Calls of Scan and Ready come one at a time, and are waited for; those of Status one at a
// time, too, but perhaps beside the others. None comes when Run, Scan or Settle has returned.
type Sink interface {
	// Scan takes the whole folder: every regular file, directory, Other and unreadable place that is not excluded, in
	// byte-wise order of Path; not the root itself. entries can be ranged over once. What is missing from it is gone
	// only if no Entry has an Err on it or on a directory above it.
	//
	// A scan that cannot be trusted as a whole, because the folder was replaced under it or ctx ended, has as its last
	// Entry, out of order, one with an empty Path and an Err: then nothing at all may be taken for gone.
	//
	// The slower Scan takes an entry, the longer the directory that holds it stays open. An error makes Run scan
	// again after a while.
	Scan(ctx context.Context, entries iter.Seq[Entry]) error
	// Ready takes files that have settled since the scan, in order of Path. A file may be handed over again without
	// having changed. An error makes Run hand them over again after a while.
	Ready(ctx context.Context, entries []Entry) error
	// Status is called whenever the status changes. It must not block.
	Status(Status)
}

// States of a Watcher.
const (
	Starting = "starting" // before the first scan
	Scanning = "scanning" // a scan is under way
	Watching = "watching" // hints come from the operating system
	Polling  = "polling"  // hints cannot be relied on: the whole folder is scanned every PollEvery
	Waiting  = "waiting"  // the root is missing or cannot be read; nothing is known and nothing is gone
	Hanging  = "hanging"  // the file system does not answer; likewise
)

// Status is the condition of a Watcher.
type Status struct {
	State     string        // one of the states above
	Reason    string        // a sentence for a person; empty where all is well
	LastScan  time.Time     // when the last scan ended; zero before the first
	Complete  bool          // whether the last scan saw everything
	Files     int           // in the last scan
	Settling  int           // files that are not ready
	Stuck     int           // of Settling, those that have been so for longer than StuckAfter: a person should be told
	Watches   int           // directories under watch
	Polling   bool          // the folder is scanned every PollEvery, besides whatever hints there are
	Polled    int           // directories that are looked at every PollEvery by themselves, since hints of them cannot be had or relied on
	PollEvery time.Duration // 0 where Polling is false and Polled is 0
	// Unreliable tells that a scan has found what hints should have told. The folder is scanned every PollEvery until
	// several scans in a row find nothing of the kind.
	Unreliable bool
}

// Summary is the result of one scan.
type Summary struct {
	Complete bool    // everything was read, and the root was the same before and after
	Files    int     // regular files that are not excluded
	Dirs     int     // directories that are not excluded, without the root
	Settling int     // of Files, those that are not ready
	Errors   []error // why it is not complete; at most 100, then one that counts the rest
	Started  time.Time
	Finished time.Time
}

// Explanation is what a Watcher knows of one path at the moment of asking.
type Explanation struct {
	Exists      bool
	Kind        Kind
	Fingerprint file.Fingerprint
	Excluded    string // the pattern that excludes it, or NotIncluded; empty where it is not excluded
	Settling    bool   // with Since, Until and Reason as in Entry
	Since       time.Time
	Until       time.Time
	Reason      string
	Unmarked    bool  // of Settling: as in Entry
	Err         error // it could not be looked at
}
