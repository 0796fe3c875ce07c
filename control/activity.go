package control

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Day and Month are the spans over which an Activity can be asked for.
const (
	Day   = "24h"
	Month = "30d"
)

// Spans are the spans over which an Activity can be asked for, the default first.
func Spans() []string { return []string{Day, Month} }

// Activity is what went on lately.
type Activity struct {
	Span   string          `json:"span"`
	Step   int             `json:"step_seconds"`
	Points []ActivityPoint `json:"points"` // one for each step, the oldest first; the last step is not over yet
}

// ActivityPoint is what went on in one step. What waited is known only where an agent has looked: it does so once a minute.
type ActivityPoint struct {
	At         time.Time `json:"at"` // its beginning
	Deliveries int64     `json:"deliveries"`
	Bytes      int64     `json:"bytes"`
	Queued     *int      `json:"queued,omitempty"` // the most files that were ready and not published
	Aside      *int      `json:"aside,omitempty"`  // the most files that waited for a person
}

func (s Site) activity(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	err := only(query, "span")
	span := query.Get("span")
	if span == "" {
		span = Day
	}
	if err == nil && !slices.Contains(Spans(), span) {
		err = fmt.Errorf("%w: span=%q is neither %s nor %s", errBadRequest, span, Day, Month)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	a, err := s.Activity(r.Context(), span)
	conclude(w, r, a, err)
}
