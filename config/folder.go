package config

import (
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // time zones for systems that have none of their own, such as Windows

	"github.com/bmatcuk/doublestar/v4"
)

// Folder is a watched local tree, with its rules.
type Folder struct {
	Name    string
	Mode    string   // outbox or mirror
	Path    string   // absolute
	Include []string // patterns; empty takes every file
	Exclude []string // patterns, those of [defaults] first
	Ready   string   // stable, marker or rename: when a file is complete
	Marker  string   // how a file's marker is called, with Ready "marker"; it holds {name} or {stem}
	// MarkerSend has markers sent too. Their pattern is among Last then.
	MarkerSend bool
	Symlinks   string        // skip or follow-inside
	StableFor  time.Duration // quiet time until a file is ready; 0 lets the watcher choose
	Rescan     time.Duration // from one scan to the next
	Order      string        // name, mtime or size: what goes first of what waits
	// Sequential wants strict order: one file at a time at each destination, and one that fails stops what is behind it.
	Sequential bool
	// Last are patterns of files that go when everything else below their directory is at the destination.
	Last      []string
	After     string // keep, archive or delete, once every destination has the file
	Archive   string // local path template for After "archive"; absolute; see ArchiveTemplate
	Verify    string // auto, size or content
	Ambiguous string // delivered or hold
	// OnConflict says what is done about somebody else's file at a final name: hold, overwrite or keep-both.
	OnConflict string
	Timezone   *time.Location // of the dates in templates
	Retry      Retry

	Checkpoint   Checkpoint
	Delta        string        // auto, off or always: a changed file is made at the server of what it has of it
	Watch        string        // auto, events or poll
	PollInterval time.Duration // between scans where events cannot be relied on
	FileMode     fs.FileMode   // permissions of delivered files; 0 leaves them to the server
	Names        Names         // how the names of files become names at the destinations
	To           []Target      // at least one; each destination at most once
	Expect       Expect        // by when files have to come
	Hooks        Hooks         // programs that run afterwards
	StalledAfter time.Duration // that a ready file may wait until people are told
	Was          *string       // the earlier name; nil without, "" says that it is a new one

	// Of a mirror: what is done about files that have left it.
	Delete      bool          // they are removed at the destinations
	DeleteDelay time.Duration // between the complete scans that do not find a file any more
	MaxDelete   int           // with more of them nothing is removed, and the folder waits for a person
	Trash       string        // remote directory that they go to, below the mirror's unless it begins with "/"; "" removes at once
	TrashKeep   time.Duration // how long they stay there

	Line int // of the table in the file, from 1
}

// Checkpoint says how often a long upload notes how far it has come, so that it can go on from there.
type Checkpoint struct {
	Size  int64         // bytes
	Every time.Duration // whichever comes first
}

// Retry spaces the attempts after failures.
type Retry struct {
	Initial     time.Duration // wait after the first failure
	Max         time.Duration // longest wait
	GiveUpAfter time.Duration // of a file's own failures, after which it is parked
}

// Target is one place that a folder delivers to; with the folder it makes a route.
type Target struct {
	Destination string
	Path        string // template after the colon; "" is the destination's root
}

// Template returns the target's path, for Destination.RemotePath. It does not fail for a target that was loaded.
func (t Target) Template() (Template, error) { return ParseTemplate(t.Path) }

// ArchiveTemplate returns where a delivered file goes. What it expands to has "/" between elements:
// filepath.FromSlash makes a local path of it. It does not fail for a folder that was loaded with an archive.
func (f *Folder) ArchiveTemplate() (Template, error) {
	return ParseTemplate(filepath.ToSlash(f.Archive))
}

// Modes of a folder.
const (
	Outbox = "outbox" // each version of each file is delivered once
	Mirror = "mirror" // the remote tree follows the local one
)

// What happens to a file once every destination has it.
const (
	Keep    = "keep"
	Archive = "archive"
	Delete  = "delete"
)

// builtInRules hold where neither the folder nor [defaults] says otherwise.
func builtInRules() Folder {
	return Folder{
		Mode:      Outbox,
		Exclude:   []string{".DS_Store", "Thumbs.db"},
		Ready:     ReadyStable,
		Symlinks:  SkipLinks,
		Rescan:    time.Hour,
		Order:     ByName,
		After:     Keep,
		Verify:    "auto",
		Ambiguous: "delivered",

		OnConflict: "hold",
		Timezone:   time.UTC,
		Retry:      Retry{Initial: time.Second, Max: 5 * time.Minute, GiveUpAfter: 72 * time.Hour},

		Delta:        "auto",
		Checkpoint:   Checkpoint{Size: 64 << 20, Every: 10 * time.Second},
		Watch:        "auto",
		PollInterval: 30 * time.Second,
		StalledAfter: time.Hour,
	}
}

