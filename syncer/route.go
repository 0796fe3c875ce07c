package syncer

import (
	"context"
	"io/fs"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/watcher"
)

// After says what becomes of a source that every destination has.
type After string

// What can become of it.
const (
	Keep    After = "keep"
	Archive After = "archive"
	Delete  After = "delete"
)

// Folder is the syncer's view of a watched folder: how its files are named, delivered and put away.
type Folder struct {
	Name  string
	Root  string // operating system's path
	After After
	// ArchivePath returns where a file is archived, an operating system's path; used with After == Archive.
	ArchivePath   func(p file.Path, at time.Time) string
	Verify        remote.Demand
	Mirror        bool          // the remote tree follows the local one
	FollowLinks   bool          // links are followed that lead to a place in the folder
	FileMode      fs.FileMode   // permissions of delivered files; 0 leaves them to the server
	Deletes       bool          // what has left the folder is removed at the destination
	DeleteDelay   time.Duration // between the complete scans that do not find a file any more; with Deletes, as are the next two
	MaxDelete     int           // with more files missing nothing is removed, and the folder halts
	TrashKeep     time.Duration // how long removed files stay in the trash
	OnConflict    OnConflict
	HoldAmbiguous bool // a temp that vanished in a crash is held, not taken for delivered
	Retry         Retry
	Routes        []Route
	// A long upload can go on from a checkpoint, which is due after so many bytes or so much time; 0 is never.
	CheckpointBytes int64
	CheckpointEvery time.Duration
	Delta           Delta
	grownFrom       int64 // what leastGrown is for this folder; 0: that
	// Marker returns the marker of a file, which leaves the folder with it; nil where there are none. SharedMarkers tells that
	// files whose names differ in the extension alone have the same.
	Marker        func(file.Path) file.Path
	SharedMarkers bool
	// Order says how files take turns.
	Order Order
	// Unsettled calls yield with each file that is settling, until it returns false; yield must not take long. nil: there is
	// none.
	Unsettled func(yield func(watcher.Entry) bool)
	// Survey looks through a directory: see watcher.Watcher.Survey. nil: nothing is there but what is planned.
	Survey func(ctx context.Context, below file.Path, yield func(watcher.Entry) bool) error
	// Hint asks the folder's watcher to look at a path again. It must not block.
	Hint func(file.Path)
	// Rescan asks it to scan soon. It must not block; nil: nobody heeds it.
	Rescan func()
	// Complete is the watcher's method of that name: see watcher.Watcher.Complete. nil: nobody waits for files.
	Complete func(file.Path)
	// Stuck is the watcher's method, which tells of files that have not become ready for long; nil: nobody knows.
	Stuck func(after time.Time, most int) watcher.Stuck
}

// Route is one folder's way to one destination.
type Route struct {
	Destination string
	// RemotePath returns the final path of a file, from the moment when it was ready.
	RemotePath func(p file.Path, at time.Time) string
	Trash      string // remote directory that removed files go to, or have gone to as long as any were removed; "" removes at once
	Publishing
}

// Retry bounds the patience with failures.
type Retry struct {
	Initial     time.Duration // longest wait after the first failure
	Max         time.Duration // longest wait ever
	GiveUpAfter time.Duration // a file that fails for so long, while its destination is usable, is parked
}

func (f *Folder) route(destination string) (Route, bool) {
	for _, r := range f.Routes {
		if r.Destination == destination {
			return r, true
		}
	}
	return Route{}, false
}

// real returns where something of the folder lies, if it is reached through links.
func (f *Folder) real(p file.Path) file.Path {
	if !f.FollowLinks {
		return p
	}
	return watcher.Real(f.Root, p)
}

func (f *Folder) destinations() []string {
	names := make([]string, len(f.Routes))
	for i, r := range f.Routes {
		names[i] = r.Destination
	}
	return names
}

// endsStory tells whether a file's story ends when it leaves the folder.
func (f *Folder) endsStory() bool { return f.After != Keep }

// demand is how much evidence a delivery needs. Nothing is deleted on the strength of a size, unless that was written
// explicitly.
func (f *Folder) demand() remote.Demand {
	if f.After == Delete && f.Verify == remote.Auto {
		return remote.Content
	}
	return f.Verify
}
