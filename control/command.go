package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Verb is what a person wants to be done.
type Verb string

// The verbs. They are stable: they stand in JSON.
const (
	VerbPause  Verb = "pause"  // no delivery begins there any more
	VerbResume Verb = "resume" // ends a pause
	VerbRetry  Verb = "retry"  // frees what is held, parked, blocked or waiting
	VerbCancel Verb = "cancel" // this version is not sent
	VerbResend Verb = "resend" // makes a delivery again
	VerbRepair Verb = "repair" // has files sent again whose copies are damaged
	VerbReload Verb = "reload" // loads the configuration anew; it has no target
)

// Command is what a person wants, and of what: an id, "folder:NAME", "destination:NAME" or "FOLDER/DESTINATION".
type Command struct {
	Verb      Verb   `json:"command"`
	Target    string `json:"target"`
	Overwrite bool   `json:"overwrite,omitempty"` // retry: replace somebody else's file at the final name
	KeepBoth  bool   `json:"keep_both,omitempty"` // retry: publish beside it
	// AcceptDeletes lets a halted folder remove so many files with its next scan: with resume; nil: none.
	AcceptDeletes *int `json:"accept_deletes,omitempty"`
	// AcceptUnmounted says that what is not mounted in a folder is not to come back: with resume.
	AcceptUnmounted bool `json:"accept_unmounted,omitempty"`

	Damages []Damage `json:"damages,omitempty"` // repair: the files
}

// Outcome is what a command has changed.
type Outcome struct {
	Verb   Verb   `json:"command"`
	Target string `json:"target"`
	Count  int    `json:"count"` // pauses that began or ended; intents that were freed, cancelled or planned
	// Pauses are those that bind the target now, the one of this command among them.
	Pauses       []Pause   `json:"pauses,omitempty"`
	Released     int       `json:"released,omitempty"`     // retry: were held or parked
	Hastened     int       `json:"hastened,omitempty"`     // retry: waited for a next attempt
	Destinations []string  `json:"destinations,omitempty"` // retry: were blocked or waiting, and may be dialled at once
	Committing   int       `json:"committing,omitempty"`   // cancel: too late, they are being published
	Renamed      []Renamed `json:"renamed,omitempty"`      // retry: published beside what is there
	Halted       *Halt     `json:"halted,omitempty"`       // resume: the halt that it has ended
	Unmounted    []string  `json:"unmounted,omitempty"`    // resume: places that are not waited for any more
	ID           string    `json:"id,omitempty"`           // resend: of the new delivery
	RemotePath   string    `json:"remote_path,omitempty"`  // resend
	Source       string    `json:"source,omitempty"`       // resend: the file that is sent
	SourceB64    []byte    `json:"source_b64,omitempty"`   // where source is not UTF-8
	Config       string    `json:"config,omitempty"`       // reload: the file
	Changes      []string  `json:"changes,omitempty"`      // reload: what has changed, in words

	Repaired []Repaired `json:"repaired,omitempty"` // repair: in the order of the command
}

// Renamed is an intent with its new final name.
type Renamed struct {
	ID         string `json:"id"`
	RemotePath string `json:"remote_path"`
}

// Pause is what a person has stopped; an empty name stands for all.
type Pause struct {
	ID          string    `json:"id,omitempty"` // where it is one delivery alone, of that route
	Folder      string    `json:"folder,omitempty"`
	Destination string    `json:"destination,omitempty"`
	Since       time.Time `json:"since"`
}

// Target names what is paused, as commands take it.
func (p Pause) Target() string {
	switch {
	case p.ID != "":
		return p.ID
	case p.Destination == "":
		return "folder:" + p.Folder
	case p.Folder == "":
		return "destination:" + p.Destination
	}
	return p.Folder + "/" + p.Destination
}

// Refusal is a command that cannot be obeyed.
type Refusal struct {
	Text   string
	Usage  bool // its words are to blame, else the state of what it names
	Config bool // the faults of the configuration are to blame; the text has one to a line
}

func (r *Refusal) Error() string { return r.Text }

// The kinds of a refusal, as they are sent.
const (
	refusedUsage  = "usage"
	refusedState  = "state"
	refusedConfig = "config"
)

func (r *Refusal) status() int {
	if r.Usage {
		return http.StatusBadRequest
	}
	return http.StatusConflict
}

func kindOf(err error) string {
	var r *Refusal
	switch {
	case !errors.As(err, &r):
		return ""
	case r.Usage:
		return refusedUsage
	case r.Config:
		return refusedConfig
	}
	return refusedState
}

// commands is the last element of the path to which commands are posted.
const commands = "commands"

const (
	commandLimit  = 64 << 10         // bytes of a command's body
	commandWithin = 10 * time.Second // for a body to arrive
)

// serveCommand obeys one command.
func serveCommand(w http.ResponseWriter, r *http.Request, a API) {
	switch {
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		refuseBody(w, http.StatusMethodNotAllowed, fmt.Errorf("%s %s: only POST is allowed", r.Method, r.URL.Path))
		return
	case r.ContentLength > commandLimit:
		refuseBody(w, http.StatusRequestEntityTooLarge, fmt.Errorf("POST %s: a command has at most %d bytes", r.URL.Path, commandLimit))
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(commandWithin)) // fails on a dead connection
	c, status, err := readCommand(r.Body)
	if err != nil {
		refuseBody(w, status, fmt.Errorf("POST %s: %w", r.URL.Path, err))
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // likewise
	outcome, err := a.Command(r.Context(), c)
	conclude(w, r, outcome, err)
}

// readCommand reads one command and nothing else: a field that is not understood might be a condition.
func readCommand(body io.Reader) (c Command, status int, err error) {
	text, err := io.ReadAll(io.LimitReader(body, commandLimit+1))
	if err != nil {
		return c, http.StatusBadRequest, err
	}
	if len(text) > commandLimit {
		return c, http.StatusRequestEntityTooLarge, fmt.Errorf("a command has at most %d bytes", commandLimit)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return c, http.StatusBadRequest, fmt.Errorf("read the command: %w", err)
	}
	if d.More() {
		return c, http.StatusBadRequest, errors.New("read the command: there is more than one")
	}
	return c, http.StatusOK, nil
}

// Command implements API.
func (c *Client) Command(ctx context.Context, command Command) (o Outcome, err error) {
	text, err := json.Marshal(command)
	if err != nil {
		return o, err
	}
	u := url.URL{Scheme: "http", Host: "agent", Path: prefix + commands}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(text))
	if err != nil {
		return o, err
	}
	r.Header.Set("Content-Type", "application/json")
	err = c.send(r, "command "+string(command.Verb), &o)
	restore(&o.Source, o.SourceB64)
	return o, err
}