// rules reads the keys that [defaults] and [[folder]] share, other than exclude.
func (t table) rules(base Folder) Folder {
	t.unknown()
	f := base
	f.Ready = t.choice("ready", base.Ready, words{keys: []string{ReadyStable, ReadyMarker, ReadyRename}})
	f.Symlinks = t.choice("symlinks", base.Symlinks, words{keys: []string{SkipLinks, FollowLinks}})
	f.StableFor = t.durationOr("stable_for", base.StableFor, "auto", 0)
	f.Rescan = t.duration("rescan", base.Rescan)
	f.Order = t.choice("order", base.Order, words{keys: []string{ByName, ByTime, BySize}})
	f.Sequential = t.flag("sequential", base.Sequential)
	f.Last = t.last(base.Last)
	f.After = t.choice("after", base.After, words{keys: []string{Keep, Archive, Delete}})
	f.Verify = t.choice("verify", base.Verify, words{keys: []string{"auto", "size", "content"}})
	f.Ambiguous = t.choice("ambiguous", base.Ambiguous, words{keys: []string{"delivered", "hold"}})
	f.OnConflict = t.choice("on_conflict", base.OnConflict, words{keys: []string{"hold", "overwrite", "keep-both"}})
	f.Timezone = t.timezone(base.Timezone)
	f.Retry = t.retry(base.Retry)
	f.Checkpoint = t.checkpoint(base.Checkpoint)
	f.Delta = t.choice("delta", base.Delta, words{keys: []string{"auto", "off", "always"}})
	f.Watch = t.choice("watch", base.Watch, words{keys: []string{"auto", "events", "poll"}})
	f.PollInterval = t.duration("poll_interval", base.PollInterval)
	f.StalledAfter = t.duration("stalled_after", base.StalledAfter)
	return f
}

func (t table) defaults() Folder {
	f := t.rules(builtInRules())
	t.takes("exclude", Shape{Type: TextList})
	if t.has("exclude") {
		f.Exclude = t.patterns("exclude")
	}
	return f
}

func (t table) folder(defaults Folder) Folder {
	f := t.rules(defaults)
	f.Line = t.line()
	f.Mode = t.choice("mode", Outbox, words{keys: []string{Outbox, Mirror}})
	f.Include = t.patterns("include")
	f.Exclude = slices.Concat(defaults.Exclude, t.patterns("exclude"))
	if name, given := t.required("name", `"invoices"`); given {
		t.checkName(name)
		f.Name = name
	}
	if !t.has("path") {
		t.faultAt("path", "path is missing", `path = "/srv/out"`)
	}
	f.Path, _ = t.local("path")
	t.needs("path")
	f.Archive = t.archive()
	f.Marker = t.marker(f)
	f.MarkerSend = t.markerSend(&f)
	f.FileMode = t.fileMode()
	f.Names = Names(t.choice("names", string(StrictNames), words{keys: []string{string(StrictNames), string(WindowsNames)}}))
	f.To = t.targets(f.Mode)
	f.Was = t.was()
	f.Expect, f.Hooks = t.expect(), t.hooks()
	t.deleting(&f)
	t.checkAfter(f)
	t.checkLinks(f)
	t.checkLast(f)
	return f
}

// checkAfter finds rules that contradict one another.
func (t table) checkAfter(f Folder) {
	switch {
	case f.Mode == Mirror && f.After != Keep:
		t.faultAt("after", "after = "+show(f.After)+" in a mirror, whose files stay", `after = "keep", or mode = "outbox"`)
	case f.After == Archive && !t.has("archive"):
		t.faultAt("after", `after = "archive" without archive`, `archive = "/srv/sent/{yyyy}/{mm}"`)
	case f.After != Archive && t.has("archive"):
		t.faultAt("archive", "archive is given, but after = "+show(f.After), `after = "archive"`)
	}
}

// fileMode returns permissions, written as in "0640".
func (t table) fileMode() fs.FileMode {
	const key = "file_mode"
	s, given := t.text(key)
	if !given {
		return 0
	}
	mode, err := strconv.ParseUint(s, 8, 32)
	if err != nil || len(s) < 3 || mode == 0 || mode > 0o777 {
		t.faultAt(key, key+" = "+show(s)+" is not a mode of three octal digits", key+` = "0640"`)
		return 0
	}
	return fs.FileMode(mode)
}

