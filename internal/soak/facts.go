package main

import "time"

// facts are what a soak has recorded: all that its checks look at. They are written to facts.json where a check fails.
type facts struct {
	Seed    uint64
	Began   time.Time
	Faulted time.Duration // how long faults were injected

	Versions  []version  // in the order of their completion
	Sightings []sighting // at the server, under final names
	Takings   []taking   // by the partner
	Temps     []temp     // at the server
	Receipts  []receipt
	Archived  []archived
	There     []entry // what is at the server in the end
	Here      []entry // what is in the folders in the end

	NotTried string // why a kind of fault was not made, "" where all were
	Faults   []injected
	Exits    []exit
	Marks    []string // lines of the agent's log that no log may hold
	Quiet    bool     // the agent came to rest after the faults
	Left     string   // what it still had to do where it did not
	Sent     int64    // bytes from the agent to the server

	Before, After figures // of an agent at rest: a fresh one, and the last one
}

// version is one content that a producer completed under one name. No content ever comes twice under a name, and but for
// empty files and renamed ones no content comes twice at all.
type version struct {
	Name      string // below the server's root, where it is to be published
	SHA256    string
	Size      int64
	Completed time.Time
	End       end
}

// end is what became of a version in its folder.
type end string

const (
	stands   end = ""         // it is the last one
	replaced end = "replaced" // by a later version of its name
	renamed  end = "renamed"  // its name was given up
	left     end = "left"     // it was gone when the next one came: it was delivered and archived
)

// required tells whether the version must have been published: it stayed for as long as it took.
func (v version) required() bool { return v.End == stands || v.End == left }

// sighting is one appearance of a file at the server.
type sighting struct {
	Name   string
	SHA256 string // "" where it was gone before it could be read
	Size   int64
	At     time.Time
}

// taking is a file that the partner took.
type taking struct {
	Name   string
	SHA256 string
	Size   int64
	At     time.Time
}

// receipt is one line of `dropferry history`.
type receipt struct {
	ID       string
	Name     string
	SHA256   string
	Size     int64
	Evidence string
	Attempts int
	At       time.Time
}

// archived is a source that was put away.
type archived struct {
	Name   string // below the archive
	SHA256 string
}

// entry is a file that lies somewhere in the end.
type entry struct {
	Name   string // in the server's terms
	SHA256 string
}

// injected is a fault that was made.
type injected struct {
	Kind   kind
	Detail string
	After  time.Duration // since the beginning
	Hit    bool          // it met something: traffic, a process, a writer
}

// exit is the end of an agent's process.
type exit struct {
	Cause cause
	Code  int // -1 by a signal
	After time.Duration
}

// cause is why an agent's process has ended.
type cause string

const (
	byKill cause = "kill" // SIGKILL
	byStop cause = "stop" // SIGTERM
	byDump cause = "dump" // SIGQUIT: Go prints all goroutines
	byself cause = "by itself"
)

// figures are what an agent at rest holds.
type figures struct {
	FDs, Threads, Goroutines int            // open files without those of the store
	Store                    int            // open files of the store
	MostMemory               int64          // bytes, at any time so far
	Open                     map[string]int // what the open files are, as /proc names them
}
