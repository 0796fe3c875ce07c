package config

import (
	"slices"
	"strings"
)

// What goes first of the files that wait for one destination.
const (
	ByName = "name"  // by their paths, byte by byte
	ByTime = "mtime" // the oldest
	BySize = "size"  // the smallest
)

// last returns the patterns of files that go last. Those of a folder take the place of those of [defaults]: which file is a
// trigger is a matter of the partner.
func (t table) last(otherwise []string) []string {
	const key = "last"
	t.takes(key, Shape{Type: TextList})
	if !t.has(key) {
		return otherwise
	}
	patterns := t.patterns(key)
	for _, p := range patterns {
		if strings.Trim(p, "*/") == "" {
			t.faultAt(key, key+" holds "+show(p)+", which is every file", key+` = ["*.done"]`)
		}
	}
	return patterns
}

// checkLast finds patterns of files that are never sent.
func (t table) checkLast(f Folder) {
	key, hint := "last", "leave it out, or set marker_send = true"
	if !t.has(key) {
		key = "marker"
	}
	if f.Ready != ReadyMarker || f.MarkerSend || !t.has(key) {
		return
	}
	if markers := markersOf(&f); slices.Contains(f.Last, markers) {
		t.faultAt(key, "last holds "+show(markers)+", which are the markers of the folder, and are not sent without marker_send", hint)
	}
}