func (t table) timezone(otherwise *time.Location) *time.Location {
	const key = "timezone"
	t.takes(key, Shape{Type: Text, Default: quoted(otherwise.String())})
	name, given := t.text(key)
	if !given {
		return otherwise
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.faultAt(key, key+" = "+show(name)+" is unknown", `an IANA name such as "UTC" or "Europe/Berlin"; or "Local"`)
		return otherwise
	}
	return zone
}

func (t table) retry(base Retry) Retry {
	sub, given := t.single("retry", kindRetry)
	if !given {
		return base
	}
	sub.unknown()
	r := Retry{
		Initial:     sub.duration("initial", base.Initial),
		Max:         sub.duration("max", base.Max),
		GiveUpAfter: sub.duration("give_up_after", base.GiveUpAfter),
	}
	inherited := r.Initial == base.Initial && r.Max == base.Max
	if r.Initial > r.Max && !inherited {
		key := "initial"
		if !sub.has(key) {
			key = "max"
		}
		sub.faultAt(key, "initial = "+show(short(r.Initial))+" is more than max = "+show(short(r.Max)), "")
	}
	return r
}

func (t table) checkpoint(base Checkpoint) Checkpoint {
	sub, given := t.single("checkpoint", kindMark)
	if !given {
		return base
	}
	sub.unknown()
	return Checkpoint{Size: sub.size("size", base.Size), Every: sub.duration("every", base.Every)}
}

// patterns returns a list of globs.
func (t table) patterns(key string) []string {
	var patterns []string
	elements, _ := t.list(key)
	for _, e := range elements {
		if e.text == "" {
			continue
		}
		if text, hint := patternFault(e.text); text != "" {
			t.faultOn(e.at, key, key+" holds "+show(e.text)+", "+text, hint)
		}
		patterns = append(patterns, e.text)
	}
	return patterns
}

// patternFault says why a pattern is invalid, or could never match the relative path of a file.
func patternFault(p string) (text, hint string) {
	switch {
	case !doublestar.ValidatePattern(p):
		return "which is not a valid pattern", ""
	case strings.HasPrefix(p, "/"):
		return "but patterns are relative to the folder", show(strings.TrimLeft(p, "/"))
	case strings.HasPrefix(p, "./"):
		return "but patterns are relative to the folder", show(strings.TrimPrefix(p, "./"))
	case strings.HasSuffix(p, "/"):
		return "which ends in / and so matches no file", show(p + "**")
	case hasDotDot(p):
		return `but ".." is outside of the folder`, ""
	}
	return "", ""
}

// targets returns the routes of a folder.
func (t table) targets(mode string) []Target {
	const key = "to"
	elements, given := t.list(key)
	t.needs(key)
	if list, ok := t.values[key].([]any); !t.has(key) || given && ok && len(list) == 0 {
		t.faultAt(key, "to is missing", `to = ["DESTINATION:DIRECTORY"]`)
		return nil
	}
	targets := make([]Target, len(elements))
	for i, e := range elements {
		if e.text == "" {
			continue
		}
		to := &targets[i]
		to.Destination, to.Path, _ = strings.Cut(e.text, ":")
		if text, hint := targetFault(*to, mode); text != "" {
			t.faultOn(e.at, key, "to "+show(e.text)+": "+text, hint)
		}
	}
	return targets
}

func targetFault(to Target, mode string) (text, hint string) {
	template, err := to.Template()
	switch {
	case to.Destination == "":
		return "no destination before the colon", ""
	case err != nil:
		return hintOf(err)
	case strings.HasPrefix(to.Path, "~"):
		return "~ stands in root only", `a path without / in front is below root, which is the login directory by default`
	case hasDrive(to.Path):
		return "a path with a drive begins with / in SFTP", show(to.Destination + ":" + withDrive(to.Path))
	case strings.Contains(to.Path, `\`):
		return "SFTP paths have /, not backslashes", ""
	case mode == Mirror && template.uses(ofTime):
		return "a mirror has one directory, whatever the day", "leave {yyyy}, {mm} and {dd} out"
	case mode == Mirror && template.uses(ofFile):
		return "a mirror keeps the names of its files", "leave {name}, {stem} and {ext} out"
	}
	return "", ""
}
