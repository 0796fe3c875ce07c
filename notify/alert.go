// Package notify tells people what they should know of an agent that nobody looks at: by webhook, mail or command. It is
// told of troubles and of their ends, and makes messages of them: each trouble once, many at once in one message, and
// another when it is over. Telling it never waits, and what it keeps has a bound, however slow or dead a receiver is.
//
// What is a trouble, others decide. This package knows neither folders nor servers.
package notify

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Event is what people are told of. The words are stable: they stand in the configuration and in messages.
type Event string

// What people can be told of.
const (
	Delivered      Event = "delivered"        // a receipt was written
	Parked         Event = "parked"           // a file was given up
	Held           Event = "held"             // a file waits for a person
	Blocked        Event = "blocked"          // a destination waits for a person
	HostKeyChanged Event = "host_key_changed" // likewise, since its server shows another key
	Halted         Event = "halted"           // a folder waits for a person
	Stalled        Event = "stalled"          // a ready file is not delivered for long
	Missing        Event = "missing"          // no file came by the time it was expected
	Expiring       Event = "expiring"         // a login works, and will not for long
	Recovered      Event = "recovered"        // one of the above is over
)

// Events returns all of them.
func Events() []Event {
	return []Event{Delivered, Parked, Held, Blocked, HostKeyChanged, Halted, Stalled, Missing, Expiring, Recovered}
}

// Alert is one thing that people are told. Its JSON is part of messages: fields are only ever added.
type Alert struct {
	Event Event `json:"event"`
	// Key names a trouble for as long as it lasts: a second alert with the key of an open one is not sent. "" is of what
	// has no end.
	Key         string          `json:"key,omitempty"`
	Of          Event           `json:"of,omitempty"` // with Recovered: what is over
	At          time.Time       `json:"at"`
	Since       time.Time       `json:"since,omitzero"` // since when it lasts, or lasted
	Folder      string          `json:"folder,omitempty"`
	Destination string          `json:"destination,omitempty"`
	Path        string          `json:"path,omitempty"`
	PathB64     []byte          `json:"path_b64,omitempty"` // where path is not UTF-8
	RemotePath  string          `json:"remote_path,omitempty"`
	ID          string          `json:"id,omitempty"` // of the delivery
	Text        string          `json:"text"`         // a sentence
	Hint        string          `json:"hint,omitempty"`
	Receipt     json.RawMessage `json:"receipt,omitempty"` // with Delivered: as `history --json` shows it
}

// IsTrouble tells whether somebody has to look at it.
func (a *Alert) IsTrouble() bool { return a.Event != Delivered && a.Event != Recovered }

// Subject says in a line what the alert is about.
func (a *Alert) Subject() string {
	word := strings.ReplaceAll(string(a.Event), "_", " ")
	if a.Event == Recovered && a.Of != "" {
		word += " (" + strings.ReplaceAll(string(a.Of), "_", " ") + ")"
	}
	switch {
	case a.Path != "" && a.Destination != "":
		return fmt.Sprintf("%s: %s/%s to %s", word, a.Folder, a.Path, a.Destination)
	case a.Folder != "" && a.Destination != "":
		return fmt.Sprintf("%s: %s to %s", word, a.Folder, a.Destination)
	case a.Destination != "":
		return word + ": destination " + a.Destination
	case a.Folder != "":
		return word + ": folder " + a.Folder
	}
	return word
}

// Message is what a receiver gets at once.
type Message struct {
	Version int       `json:"version"` // 1
	Agent   string    `json:"agent"`
	SentAt  time.Time `json:"sent_at"`
	Alerts  []Alert   `json:"alerts"`            // the oldest first; at least one, unless some were omitted
	Omitted int       `json:"omitted,omitempty"` // alerts that were left out, since there were too many
}

// Subject says in a line what the message is about.
func (m *Message) Subject() string {
	switch n := len(m.Alerts); {
	case n == 1 && m.Omitted == 0:
		return fmt.Sprintf("%s: %s", m.Agent, m.Alerts[0].Subject())
	case n == 0:
		return fmt.Sprintf("%s: %d alerts were left out", m.Agent, m.Omitted)
	default:
		worst := m.Alerts[0]
		if i := slices.IndexFunc(m.Alerts, func(a Alert) bool { return a.IsTrouble() }); i >= 0 {
			worst = m.Alerts[i]
		}
		return fmt.Sprintf("%s: %d alerts, %s", m.Agent, n+m.Omitted, worst.Subject())
	}
}

// IsTrouble tells whether somebody has to look at any of it.
func (m *Message) IsTrouble() bool {
	return m.Omitted > 0 || slices.ContainsFunc(m.Alerts, func(a Alert) bool { return a.IsTrouble() })
}

// Text returns the message for people, a paragraph for each alert.
func (m *Message) Text() string { return m.textWithin(math.MaxInt) }

// textWithin returns the text with as many of its alerts, at least one, as so many bytes have room for, and how many it leaves out.
func (m *Message) textWithin(most int) string {
	var b strings.Builder
	omitted := m.Omitted
	for i := range m.Alerts {
		paragraph := m.Alerts[i].paragraph()
		if i > 0 && b.Len()+len(paragraph) > most {
			omitted += len(m.Alerts) - i
			break
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(paragraph)
	}
	if omitted > 0 {
		fmt.Fprintf(&b, "\n%d more were left out, since there were too many: `dropferry status` and `dropferry history` show all.\n", omitted)
	}
	return b.String()
}

// paragraph returns the alert for people.
func (a *Alert) paragraph() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n", a.Subject(), a.Text)
	if a.Hint != "" {
		fmt.Fprintf(&b, "What to do: %s\n", a.Hint)
	}
	if !a.Since.IsZero() {
		fmt.Fprintf(&b, "Since: %s\n", a.Since.Format(time.RFC3339))
	}
	fmt.Fprintf(&b, "At: %s\n", a.At.Format(time.RFC3339))
	return b.String()
}

// oneLine puts a text on one line.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
