// Package watcher tells the truth about one local folder: which files stand in it, which of them are complete, and when
// that was last known for certain.
//
// Three sources feed it. Kernel events are hints: they say where to look and are believed in nothing else. Settling keeps
// a file back until it has been quiet for its quiet time, two stats of it agree and no writer has it open. A scan walks
// the whole folder and is the only source that can tell that something is gone.
//
// Everything is read by descending from the root, directory by directory, without following links; where the rules want
// links followed, it is the watcher that resolves them, and never to a place outside. What is reported lies in the
// folder, and what is opened for sending is what was reported.
package watcher

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/dropferry/dropferry/file"
)

// Ways to learn of changes: see Rules.Watch.
const (
	WatchAuto   = "auto"   // events, and polling where they cannot be relied on
	WatchEvents = "events" // events; polling only where a directory cannot be watched
	WatchPoll   = "poll"   // polling only
)

// When a file is complete: see Rules.Ready.
const (
	ReadyStable = "stable" // it has been quiet for its quiet time
	ReadyMarker = "marker" // another file says so: see Rules.Marker
	ReadyRename = "rename" // as soon as it is seen: it is made elsewhere, or under a name that is left out, and renamed
)

// What becomes of symbolic links: see Rules.Symlinks.
const (
	SymlinksSkip   = "skip"          // none is followed
	SymlinksInside = "follow-inside" // those that lead to something in the folder are, under the link's name
)

// Defaults of Rules.
const (
	DefaultRescan = time.Hour
	DefaultPoll   = time.Minute
)

// Rules say what belongs to a folder and when it is looked at.
type Rules struct {
	Name string // of the folder, for errors
	Root string // the operating system's path; need not exist yet
	// Include and Exclude are globs. One without "/" matches the base name at any depth, one with "/" the whole path
	// relative to the root, where "**" stands for any number of directories. What lies in an excluded directory is
	// excluded. With no Include all files are included. The names that IsTemporary knows are always excluded. Case
	// does not count on Windows.
	Include, Exclude []string
	// StableFor is the quiet time. 0 chooses for each file: 2 s where writers can be asked for, 10 s where they cannot,
	// 30 s on a network or FUSE file system.
	StableFor time.Duration
	Ready     string // one of the ways above; "" is ReadyStable
	Marker    string // with ReadyMarker: how a file's marker is called, in the same directory; see MarkerOf
	// SendMarkers has markers reported as files too. They are ready when they have been quiet, like those of other folders.
	SendMarkers bool
	Symlinks    string        // one of the ways above; "" is SymlinksSkip
	Rescan      time.Duration // between regular scans, 25 % more or less; 0 is DefaultRescan
	Watch       string        // one of the ways above; "" is WatchAuto
	Poll        time.Duration // between scans where hints cannot be relied on; 0 is DefaultPoll
}

// Watcher watches one folder. Hint, Rescan, Explain and Waiting may be called at any time from anywhere; of Run, Scan and
// Settle, one at a time.
type Watcher struct {
	rules  Rules
	match  *matcher
	marker marker
	log    *slog.Logger
	now    func() time.Time
	tempo  tempo
	// The system's side, which tests put their own in place of.
	notify func(root string, hints *dirty) (notifier, error)
	kindOf func(*dir) fileSystem
	mounts func(root string) (mountTable, error)
	// isAnother tells whether what is found under a path has another spelling of it for its name.
	isAnother func(file.Path) bool

	dirty    *dirty
	settling *settling

	running     sync.Mutex            // held by Run, Scan and Settle; guards what follows
	fileSystems map[uint64]fileSystem // by device
	clocks      *clocks
	trust       *trust
	links       *links
	used        usedMarkers
	mounted     bool         // the root was a mount point when last seen
	inside      mountTable   // file systems mounted in the folder, when last seen or before
	lost        lostMounts   // of those, the ones that are not mounted any more
	memory      Mounts       // nil: nothing is kept in mind
	recalled    bool         // what memory has is in inside
	mounting    *mountEvents // while the Watcher is at work
	unsaved     bool         // memory lacks a mount that was seen
	unsure      error        // why what was mounted before is not known
	home        identity     // of the root that was scanned before; zero before the first
	rootOn      fileSystem   // where the root lies, by the last scan
	progress    progress

	telling sync.Mutex // guards what follows
	status  Status
	told    bool // of any status
}

