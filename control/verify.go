package control

import "time"

// Found is what a check of the remote side has found of a file. The words are stable: they stand in JSON.
type Found string

// What can be found.
const (
	FoundOK         Found = "ok"         // as it should be
	FoundMissing    Found = "missing"    // nothing is there
	FoundTruncated  Found = "truncated"  // a smaller file is there
	FoundDifferent  Found = "different"  // something else is there
	FoundTouched    Found = "touched"    // the time is another, and the content is not, as far as it was compared
	FoundTaken      Found = "taken"      // nothing is there any more, which is usual for this folder
	FoundUnreadable Found = "unreadable" // the account may not look at it
	FoundUnknown    Found = "unknown"    // it could not be asked
)

// Remedy is what a repair does about a file.
type Remedy string

// What it can do.
const (
	RemedyNone      Remedy = "none"
	RemedyUpload    Remedy = "upload"    // send it again
	RemedyOverwrite Remedy = "overwrite" // send it again, over what is there
	RemedyHold      Remedy = "hold"      // let a person decide
	RemedyForget    Remedy = "forget"    // it is gone here too
	RemedyMkdir     Remedy = "mkdir"     // make the directory again
)

// Finding is one file of the remote side that is not as it should be, or a route that could not be asked, without a path.
type Finding struct {
	Type        Found     `json:"type"`
	At          time.Time `json:"at"`
	Folder      string    `json:"folder"`
	Destination string    `json:"destination"`
	Path        string    `json:"path,omitempty"`
	PathB64     []byte    `json:"path_b64,omitempty"` // where path is not UTF-8
	RemotePath  string    `json:"remote_path,omitempty"`
	Delivery    string    `json:"delivery,omitempty"` // id of the newest receipt
	Expected    *Copy     `json:"expected,omitempty"`
	Found       *Copy     `json:"found,omitempty"` // nothing where nothing is there
	Reason      string    `json:"reason"`          // a sentence
	Hint        string    `json:"hint,omitempty"`  // what to do, for a person
	Files       int       `json:"files,omitempty"` // of a route: that were not asked for

	Repair  Remedy `json:"repair,omitempty"`  // what --repair does about it
	Outcome Repair `json:"outcome,omitempty"` // what it has done
	ID      string `json:"id,omitempty"`      // of the intent that is about the file
}

// Copy is one side's file.
type Copy struct {
	Kind    string     `json:"kind"` // file, directory or other
	Size    int64      `json:"size"`
	ModTime *time.Time `json:"mtime,omitempty"`
	SHA256  string     `json:"sha256,omitempty"` // where it is known
}

// Checked counts what a check of the remote side has found.
type Checked struct {
	Type       string  `json:"type"` // "summary"
	Checked    int     `json:"checked"`
	OK         int     `json:"ok"`
	Missing    int     `json:"missing"`
	Truncated  int     `json:"truncated"`
	Different  int     `json:"different"`
	Touched    int     `json:"touched"`
	Taken      int     `json:"taken"`
	Unreadable int     `json:"unreadable"`
	Unknown    int     `json:"unknown"`
	UnderWay   int     `json:"under_way"` // were not looked at, since they are about to be sent
	Planned    int     `json:"planned"`   // by the repair
	Held       int     `json:"held"`
	Forgotten  int     `json:"forgotten"`
	Seconds    float64 `json:"seconds"`
}

// Count counts one file.
func (c *Checked) Count(f Found) {
	c.Checked++
	switch f {
	case FoundOK:
		c.OK++
	case FoundMissing:
		c.Missing++
	case FoundTruncated:
		c.Truncated++
	case FoundDifferent:
		c.Different++
	case FoundTouched:
		c.Touched++
	case FoundTaken:
		c.Taken++
	case FoundUnreadable:
		c.Unreadable++
	case FoundUnknown:
		c.Checked--
		c.Unknown++
	}
}

// Repair is what a repair has come to for one file.
type Repair string

// What it can come to.
const (
	Planned   Repair = "planned"
	Held      Repair = "held"
	Forgotten Repair = "forgotten"
	NotDone   Repair = "not-done" // see the reason
)

// Damage is one file of a route that is to be repaired. Names are bytes that need not be UTF-8.
type Damage struct {
	Path       []byte `json:"path"`
	RemotePath []byte `json:"remote_path"`
	Size       int64  `json:"size"` // what was known of it when it was looked at
	SHA256     []byte `json:"sha256,omitempty"`
	Remedy     Remedy `json:"remedy"`
	Why        string `json:"why,omitempty"`   // of what is held
	Found      *Copy  `json:"found,omitempty"` // likewise: what stands there
}

// Repaired is what has become of a Damage.
type Repaired struct {
	Outcome Repair `json:"outcome"`
	ID      string `json:"id,omitempty"` // of the intent
	Reason  string `json:"reason,omitempty"`
}
