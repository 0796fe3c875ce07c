// Package control is how commands, monitoring and people talk to a running agent: a small HTTP interface on a socket that
// only the agent's account can reach, and over TCP for those who know a token. The types here are also what `--json`
// prints, so that a command says the same with an agent and without one: fields are only ever added.
package control

import (
	"context"
	"time"
)

// API is what can be asked of an agent. A running agent implements it, so does Client, which asks one from another
// process, and so does the reader of a store that no agent holds.
type API interface {
	Status(ctx context.Context) (Status, error)
	History(ctx context.Context, q HistoryQuery) (History, error)
	// Explain tells why a file was, or was not, sent. name is an absolute path of the agent's machine.
	Explain(ctx context.Context, name string) (Explanation, error)
	// Plan tells what would be done now and why. It changes nothing.
	Plan(ctx context.Context) (Plan, error)
	// Command does what a person wants. What cannot be done is a *Refusal.
	Command(ctx context.Context, c Command) (Outcome, error)
}

// Status is the state of everything at one moment.
type Status struct {
	Agent        AgentStatus         `json:"agent"`
	Folders      []FolderStatus      `json:"folders"`
	Destinations []DestinationStatus `json:"destinations"`
	Transfers    []Transfer          `json:"transfers"`
	Pauses       []Pause             `json:"pauses"`
	Left         []LeftRoute         `json:"left,omitempty"`
	Attention    []Attention         `json:"attention,omitempty"` // files that wait for a person: the first of them
}

// Attention is one file that waits for a person.
type Attention struct {
	ID          string    `json:"id"`
	Folder      string    `json:"folder"`
	Destination string    `json:"destination"`
	Path        string    `json:"path"`
	PathB64     []byte    `json:"path_b64,omitempty"` // where path is not UTF-8
	RemotePath  string    `json:"remote_path"`
	Size        int64     `json:"size"`
	State       string    `json:"state"` // held or parked; in History, failed too: it is tried again
	Reason      string    `json:"reason"`
	Since       time.Time `json:"since"`          // of its last failure, or when it was found ready
	Hint        string    `json:"hint,omitempty"` // what to do about it
	// Ours and Theirs are, of a file that is held for what stands at its final name, the file here and what stands there.
	Ours   *Copy `json:"ours,omitempty"`
	Theirs *Copy `json:"theirs,omitempty"`
}

// LeftRoute is what is open of a route that is not in the configuration any more.
type LeftRoute struct {
	Folder      string `json:"folder"`
	Destination string `json:"destination"`
	Planned     int    `json:"planned"`
	Committing  int    `json:"committing"` // may be published already
	Held        int    `json:"held"`
	Parked      int    `json:"parked"`
}

// AgentStatus is the process.
type AgentStatus struct {
	Name      string     `json:"name"`
	Running   bool       `json:"running"`
	PID       int        `json:"pid,omitempty"`
	Version   string     `json:"version,omitempty"`
	StartedAt *time.Time `json:"started_at,omitempty"`
	Config    string     `json:"config"`
	LoadedAt  *time.Time `json:"loaded_at,omitempty"` // when the agent has read it last
	Address   string     `json:"address,omitempty"`   // http://host:port where it answers; "" nowhere
}

