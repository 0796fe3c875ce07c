package remote

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"time"

	"github.com/dropferry/dropferry/file"
)

// Extensions that matter to an uploader. Source: OpenSSH's PROTOCOL file.
const (
	extFsync       = "fsync@openssh.com"
	extPosixRename = "posix-rename@openssh.com"
	extStatVFS     = "statvfs@openssh.com"
	extLimits      = "limits@openssh.com"
)

// extensionData is what each of them is announced with. Under other data stands another version: like OpenSSH's client,
// this one does without.
var extensionData = map[string]string{extFsync: "1", extPosixRename: "1", extStatVFS: "2", extLimits: "1"}

// has tells whether the server announces an extension in the version that is known here.
func (m *mux) has(extension string) bool {
	data, ok := m.extensions[extension]
	return ok && data == extensionData[extension]
}

// ProbeVersion is the Version of what a Probe finds out now. It changes when that becomes more.
const ProbeVersion = 4

// Capabilities are what a server has been seen to do, not what it says. The zero value promises nothing.
type Capabilities struct {
	Version       int               `json:"version"`  // of the probe; 0 is of one that came to no end, or of the first
	Identity      string            `json:"identity"` // of the server that was probed: see Session.Identity
	Banner        string            `json:"banner"`
	Extensions    map[string]string `json:"extensions"`
	Limits        Limits            `json:"limits"`
	Fsync         bool              `json:"fsync"`
	Rename        bool              `json:"rename"`         // plain RENAME to a free name works
	RenameRefuses bool              `json:"rename_refuses"` // plain RENAME refuses a taken name, so it cannot replace anybody's file
	PosixRename   bool              `json:"posix_rename"`   // posix-rename replaces
	SetTimes      bool              `json:"set_times"`
	FoldsCase     bool              `json:"folds_case,omitempty"`   // names that differ only in case are one file's
	FoldsForm     bool              `json:"folds_form,omitempty"`   // so are those that differ in the form of letters with accents
	Stat          bool              `json:"stat"`                   // a file that was uploaded and closed can be looked at
	RefusesMode   bool              `json:"refuses_mode,omitempty"` // setting permissions was refused
	StatVFS       bool              `json:"statvfs"`
	Hash          string            `json:"hash"`                    // command that hashes a file at the server; "" where there is none
	HashAbsolute  bool              `json:"hash_absolute,omitempty"` // under a relative root: it sees absolute names as SFTP does too
	CheckFile     string            `json:"check_file,omitempty"`    // request of SFTP's that does; likewise
	MaxOpen       int               `json:"max_open,omitempty"`      // files that may be open at once; 0 where it was not found to be less than asked for
	InFlight      int               `json:"in_flight,omitempty"`     // requests that may be under way at once; 0 is any number
	Profile       string            `json:"profile,omitempty"`       // what the server was taken for; see Profiles
	ProfileBy     string            `json:"profile_by,omitempty"`    // how that was known
	ProbedAt      time.Time         `json:"probed_at"`

	// Stripes tells whether a file can be written over several channels at once: "yes", "no", or "" where nobody has tried.
	Stripes string `json:"stripes,omitempty"`

	// What only uploads show: a WRITE above 32 KiB was acknowledged, or else how many sessions in a row ended
	// right behind one, the last of them when.
	LargeWrites bool      `json:"large_writes,omitempty"`
	LargeCuts   int       `json:"large_cuts,omitempty"`
	LargeCutAt  time.Time `json:"large_cut_at,omitzero"`
	// ConnectionsRefused is when a further connection was last refused, or came to nothing.
	ConnectionsRefused time.Time `json:"connections_refused,omitzero"`
	// ConnectionsUseless is when further connections were last found to carry no more than one does alone.
	ConnectionsUseless time.Time `json:"connections_useless,omitzero"`
	// NoResume says that the server does not let an upload go on that was cut off.
	NoResume bool `json:"no_resume,omitempty"`
	// CheckHangs is how many sessions in a row were lost to a check-file request that was not answered.
	CheckHangs int `json:"check_hangs,omitempty"`
	// Refusals is how many uploads in a row the server has refused with several requests under way, and taken with one.
	Refusals int `json:"refusals,omitempty"`
	// ProbeCuts is how many sessions in a row have ended within a probe that had several requests under way.
	ProbeCuts int `json:"probe_cuts,omitempty"`
	// Left are files that probes may have left at the server when their sessions ended. The next Probe removes them.
	Left []string `json:"left,omitempty"`
}

// doubtFor is how long it is believed that a server bears only one request at a time, or lets no upload go on: what ended the
// sessions from which that was concluded may have been the network.
const doubtFor = 30 * 24 * time.Hour

// Current tells whether c is as much as a Probe would find out now. What is older is worth another one, and is given to
// Use before it.
func (c Capabilities) Current(now time.Time) bool {
	return c.Version == ProbeVersion && (c.InFlight == 0 && !c.isCareful() && !c.NoResume || now.Sub(c.ProbedAt) < doubtFor)
}

