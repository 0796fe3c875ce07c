package syncer

import (
	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// Op is what is to be done with one file on one route.
type Op string

// What can be done. The words are stable: they stand in JSON.
const (
	Nothing Op = ""       // the destination has it, or is about to
	Upload  Op = "upload" // send it and publish it
	Rename  Op = "rename" // give the file that the destination has under another name this one
	Copy    Op = "copy"   // have the destination copy a file of the same content that it has
	Adopt   Op = "adopt"  // the destination holds the same content already: take note of that
	Hold    Op = "hold"   // a person has to decide
	Wait    Op = "wait"   // not ready yet
	Drop    Op = "drop"   // the source is gone before it was sent: forget the intent
	Forget  Op = "forget" // the source is gone after it was delivered: its story has ended

	// Of mirrors alone.
	Remove    Op = "delete" // the file has left the mirror: take it away there too
	KeepThere Op = "keep"   // likewise, but it is not what we have left there
	MakeDir   Op = "mkdir"  // the directory holds no file
	RemoveDir Op = "rmdir"  // the directory has left the mirror: remove it there, if it is empty
)

// Reason is why. The words are stable: they stand in JSON.
type Reason string

// Why it is done, or not.
const (
	ReasonNew         Reason = "new"          // never delivered on this route
	ReasonMoved       Reason = "moved"        // had another name before
	ReasonChanged     Reason = "changed"      // delivered, and different since
	ReasonSameContent Reason = "same-content" // touched, or there already, with the same bytes
	ReasonConflict    Reason = "conflict"     // somebody else's file stands at the final name
	ReasonCollision   Reason = "collision"    // another file of ours has the name, as the server sees it
	ReasonRemoved     Reason = "removed"      // gone from the folder
	ReasonSettling    Reason = "settling"     // changed too recently, or still being written
	ReasonQueued      Reason = "queued"       // planned before, and under way
	ReasonHeld        Reason = "held"         // waits for a person
	ReasonParked      Reason = "parked"       // given up after failures of its own
	ReasonCancelled   Reason = "cancelled"    // a person wants this version not to be sent
	ReasonClosed      Reason = "closed"       // the destination is outside its schedule
	ReasonPaused      Reason = "paused"       // a person has stopped the route
	ReasonHalted      Reason = "halted"       // the folder waits for a person
	ReasonExpired     Reason = "expired"      // it was in the trash for long enough
	ReasonResend      Reason = "resend"       // a person wants a delivery made again
)

// Decision is one step that follows from what is known.
type Decision struct {
	Op         Op
	Reason     Reason
	Supersedes string // id of the intent that this one replaces; "" none
	Compare    bool   // hash the file first: it may only have been touched
}

// Local is one file of the folder, as a scan or a hint has seen it.
type Local struct {
	Present     bool
	Ready       bool
	Fingerprint file.Fingerprint
}

// Decide tells what follows for one file on one route. known is the version that the destination is known to have, open
// the intent under way; either may be nil. endsStory says that a file of this folder is taken away once it is
// delivered, so that the same name dropped again is a new delivery whatever it holds.
func Decide(local Local, known *state.Known, open *state.Intent, endsStory bool) Decision {
	switch {
	case !local.Present:
		return decideMissing(known, open, endsStory)
	case !local.Ready:
		return Decision{Op: Wait, Reason: ReasonSettling}
	case open != nil && open.Phase == state.Committing:
		// It may be published at any moment. Its link looks at the file again when it is done.
		return Decision{Reason: ReasonQueued}
	case open != nil && isOf(open, local.Fingerprint):
		return Decision{Reason: reasonOf(open.Phase)}
	}
	d := decidePresent(local, known, endsStory)
	if open != nil && open.Phase != state.Delivered {
		if d.Op == Nothing { // changed back to what the destination has
			return Decision{Op: Drop, Reason: ReasonSameContent, Supersedes: open.ID}
		}
		d.Supersedes = open.ID
	}
	return d
}

func decidePresent(local Local, known *state.Known, endsStory bool) Decision {
	switch {
	case known == nil:
		return Decision{Op: Upload, Reason: ReasonNew}
	case known.Fingerprint.Same(local.Fingerprint) && !known.Racy:
		return Decision{Reason: ReasonSameContent}
	}
	return Decision{Op: Upload, Reason: ReasonChanged, Compare: mayBeKnown(known, local.Fingerprint, endsStory)}
}

// mayBeKnown tells whether a file may hold the known content although its fingerprint is another. Where a file's story
// ends with its delivery, what was dropped again over it is a new delivery with the same content too; only a change of
// its attributes, as by a backup or chmod, is none.
func mayBeKnown(known *state.Known, now file.Fingerprint, endsStory bool) bool {
	if known.SHA256 == nil || known.Fingerprint.Size != now.Size {
		return false
	}
	return !endsStory || known.Fingerprint.SameFile(now)
}

func decideMissing(known *state.Known, open *state.Intent, endsStory bool) Decision {
	switch {
	case open != nil && (open.Phase == state.Committing || open.Phase == state.Delivered):
		return Decision{Reason: ReasonQueued} // the link brings it to its end
	case open != nil:
		return Decision{Op: Drop, Reason: ReasonRemoved, Supersedes: open.ID}
	case known != nil && endsStory:
		return Decision{Op: Forget, Reason: ReasonRemoved}
	}
	return Decision{}
}

func reasonOf(phase state.Phase) Reason {
	switch phase {
	case state.Held:
		return ReasonHeld
	case state.Parked:
		return ReasonParked
	case state.Cancelled:
		return ReasonCancelled
	}
	return ReasonQueued
}

// localOf is what the planner needs of a scan's entry.
func localOf(e watcher.Entry) Local {
	return Local{Present: true, Ready: e.Ready, Fingerprint: e.Fingerprint}
}