var errRunning = errors.New("already at work")

// New returns a Watcher for the folder that rules describe. The folder need not exist. It fails on an invalid pattern, an
// unknown way to watch, and where the root's absolute path cannot be told. log should name the folder; nil is silent.
func New(rules Rules, log *slog.Logger) (*Watcher, error) {
	match, err := newMatcher(rules, foldNames)
	if err != nil {
		return nil, fmt.Errorf("folder %s: %w", rules.Name, err)
	}
	if rules.Root == "" {
		return nil, fmt.Errorf("folder %s: no root", rules.Name)
	}
	rules.Root, err = filepath.Abs(rules.Root)
	if err != nil {
		return nil, fmt.Errorf("folder %s: %w", rules.Name, err)
	}
	switch rules.Watch {
	case "":
		rules.Watch = WatchAuto
	case WatchAuto, WatchEvents, WatchPoll:
	default:
		return nil, fmt.Errorf("folder %s: watch = %q: want auto, events or poll", rules.Name, rules.Watch)
	}
	marker, err := checkWays(&rules)
	if err != nil {
		return nil, fmt.Errorf("folder %s: %w", rules.Name, err)
	}
	if rules.Rescan <= 0 {
		rules.Rescan = DefaultRescan
	}
	if rules.Poll <= 0 {
		rules.Poll = DefaultPoll
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Watcher{
		rules: rules, match: match, marker: marker, log: log, now: time.Now, tempo: defaultTempo(),
		notify: newNotifier, kindOf: (*dir).fileSystem, mounts: readMounts,
		dirty: newDirty(), settling: newSettling(marker), fileSystems: map[uint64]fileSystem{}, clocks: newClocks(),
		trust: &trust{}, links: newLinks(),
		isAnother: func(p file.Path) bool { return file.NewSpelling().IsAnother(rules.Root, p) },
	}, nil
}

// checkWays fills in and checks how the rules want files to be complete and links to be treated.
func checkWays(rules *Rules) (marker, error) {
	rules.Ready = cmp.Or(rules.Ready, ReadyStable)
	rules.Symlinks = cmp.Or(rules.Symlinks, SymlinksSkip)
	if rules.Symlinks != SymlinksSkip && rules.Symlinks != SymlinksInside {
		return marker{}, fmt.Errorf("symlinks = %q: want skip or follow-inside", rules.Symlinks)
	}
	switch rules.Ready {
	case ReadyStable, ReadyRename:
		return marker{}, nil
	case ReadyMarker:
		if rules.Symlinks == SymlinksInside {
			return marker{}, errors.New("symlinks are not followed where markers are waited for")
		}
		return newMarker(rules.Marker, foldNames)
	}
	return marker{}, fmt.Errorf("ready = %q: want stable, marker or rename", rules.Ready)
}

// descend opens the folder, and follows links where the rules say so.
func (w *Watcher) descend() (*descent, error) {
	way, err := descend(w.rules.Root)
	if err == nil {
		way.follow = w.rules.Symlinks == SymlinksInside
	}
	return way, err
}

// Hint asks to look at p again soon. It never blocks.
func (w *Watcher) Hint(p file.Path) { w.dirty.add(p.In(w.rules.Root), 0) }

// Rescan asks for a scan soon. It never blocks.
func (w *Watcher) Rescan() { w.dirty.askRescan() }

// Waiting returns the files that are settling now, in order of path.
func (w *Watcher) Waiting() []Entry { return w.settling.entries() }

// StuckAfter is how long a file may be unsettled before somebody should look: a program that never closes it, a marker
// that does not come. It is no error: the file is waited for all the same.
const StuckAfter = time.Hour

// Stuck tells of files that have been settling for longer than StuckAfter. There may be as many as the folder has files.
type Stuck struct {
	Count int
	First []Entry   // by path, no more than were asked for
	Last  time.Time // the latest Since of all
}

// Stuck returns the files that are stuck and have begun to settle after a moment, zero for all; of the first it shows most.
// See also Status.Stuck.
func (w *Watcher) Stuck(after time.Time, most int) Stuck {
	return w.settling.stuckSince(after, w.now().Add(-StuckAfter), most)
}