// Learn returns c, which is stored, with what a session that has used it has found out since and what holds for the next
// one too. changed says whether that is anything.
func (c Capabilities) Learn(s Capabilities) (learned Capabilities, changed bool) {
	if s.ProbeCuts > c.ProbeCuts || s.Version > c.Version || len(s.Left) > len(c.Left) {
		return s, true // of a probe that the session has made
	}
	learned = c
	learned.LargeWrites = c.LargeWrites || s.LargeWrites
	learned.LargeCuts, learned.LargeCutAt = s.LargeCuts, s.LargeCutAt
	if learned.LargeWrites {
		learned.LargeCuts, learned.LargeCutAt = 0, time.Time{}
	}
	learned.Stat = c.Stat && s.Stat
	learned.Refusals, learned.CheckHangs = s.Refusals, s.CheckHangs
	learned.RefusesMode = c.RefusesMode || s.RefusesMode
	learned.ConnectionsRefused, learned.ConnectionsUseless = s.ConnectionsRefused, s.ConnectionsUseless
	learned.NoResume = c.NoResume || s.NoResume
	learned.PosixRename = c.PosixRename && s.PosixRename
	if s.CheckFile == "" {
		learned.CheckFile = ""
	}
	if s.Stripes != "" {
		learned.Stripes = s.Stripes
	}
	changed = learned.Stripes != c.Stripes || learned.LargeWrites != c.LargeWrites || learned.LargeCuts != c.LargeCuts ||
		learned.Stat != c.Stat || learned.RefusesMode != c.RefusesMode || learned.Refusals != c.Refusals || learned.CheckHangs != c.CheckHangs || learned.CheckFile != c.CheckFile ||
		!learned.ConnectionsRefused.Equal(c.ConnectionsRefused) || !learned.ConnectionsUseless.Equal(c.ConnectionsUseless) || learned.NoResume != c.NoResume || learned.PosixRename != c.PosixRename
	return learned, changed
}

// Folding says which names the server takes for one, as far as the root goes.
func (c Capabilities) Folding() file.Folding {
	return file.Folding{Case: c.FoldsCase, Form: c.FoldsForm}
}

// OpenFiles returns how many files a session keeps open at once; 0 is any number. Of what a server tells, half is left to
// other sessions of the account.
func (c Capabilities) OpenFiles() int {
	switch {
	case c.MaxOpen > 0:
		return c.MaxOpen
	case c.Limits.Handles > 0:
		return int(max(1, min(c.Limits.Handles/2, 1<<20)))
	}
	return 0
}

// caution is for how long WRITEs stay at 32 KiB after n sessions in a row have ended right behind a larger one. A cut of
// the network looks the same, so that it is never for good.
func caution(n int) time.Duration {
	switch n {
	case 0:
		return 0
	case 1:
		return time.Hour
	case 2:
		return 24 * time.Hour
	}
	return 30 * 24 * time.Hour
}

// writeSize returns the most bytes in a WRITE at the moment now.
func (c Capabilities) writeSize(l Limits, now time.Time) int {
	if !c.LargeWrites && now.Sub(c.LargeCutAt) < caution(c.LargeCuts) {
		return min(l.write(), safeWrite)
	}
	return l.write()
}

// Banner returns the server's version string, such as SSH-2.0-OpenSSH_9.2.
func (s *Session) Banner() string { return string(s.client.ServerVersion()) }

// Identity names the server as far as its abilities go: it changes when the server's software or set-up does, and
// then what was probed before holds no longer.
func (s *Session) Identity() string {
	h := sha256.New()
	h.Write([]byte(s.Banner()))
	for _, name := range slices.Sorted(maps.Keys(s.mux.extensions)) {
		h.Write([]byte("\x00" + name + "\x00" + s.mux.extensions[name]))
	}
	h.Write([]byte("\x00" + s.target.User + "\x00" + s.target.Root))
	if s.profileBy == byConfiguration { // else it follows from the above
		h.Write([]byte("\x00" + s.profile.name))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Capabilities returns what is known of the server. After the session has used what was stored, it is for
// Capabilities.Learn to tell what of it to store.
func (s *Session) Capabilities() Capabilities { return *s.caps.Load() }

// Use takes over what an earlier session's Probe has found at the same Identity.
func (s *Session) Use(c Capabilities) {
	s.caps.Store(&c)
	s.hash.use(c.Hash)
	s.keepTo(c.writeSize(s.limits, time.Now()), c.OpenFiles(), c.InFlight)
}

// note changes what is known of the server, after it has refused something.
func (s *Session) note(change func(*Capabilities)) {
	for {
		old := s.caps.Load()
		c := *old
		change(&c)
		if s.caps.CompareAndSwap(old, &c) {
			return
		}
	}
}

// takeFiles waits until n files may be opened. The turns are given back to handles when they are closed.
func (s *Session) takeFiles(ctx context.Context, n int, op, name string) error {
	local, err := s.turn(ctx, &s.handles, n)
	if err != nil {
		return s.wrap(op, name, err)
	}
	return local
}