// FolderStatus is one watched folder.
type FolderStatus struct {
	Name     string     `json:"name"`
	Mode     string     `json:"mode"`
	Path     string     `json:"path"`
	State    string     `json:"state"` // watching, scanning, polling, waiting, hanging, starting; "" without an agent
	Reason   string     `json:"reason,omitempty"`
	Files    int        `json:"files"`
	Ready    int        `json:"ready"` // planned and not delivered yet, on any route
	Settling int        `json:"settling"`
	Held     int        `json:"held"`
	Parked   int        `json:"parked"`
	LastScan *time.Time `json:"last_scan,omitempty"`
	// Operations are files and directories that are about to be made or removed at destinations.
	Operations int   `json:"operations,omitempty"`
	Halted     *Halt `json:"halted,omitempty"` // nothing is begun until a person has decided
	// Unmounted are places in the folder whose file systems are not mounted any more: what lay there is unknown.
	Unmounted []string `json:"unmounted,omitempty"`
	// Replaced is how many files of ours stay at the destinations of a mirror that deletes, since something that is neither a file nor a
	// directory has taken their places here: a link that is not followed, say.
	Replaced      int      `json:"replaced,omitempty"`
	ReplacedFiles []string `json:"replaced_files,omitempty"` // the first few
	// LeftThere are files that have left a mirror which removes, and stay at destinations all the same: they were found there.
	LeftThere int `json:"left_there,omitempty"`
	// Waiting are files that wait, by the order of the folder, for more than their turn.
	Waiting []Standstill `json:"waiting,omitempty"`
	// Stuck is how many of Settling have been so for over an hour: a program never closes them, or their markers do not come.
	Stuck      int         `json:"stuck,omitempty"`
	StuckFiles []StuckFile `json:"stuck_files,omitempty"` // the first few
}

// StuckFile is a file that does not become ready.
type StuckFile struct {
	Path    string    `json:"path"`
	PathB64 []byte    `json:"path_b64,omitempty"`
	Since   time.Time `json:"since"`
	Reason  string    `json:"reason"`
}

// Standstill is files of one route that wait for another file.
type Standstill struct {
	Destination string `json:"destination"`
	Rule        string `json:"rule"`           // sequential or last
	Files       int    `json:"files"`          // that wait
	Path        string `json:"path,omitempty"` // of what they wait for
	PathB64     []byte `json:"path_b64,omitempty"`
	ID          string `json:"id,omitempty"`
	State       string `json:"state"`  // settling, failed, held, parked, new, unreadable, scanning
	Reason      string `json:"reason"` // the end of the sentence that begins with "they wait for"
}

// Halt is why a folder waits for a person.
type Halt struct {
	Since    time.Time `json:"since"`
	Reason   string    `json:"reason"`             // marker-missing, emptied or too-many
	Detail   string    `json:"detail"`             // a sentence
	Count    int       `json:"count"`              // files that would be removed
	Examples []string  `json:"examples,omitempty"` // some of them
}

// DestinationStatus is one destination.
type DestinationStatus struct {
	Name        string     `json:"name"`
	State       string     `json:"state"` // idle, connecting, active, waiting, blocked, paused; "" without an agent
	Reason      string     `json:"reason,omitempty"`
	Hint        string     `json:"hint,omitempty"` // what to do about it; only a running agent knows
	Connected   bool       `json:"connected"`
	Queued      int        `json:"queued"`
	Active      int        `json:"active"`
	NextAttempt *time.Time `json:"next_attempt,omitempty"`
	Bandwidth   int64      `json:"bandwidth,omitempty"` // bytes a second that may pass; 0 is any number
	Warnings    []string   `json:"warnings,omitempty"`  // of what works and will not for long, a certificate that expires, say
}

// Transfer is one file on its way.
type Transfer struct {
	ID          string    `json:"id"`
	Folder      string    `json:"folder"`
	Destination string    `json:"destination"`
	Path        string    `json:"path"`
	Size        int64     `json:"size"`
	Sent        int64     `json:"sent"`
	StartedAt   time.Time `json:"started_at"`
}

// HistoryQuery selects deliveries; empty fields select everything.
type HistoryQuery struct {
	Since       time.Time `json:"since,omitzero"`
	Folder      string    `json:"folder,omitempty"`
	Destination string    `json:"destination,omitempty"`
	Path        string    `json:"path,omitempty"`   // a pattern as in `include`
	Failed      bool      `json:"failed,omitempty"` // what is not delivered and has failed, in place of what is delivered
	// Before is the id of a delivery or of a removal: only what comes behind it in its list, and nothing of the other one.
	Before string `json:"before,omitempty"`
	Limit  int    `json:"limit,omitempty"` // the newest so many; 0 is no limit
}

// History is part of the ledger, newest first.
type History struct {
	Deliveries []Delivery `json:"deliveries"`
	Removals   []Removal  `json:"removals,omitempty"`
	// Failed are, where they were asked for, the files that are not delivered and have failed, in place of all else.
	Failed []Attention `json:"failed,omitzero"`
}

