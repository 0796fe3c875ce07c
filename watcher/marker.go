package watcher

import (
	"errors"
	"fmt"
	"hash/maphash"
	"strings"

	"github.com/dropferry/dropferry/file"
)

// marker is a template of the names of markers: one placeholder with something before or behind it.
type marker struct {
	prefix, suffix string // as they are compared
	stem           bool   // the placeholder stands for the name without its extension
	fold           bool
}

// The placeholders of Rules.Marker: the whole name of the file, or the name without what follows its last dot.
const (
	markerName = "{name}"
	markerStem = "{stem}"
)

// CheckMarker says what is wrong with a template of markers, such as "{name}.done".
func CheckMarker(template string) error {
	_, err := newMarker(template, foldNames)
	return err
}

func newMarker(template string, fold bool) (marker, error) {
	m := marker{fold: fold}
	before, after, ok := strings.Cut(template, markerName)
	if !ok {
		before, after, m.stem = strings.Cut(template, markerStem)
	}
	switch {
	case !ok && !m.stem:
		return m, fmt.Errorf("marker = %q names neither {name} nor {stem}, for which file it is", template)
	case strings.ContainsAny(before+after, "{}"):
		return m, fmt.Errorf("marker = %q: {name} or {stem} stands in it once, and no other placeholder", template)
	case strings.ContainsAny(before+after, `/\`):
		return m, fmt.Errorf("marker = %q: a marker lies in its file's directory", template)
	case before+after == "":
		return m, errors.New("marker: the file itself would be its marker")
	}
	m.prefix, m.suffix = m.folded(before), m.folded(after)
	return m, nil
}

func (m marker) folded(s string) string {
	if m.fold {
		return strings.ToLower(s)
	}
	return s
}

func (m marker) used() bool { return m.prefix+m.suffix != "" }

// of returns the marker of the file at p.
func (m marker) of(p file.Path) file.Path {
	base := p.Base()
	if m.stem {
		if dot := strings.LastIndexByte(base, '.'); dot > 0 {
			base = base[:dot]
		}
	}
	return p.Dir().Join(m.prefix + base + m.suffix)
}

// key is the path of a marker as it is compared.
func (m marker) key(p file.Path) file.Path { return file.Path(m.folded(string(p))) }

// is tells whether base is the name of a marker, of whatever file.
func (m marker) is(base string) bool {
	if !m.used() {
		return false
	}
	base = m.folded(base)
	return len(base) > len(m.prefix)+len(m.suffix) && strings.HasPrefix(base, m.prefix) && strings.HasSuffix(base, m.suffix)
}

// MarkerOf returns the marker that the rules want for the file at p; ok is false where they want none.
func MarkerOf(rules Rules, p file.Path) (marker file.Path, ok bool) {
	if rules.Ready != ReadyMarker {
		return "", false
	}
	m, err := newMarker(rules.Marker, foldNames)
	return m.of(p), err == nil
}

// staysMarker tells whether p is a marker that is not sent itself.
func (w *Watcher) staysMarker(p file.Path) bool { return !w.rules.SendMarkers && w.marker.is(p.Base()) }

// readyBy is the way by which p becomes ready. A marker has none itself.
func (w *Watcher) readyBy(p file.Path) string {
	if w.rules.Ready == ReadyMarker && w.marker.is(p.Base()) {
		return ReadyStable
	}
	return w.rules.Ready
}

// reasonMarker is why a marker is not sent itself.
const reasonMarker = "marker: it says that another file is complete, and is not sent itself"

// usedMarkers remembers for which version a marker has counted: it counts for one. It is bounded, and starts empty, so it
// only sharpens the rule that holds in any case: a marker that is older than the file does not count.
type usedMarkers map[uint64]usedMarker

type usedMarker struct{ print, marker uint64 }

const maxUsedMarkers = 1 << 16

func (u *usedMarkers) add(p file.Path, print, marker file.Fingerprint) {
	if *u == nil {
		*u = usedMarkers{}
	}
	if len(*u) >= maxUsedMarkers {
		for some := range *u {
			delete(*u, some)
			break
		}
	}
	(*u)[maphash.String(seed, string(p))] = usedMarker{hashVersion(print), maphash.Comparable(seed, marker)}
}

// spent tells whether the marker has counted for another version of p.
func (u usedMarkers) spent(p file.Path, print, marker file.Fingerprint) bool {
	have, ok := u[maphash.String(seed, string(p))]
	return ok && have.marker == maphash.Comparable(seed, marker) && have.print != hashVersion(print)
}

// hashVersion is of all that tells versions apart, but for the time of the last change of attributes: a file whose mode was changed
// has no new marker coming.
func hashVersion(print file.Fingerprint) uint64 {
	print.ChangeTime = 0
	return maphash.Comparable(seed, print)
}

// marked tells whether the file at p, in d, with that fingerprint, has a marker that counts, and if not, why.
func (w *Watcher) marked(d *dir, p file.Path, print file.Fingerprint) (found file.Fingerprint, reason string, ok bool) {
	found, reason, ok = w.lookForMarker(d, p, print)
	if ok && w.used.spent(p, print, found) {
		return found, "waiting for a new marker " + w.marker.of(p).Base() + ": that one was for an earlier version", false
	}
	return found, reason, ok
}

// lookForMarker is marked but for what is remembered of markers that have counted.
func (w *Watcher) lookForMarker(d *dir, p file.Path, print file.Fingerprint) (found file.Fingerprint, reason string, ok bool) {
	name := w.marker.of(p).Base()
	st, err := d.lstat(name)
	switch {
	case err != nil && isGone(err):
		return found, "waiting for its marker " + name, false
	case err != nil:
		return found, fmt.Sprintf("waiting for its marker: %v", err), false
	case st.kind() != File:
		return found, "waiting for its marker " + name + ", which is not a regular file", false
	case st.ModTime < print.ModTime:
		return found, "waiting for a new marker " + name + ": that one is older than the file", false
	}
	return st.Fingerprint, "", true
}

// spend notes for which version the marker of u has counted.
func (w *Watcher) spend(u *unsettled) {
	if u.marker != "" {
		w.used.add(u.path, u.print, u.markerPrint)
	}
}

// Complete lets the file at p not be waited for any longer, which a Sink knows to have been complete as it is: its marker may be gone. It is for
// a Sink, during Scan.
func (w *Watcher) Complete(p file.Path) { w.settling.drop(p) }
