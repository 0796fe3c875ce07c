package control

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// ErrNoDelivery is the error for the id of a delivery that is not in the ledger.
var ErrNoDelivery = errors.New("there is no such delivery")

// Moment is one step in the story of a version of a file on its way to a destination.
type Moment struct {
	At time.Time `json:"at,omitzero"` // not there where that is not known
	// What is changed (the file's last change), seen (by the agent, for the first time), settled, ready, planned (in the same moment),
	// began (the first attempt), failed, held, parked, omitted (failures of which is not known more), cancelled, published or archived.
	What      string `json:"what"`
	Detail    string `json:"detail,omitempty"` // the error, the evidence, or where it went
	DetailB64 []byte `json:"detail_b64,omitempty"`
}

// DeliveryStory is one delivery, and what happened to it.
type DeliveryStory struct {
	Delivery Delivery   `json:"delivery"`
	Story    []Moment   `json:"story"`            // the oldest first
	Others   []Delivery `json:"others,omitempty"` // further deliveries of the same file, the newest first
}

func (s Site) delivery(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	err := only(query, "id")
	if id := query.Get("id"); err == nil && id == "" {
		err = fmt.Errorf("%w: id is missing", errBadRequest)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	d, err := s.Delivery(r.Context(), query.Get("id"))
	if errors.Is(err, ErrNoDelivery) {
		refuse(w, http.StatusNotFound, err)
		return
	}
	conclude(w, r, d, err)
}
