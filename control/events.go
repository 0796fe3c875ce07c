package control

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const (
	eventEvery = time.Second      // between two looks at the status
	aliveEvery = 15 * time.Second // without a change, so that a connection that is gone is noticed
)

// events sends the status whenever it has changed, by the format of https://html.spec.whatwg.org/multipage/server-sent-events.html.
func (s Site) events(w http.ResponseWriter, r *http.Request) {
	if err := only(r.URL.Query()); err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	ticker := time.NewTicker(eventEvery)
	defer ticker.Stop()
	var before []byte
	sent := time.Now()
	for {
		status, err := s.API.Status(r.Context())
		if r.Context().Err() != nil {
			return
		}
		text, jsonErr := json.Marshal(status)
		if err != nil || jsonErr != nil {
			text, _ = json.Marshal(fault{Error: fmt.Sprint(err, jsonErr)}) // two strings always are JSON
			before = nil
			text = fmt.Appendf(nil, "event: fault\ndata: %s\n\n", text)
		} else if bytes.Equal(text, before) {
			text = nil
			if time.Since(sent) >= aliveEvery {
				text = []byte(": still here\n\n")
			}
		} else {
			before = text
			text = fmt.Appendf(nil, "event: status\ndata: %s\n\n", text)
		}
		if text != nil {
			_ = out.SetWriteDeadline(time.Now().Add(answerWithin)) // fails on a dead connection, as what follows does
			if _, err := w.Write(text); err != nil || out.Flush() != nil {
				return
			}
			sent = time.Now()
		}
		select {
		case <-r.Context().Done():
			return
		case <-ticker.C:
		}
	}
}
