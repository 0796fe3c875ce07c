package syncer

import (
	"slices"
	"testing"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// A version that was delivered somewhere, or is under way, needs no marker any more: nobody waits for it, and another destination gets it.
func TestCompleteVersionsNeedNoMarker(t *testing.T) {
	acme := state.Route{Folder: "out", Destination: "acme"}
	known := state.Record{Known: []state.Known{{Route: acme, RemotePath: "in/a", Fingerprint: v1, SHA256: []byte{1}}}}
	under := func(p state.Phase) state.Record {
		return state.Record{Intents: []state.Intent{{ID: "open", Version: "v", Route: acme, Final: "in/a", Fingerprint: v1, Phase: p}}}
	}
	elsewhere := state.Record{Intents: []state.Intent{{ID: "put", Route: acme, Fingerprint: v1, Phase: state.Planned, Source: "/tmp/a"}}}
	const wait = "wait acme, wait globex"
	for _, row := range []struct {
		name     string
		is       file.Fingerprint
		unmarked bool
		of       state.Record
		want     string
		done     bool
	}{
		{"a new file waits", v1, true, state.Record{}, wait, false},
		{"a delivered one does not, and goes where it is not yet", v1, true, known, "upload globex", true},
		{"its mode may change", chmoded, true, known, "upload acme, upload globex", true},
		{"its content may not", touched, true, known, wait, false},
		{"what settles for another reason goes on doing so", v1, false, known, wait, false},
		{"one on its way does not wait", v1, true, under(state.Planned), " acme, upload globex", true},
		{"nor one that is held", v1, true, under(state.Held), " acme, upload globex", true},
		{"nor one that was cancelled", v1, true, under(state.Cancelled), " acme, upload globex", true},
		{"an intent for another file says nothing", v1, true, elsewhere, wait, false},
	} {
		var forgone []file.Path
		f := &Folder{
			After: Keep, Routes: []Route{{Destination: "acme"}, {Destination: "globex"}},
			Complete: func(p file.Path) { forgone = append(forgone, p) },
		}
		row.of.Path = "a"
		e := watcher.Entry{Path: "a", Kind: watcher.File, Fingerprint: row.is, Unmarked: row.unmarked, Reason: "waits"}
		got := ""
		mergeOf(f).present(e, row.of, func(c Change, _ error) bool {
			if got != "" {
				got += ", "
			}
			got += string(c.Decision.Op) + " " + c.Destination
			if c.Entry.Ready != row.done {
				t.Errorf("%s: the entry is %+v", row.name, c.Entry)
			}
			return true
		})
		if got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
		if done := slices.Equal(forgone, []file.Path{"a"}); done != row.done {
			t.Errorf("%s: waited for no longer: %q", row.name, forgone)
		}
	}
}
