// Package watcher tells the truth about one local folder: which files stand in it, which of them are complete, and when
// that was last known for certain.
//
// Three sources feed it. Kernel events are hints: they say where to look and are believed in nothing else. Settling keeps
// a file back until it has been quiet for its quiet time, two stats of it agree and no writer has it open. A scan walks
// the whole folder and is the only source that can tell that something is gone.
//
// Everything is read by descending from the root, directory by directory, without following links: what is reported
// lies in the folder, and what is opened for sending is what was reported.
package watcher

import (
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
	Rescan    time.Duration // between regular scans, 25 % more or less; 0 is DefaultRescan
	Watch     string        // one of the ways above; "" is WatchAuto
	Poll      time.Duration // between scans where hints cannot be relied on; 0 is DefaultPoll
}

// Watcher watches one folder. Hint, Rescan, Explain and Waiting may be called at any time from anywhere; of Run, Scan and
// Settle, one at a time.
type Watcher struct {
	rules Rules
	match *matcher
	log   *slog.Logger
	now   func() time.Time
	tempo tempo

	dirty    *dirty
	settling *settling

	running     sync.Mutex            // held by Run, Scan and Settle; guards what follows
	fileSystems map[uint64]fileSystem // by device
	mounted     bool                  // the root was a mount point when last seen
	status      Status
	told        bool // of any status
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
		rules: rules, match: match, log: log, now: time.Now, tempo: defaultTempo(),
		dirty: newDirty(), settling: newSettling(), fileSystems: map[uint64]fileSystem{},
	}, nil
}

// Hint asks to look at p again soon. It never blocks.
func (w *Watcher) Hint(p file.Path) { w.dirty.add(p.In(w.rules.Root), 0) }

// Rescan asks for a scan soon. It never blocks.
func (w *Watcher) Rescan() { w.dirty.askRescan() }

// Waiting returns the files that are settling now, in order of path.
func (w *Watcher) Waiting() []Entry { return w.settling.entries() }
