package config

import (
	"slices"
	"strings"
)

// When a file is complete.
const (
	ReadyStable = "stable" // it has been quiet for its quiet time
	ReadyMarker = "marker" // another file says so
	ReadyRename = "rename" // as soon as it is seen
)

// What becomes of symbolic links.
const (
	SkipLinks   = "skip"
	FollowLinks = "follow-inside"
)

// marker returns how the markers of files are called.
func (t table) marker(f Folder) string {
	const key = "marker"
	template, given := t.text(key)
	switch {
	case !given && !t.has(key) && f.Ready == ReadyMarker:
		t.faultAt("ready", `ready = "marker" without marker`, `marker = "{name}.done"`)
	case !given:
	case f.Ready != ReadyMarker:
		t.faultAt(key, "marker is given, but ready = "+show(f.Ready), `ready = "marker"`)
	default:
		if fault := markerFault(template); fault != "" {
			t.faultAt(key, key+" = "+show(template)+": "+fault, `marker = "{name}.done"`)
		}
	}
	return template
}

// markerSend tells whether markers are sent too. They come last then: the partner must not see one before its file.
func (t table) markerSend(f *Folder) bool {
	const key = "marker_send"
	sends := t.flag(key, false)
	switch {
	case sends && f.Ready != ReadyMarker:
		t.faultAt(key, key+" is true, but ready = "+show(f.Ready), `ready = "marker"`)
	case sends && f.Marker != "":
		if markers := markersOf(f); !slices.Contains(f.Last, markers) {
			f.Last = append(slices.Clip(f.Last), markers)
		}
	}
	return sends
}

// markersOf is the pattern of a folder's markers.
func markersOf(f *Folder) string { return anyMarker.Replace(globEscaper.Replace(f.Marker)) }

var anyMarker = strings.NewReplacer(globEscaper.Replace("{name}"), "*", globEscaper.Replace("{stem}"), "*")

// markerFault says what is wrong with a template of markers. The watcher has the same rule.
func markerFault(template string) string {
	before, after, ok := strings.Cut(template, "{name}")
	if !ok {
		before, after, ok = strings.Cut(template, "{stem}")
	}
	switch rest := before + after; {
	case !ok:
		return "neither {name} nor {stem} says which file it is for"
	case strings.ContainsAny(rest, "{}"):
		return "{name} or {stem} stands in it once, and no other placeholder"
	case strings.ContainsAny(rest, `/\`):
		return "a marker lies in its file's directory"
	case rest == "":
		return "the file itself would be its marker"
	}
	return ""
}

// checkLinks finds rules that do not go with links that are followed.
func (t table) checkLinks(f Folder) {
	if f.Symlinks != FollowLinks {
		return
	}
	key := "symlinks"
	switch {
	case f.After != Keep:
		t.faultAt(key, "symlinks = "+show(f.Symlinks)+" with after = "+show(f.After)+": the link would be taken away, and not its file",
			`after = "keep", or symlinks = "skip"`)
	case f.Ready == ReadyMarker:
		t.faultAt(key, "symlinks = "+show(f.Symlinks)+` with ready = "marker": markers are waited for only beside the files themselves`,
			`symlinks = "skip"`)
	}
}