// Delivery is one receipt.
type Delivery struct {
	ID          string    `json:"id"`
	Folder      string    `json:"folder"`
	Destination string    `json:"destination"`
	Path        string    `json:"path"`
	PathB64     []byte    `json:"path_b64,omitempty"` // where path is not UTF-8
	RemotePath  string    `json:"remote_path"`
	Size        int64     `json:"size"`
	Sent        *int64    `json:"sent,omitempty"` // bytes of it that were sent: less than size where the server had the others already
	SHA256      string    `json:"sha256"`
	Evidence    string    `json:"evidence"`
	Command     string    `json:"command,omitempty"` // that computed the hash at the server
	Attempts    int       `json:"attempts"`
	SeenAt      time.Time `json:"seen_at,omitzero"`    // when the file was first seen; not there where it had settled by then
	SettledAt   time.Time `json:"settled_at,omitzero"` // likewise, when it was found to have settled
	ReadyAt     time.Time `json:"ready_at,omitzero"`   // when it was found ready, and planned; not there in receipts of early versions
	StartedAt   time.Time `json:"started_at"`
	DeliveredAt time.Time `json:"delivered_at"`
	HostKey     string    `json:"host_key"`
}

// Plan is what would be done now.
type Plan struct {
	Operations []Operation `json:"operations"`
	Waiting    []Waiting   `json:"waiting,omitempty"`
	// Unreached are the destinations that could not be looked at, with the reason: what is planned for them holds only
	// as far as it depends on this side.
	Unreached map[string]string `json:"unreached,omitempty"`
}

// Operation is one step.
type Operation struct {
	Op          string `json:"op"`
	Folder      string `json:"folder"`
	Destination string `json:"destination"`
	Path        string `json:"path"`
	PathB64     []byte `json:"path_b64,omitempty"`
	RemotePath  string `json:"remote_path"`
	From        string `json:"from,omitempty"` // of a rename: the remote path that the file has so far
	Size        int64  `json:"size"`
	Sent        *int64 `json:"sent,omitempty"` // of an upload, a copy or a rename: bytes of size that would be sent
	Reason      string `json:"reason"`
	Detail      string `json:"detail,omitempty"`
}

// Waiting is a file that is not ready, or has to wait for another one.
type Waiting struct {
	Folder      string `json:"folder"`
	Destination string `json:"destination,omitempty"` // where it waits for that one alone

	Path    string     `json:"path"`
	PathB64 []byte     `json:"path_b64,omitempty"`
	Size    int64      `json:"size"`
	Reason  string     `json:"reason"`
	Detail  string     `json:"detail,omitempty"`
	Until   *time.Time `json:"until,omitempty"`
}

// Explanation is what is known of one file.
type Explanation struct {
	Path     string     `json:"path"` // absolute
	PathB64  []byte     `json:"path_b64,omitempty"`
	Folder   string     `json:"folder,omitempty"`
	State    string     `json:"state"`  // delivered, adopted, excluded, settling, queued, waits, failed, held, parked, paused, cancelled, unknown, ...
	Reason   string     `json:"reason"` // a sentence
	Since    *time.Time `json:"since,omitempty"`
	Until    *time.Time `json:"until,omitempty"`
	Routes   []RouteOf  `json:"routes,omitempty"`
	Receipts []Delivery `json:"receipts,omitempty"` // newest first
}

// RouteOf is what is known of one file on one route.
type RouteOf struct {
	Destination string     `json:"destination"`
	State       string     `json:"state"`
	Reason      string     `json:"reason"`
	RemotePath  string     `json:"remote_path,omitempty"`
	ID          string     `json:"id,omitempty"`
	Attempts    int        `json:"attempts,omitempty"`
	LastError   string     `json:"last_error,omitempty"`
	NextAttempt *time.Time `json:"next_attempt,omitempty"`
	Whole       string     `json:"whole,omitempty"` // why the file is sent whole for a while, whatever of it changes
	Story       []Moment   `json:"story,omitempty"` // of the version that ID is of, the oldest first
}
