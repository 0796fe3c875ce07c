package state

import (
	"time"

	"github.com/dropferry/dropferry/file"
)

// Route is one folder to one destination, by their names in the configuration.
type Route struct {
	Folder      string
	Destination string
}

// Known is what the store knows of one file on one route: the version that was last delivered or adopted there.
type Known struct {
	Route
	Path        file.Path
	Fingerprint file.Fingerprint // of the local file, when it was last known to hold SHA256
	Racy        bool             // the fingerprint may hide a later change: compare content before believing it
	SHA256      []byte           // of the content at the destination; nil where an adoption rested on size and time
	RemotePath  string
	Owned       bool // delivered by us, so ours to replace and, one day, to delete; false: adopted
}

// Phase is how far an intent has come. An intent is open in every phase but Delivered and Cancelled: it holds its final
// name against other intents.
type Phase string

// The phases, in their order but for the last three.
const (
	Planned    Phase = "planned"    // T1: nothing is visible at the destination
	Committing Phase = "committing" // T2: the temp is verified; the rename may or may not have happened
	Delivered  Phase = "delivered"  // T3: in the ledger; the source may still have to be taken away
	Held       Phase = "held"       // waits for a person: somebody else's file stands at the final name, say
	Parked     Phase = "parked"     // given up after failures of its own, until a person or a new version frees it
	Cancelled  Phase = "cancelled"  // not to be sent: stays as long as the source is this version, so that it is not planned anew
)

// Intent is the durable record of a transfer under way. All its names are fixed when it is planned, so that a retry
// on another day does not end up elsewhere.
type Intent struct {
	ID      string // also the id of the delivery that comes of it
	Version string // shared by the intents of one version of one file on all routes of its folder
	Route
	Path        file.Path
	Fingerprint file.Fingerprint
	Reason      string    // why it was planned: "new", "changed", ...
	Final       string    // remote path to publish at
	Temp        string    // remote path to upload to; "" where it is written at Final itself: see Unfinished
	Archive     string    // local path to archive the source at; "" where it is not archived
	Source      string    // local path of what is sent again; "" where it is the folder's file. Such a file stays where it is
	MovedFrom   file.Path // path of the known file that is to get this name at the destination, instead of an upload; "" none
	SeenAt      time.Time // when the agent first saw the file, not settled yet; zero where that is not known
	SettledAt   time.Time // when it was found to have settled; zero likewise
	ReadyAt     time.Time // when the file was first seen ready, and planned

	Phase       Phase
	Patched     bool          // the server was asked to copy to Temp, and may still do so: see Store.Retemp
	Overwrite   bool          // a person allows to replace somebody else's file at Final
	Proof       Proof         // from T2 on
	Attempts    int           // so far, as far as they are on record: see Store.Begin
	Failures    int           // the file's own, since it was planned or last released
	Mismatches  int           // of Failures, those where the server had other bytes than were sent
	FailedAt    time.Time     // of the last failure, its own or not
	FailingFor  time.Duration // since the first of Failures, without the time in which nothing could be tried
	NextAttempt time.Time     // not before; zero: at once
	LastError   string
	StartedAt   time.Time // of the first attempt
}

// Checkpoint is how far an upload has come: every byte below Offset was acknowledged by the server, and synced there where
// it offers that.
type Checkpoint struct {
	Offset int64
	Hash   []byte // marshalled state of the SHA-256 of those bytes
}

// Proof is what is known of a temp that has been uploaded and verified.
type Proof struct {
	SHA256        []byte
	Evidence      string    // remote-hash | check-file | read-back | size | inferred
	Command       string    // the hash command, where Evidence is remote-hash
	RemoteModTime time.Time // of the temp, and so of the published file; whole seconds
	HostKey       string    // SHA256:... of the server's key
	Spared        int64     // bytes of the content that the server had already, so that they were not sent
}

// Delivery is one receipt: a row of the ledger, which is never changed or removed.
type Delivery struct {
	Seq int64
	ID  string
	Route
	Path        file.Path
	RemotePath  string
	Size        int64
	Proof       Proof
	Attempts    int
	SeenAt      time.Time // as of the intent; zero where it is not known, as are the next two
	SettledAt   time.Time
	ReadyAt     time.Time // when the file was found ready, and planned
	StartedAt   time.Time
	DeliveredAt time.Time
}

// Record is all that the store knows of one path of a folder.
type Record struct {
	Path    file.Path
	Known   []Known
	Intents []Intent
}

// Sweep is a temp of ours at a destination that no intent refers to any more.
type Sweep struct {
	ID          string // of the intent that made it, and what sets it apart from others of that intent
	Destination string
	Temp        string // or a final name: see IsFinal
	Tries       int    // that have failed
}

// Block is why a destination is not used until a person or a change frees it.
type Block struct {
	Destination string
	Kind        string // the remote error kind, such as "auth" or "host-key"
	Reason      string
	Secret      string // keyed fingerprint of the secrets and settings that failed
	Since       time.Time
	NextProbe   time.Time // zero: never by itself
}

// Wait is how long a destination that could not be used is let alone, and how often in a row it could not.
type Wait struct {
	Destination string
	Failures    int    // in a row
	Connects    int    // of them, the last in a row that came to no session
	Dropped     bool   // the server closed the connection before the login was complete
	Reason      string // of the last failure
	Account     string // keyed fingerprint of the secrets and settings that were used
	FailedAt    time.Time
	Next        time.Time // no attempt before
}

// Filter selects deliveries. Empty fields select everything.
type Filter struct {
	Since       time.Time
	Folder      string
	Destination string
	Path        file.Path // exactly this path
	// Match tells whether a path is selected; nil selects all. It is asked in the order of the answer.
	Match func(file.Path) bool
	// Before is the id of a receipt, of Removals that of a removal: only what comes behind it, in the order of the answer.
	Before string
	Limit  int // the newest so many; 0 is no limit
}
