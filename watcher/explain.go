package watcher

import (
	"errors"
	"time"

	"github.com/dropferry/dropferry/file"
)

// Explain looks at p now and tells what the watcher thinks of it. It may be called at any time from anywhere.
func (w *Watcher) Explain(p file.Path) Explanation {
	e := w.explainPlace(p)
	if e.Kind == Dir {
		e.Excluded, _ = w.match.dir(p)
	} else {
		e.Excluded, _ = w.match.file(p)
	}
	if u, ok := w.settling.waiting(p); ok {
		e.Settling, e.Since, e.Until, e.Reason = true, u.Since, u.Until, u.Reason
		e.Unmarked = w.readyBy(p) == ReadyMarker
	}
	return e
}

// Completed returns e as it is when the file is ready.
func (e Explanation) Completed() Explanation {
	e.Settling, e.Unmarked, e.Since, e.Until, e.Reason = false, false, time.Time{}, time.Time{}, ""
	return e
}

// explainMarker tells of a file whose marker is not there, whether or not a scan has come to it yet.
func (w *Watcher) explainMarker(e *Explanation, way *descent, p file.Path) {
	d, _, err := way.parent(p)
	if err != nil {
		return
	}
	if _, reason, ok := w.lookForMarker(d, p, e.Fingerprint); !ok {
		e.Settling, e.Unmarked, e.Reason = true, true, reason
	}
}

// explainPlace tells what stands at p.
func (w *Watcher) explainPlace(p file.Path) Explanation {
	way, err := w.descend()
	if err != nil {
		return Explanation{Err: err}
	}
	defer way.close()
	st, err := statAt(way, p)
	switch {
	case errors.Is(err, errNotDir), errors.Is(err, errLink):
		return Explanation{Exists: errors.Is(err, errLink), Kind: Other, Reason: err.Error()} // a link on the way, say
	case err != nil && isGone(err):
		return Explanation{}
	case err != nil:
		return Explanation{Err: err}
	}
	e := Explanation{Exists: true, Kind: st.kind(), Fingerprint: st.Fingerprint}
	switch {
	case e.Kind == Other:
		e.Reason = st.skipped()
	case e.Kind == File && w.staysMarker(p):
		e.Kind, e.Reason = Other, reasonMarker
	case e.Kind == File && w.readyBy(p) == ReadyMarker:
		w.explainMarker(&e, way, p)
	}
	return e
}

func statAt(way *descent, p file.Path) (stat, error) {
	if p == "" {
		return way.root.stat()
	}
	d, name, err := way.parent(p)
	if err != nil {
		return stat{}, err
	}
	return d.lstat(name)
}
