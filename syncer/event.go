package syncer

import (
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
)

// EventType is what has happened. The words are stable: they stand in JSON.
type EventType string

// What can happen.
const (
	EventPlanned    EventType = "planned"
	EventStarted    EventType = "started"
	EventProgress   EventType = "progress"
	EventDelivered  EventType = "delivered"
	EventAdopted    EventType = "adopted"
	EventUnchanged  EventType = "unchanged"
	EventFailed     EventType = "failed" // one attempt; Next tells of the next one
	EventHeld       EventType = "held"
	EventParked     EventType = "parked"
	EventWhole      EventType = "whole"     // a file is sent whole, until Next too: what was put together of it was wrong, for Reason
	EventWaits      EventType = "waits"     // a file, by the order of its folder, for one that may need a person: see Reason
	EventStuck      EventType = "stuck"     // a file does not become ready, for Reason; without a path: so many more
	EventDropped    EventType = "dropped"   // the source was gone or has changed before it was sent
	EventCancelled  EventType = "cancelled" // by a person
	EventArchived   EventType = "archived"
	EventDeleted    EventType = "deleted"
	EventMovedAside EventType = "moved-aside" // somebody else's file, for ours to take its name; Reason is where to
	EventTrashed    EventType = "trashed"     // a file that has left a mirror was moved to the trash of a destination: see Event.Trash
	EventRemoved    EventType = "removed"     // one was removed there, or removed from the trash
	EventKept       EventType = "kept"        // one stays there, for Reason: it is not ours any more
	EventGone       EventType = "gone"        // one was removed there by others
	EventMadeDir    EventType = "made-dir"    // an empty directory
	EventRemovedDir EventType = "removed-dir" // likewise
	EventRenamedDir EventType = "renamed-dir" // a directory has got another spelling of its name there; Reason is the one before
	EventHalted     EventType = "halted"      // a folder, for Reason: a person has to decide
	EventResumed    EventType = "resumed"     // a folder goes on by itself, for Reason
	EventUnmarked   EventType = "unmarked"    // nothing can be removed for a folder, since its marker cannot be written or looked for
	EventPutBack    EventType = "put-back"    // an earlier version that was moved aside, to its name again; Reason is where it was
	EventUnswept    EventType = "unswept"     // a temp of ours could not be removed; Next tells of the next attempt, zero: given up
	EventConnected  EventType = "connected"
	EventLost       EventType = "lost"    // the session ended or could not be had; Next tells of the next attempt
	EventNoRoom     EventType = "no-room" // the disk under the store is full: nothing is sent
	EventRoom       EventType = "room"    // there is room again
	EventClosed     EventType = "closed"  // there is something to send, outside the destination's schedule: Next tells when it opens
	EventBlocked    EventType = "blocked" // a person must act on the destination
)

// Event is one thing that has happened, for logs, progress and people.
type Event struct {
	At          time.Time
	Type        EventType
	ID          string // of the intent or delivery
	Folder      string
	Destination string
	Path        file.Path
	RemotePath  string
	Size        int64
	Sent        int64 // bytes so far, in EventProgress
	Reason      string
	Err         error
	Next        time.Time
	ReadyAt     time.Time       // of the file; zero where the event is not about one
	Changed     time.Time       // when the file was last changed; likewise
	Receipt     *state.Delivery // in EventDelivered
	Trash       string          // in EventTrashed: the remote path in the trash
}

// Observer hears of every event, from many goroutines. It must not block.
type Observer func(Event)

// eventOf begins an event about an intent.
func eventOf(t EventType, i *state.Intent) Event {
	return Event{
		Type: t, ID: i.ID, Folder: i.Folder, Destination: i.Destination, Path: i.Path, RemotePath: i.Final,
		Size: i.Fingerprint.Size, Reason: i.Reason, ReadyAt: i.ReadyAt, Changed: i.Fingerprint.LastChange(i.ReadyAt),
	}
}
