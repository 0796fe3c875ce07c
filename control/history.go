package control

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"
)

// historyPage is how many deliveries are asked for at once. A ledger of years is more than anybody should hold in memory.
const historyPage = 1000

// history is a History that is read page by page while it is written.
type history struct {
	api   API
	query HistoryQuery
	first History // page
}

// longHistory asks for the first page.
func longHistory(ctx context.Context, api API, q HistoryQuery) (*history, error) {
	q.Limit = historyPage
	first, err := api.History(ctx, q)
	return &history{api: api, query: q, first: first}, err
}

// WriteHistory writes all that a query without a limit selects, as a History in JSON, and holds no more than a part of it. What is
// indented is for people, as json.Encoder.SetIndent writes it with two spaces.
func WriteHistory(ctx context.Context, w io.Writer, api API, q HistoryQuery) error {
	h, err := longHistory(ctx, api, q)
	if err != nil {
		return err
	}
	return h.write(ctx, w, true, func() {})
}

// serve answers a request. What fails in the middle cuts the connection: the status has been sent by then.
func (h *history) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	control := http.NewResponseController(w)
	err := h.write(r.Context(), w, false, func() {
		_ = control.SetWriteDeadline(time.Now().Add(answerWithin)) // fails on a dead connection
	})
	if err != nil {
		panic(http.ErrAbortHandler)
	}
}

// write writes it all, and calls page before each page.
func (h *history) write(ctx context.Context, w io.Writer, indented bool, page func()) error {
	out := &jsonLists{w: bufio.NewWriter(w), indented: indented}
	behind := func(id string) (History, error) {
		if err := out.w.Flush(); err != nil {
			return History{}, err
		}
		page()
		q := h.query
		q.Before = id
		return h.api.History(ctx, q)
	}
	page()
	out.begin()
	err := writeList(out, "deliveries", h.first.Deliveries, func(last Delivery) ([]Delivery, error) {
		next, err := behind(last.ID)
		return next.Deliveries, err
	})
	if err == nil && len(h.first.Removals) > 0 {
		err = writeList(out, "removals", h.first.Removals, func(last Removal) ([]Removal, error) {
			next, err := behind(last.ID)
			return next.Removals, err
		})
	}
	if err != nil {
		return err
	}
	out.end()
	return out.w.Flush()
}

// jsonLists writes an object that has lists in it.
type jsonLists struct {
	w        *bufio.Writer // which keeps the first error for Flush
	indented bool
	lists    int
}

func (j *jsonLists) begin() { _ = j.w.WriteByte('{') }

func (j *jsonLists) end() {
	j.line("\n")
	_, _ = j.w.WriteString("}\n")
}

// line begins a line where there are lines.
func (j *jsonLists) line(text string) {
	if j.indented {
		_, _ = j.w.WriteString(text)
	}
}

// writeList writes a list, page by page: a page that is not full is the last.
func writeList[T any](j *jsonLists, name string, page []T, behind func(last T) ([]T, error)) error {
	if j.lists++; j.lists > 1 {
		_ = j.w.WriteByte(',')
	}
	j.line("\n  ")
	_, _ = j.w.WriteString(`"` + name + `":`)
	j.line(" ")
	_ = j.w.WriteByte('[')
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(!j.indented)
	if j.indented {
		encoder.SetIndent("    ", "  ")
	}
	written := false
	for {
		for i := range page {
			if written {
				_ = j.w.WriteByte(',')
			}
			written = true
			j.line("\n    ")
			text.Reset()
			if err := encoder.Encode(page[i]); err != nil {
				return err
			}
			_, _ = j.w.Write(bytes.TrimSuffix(text.Bytes(), []byte("\n")))
		}
		if len(page) < historyPage {
			break
		}
		var err error
		if page, err = behind(page[len(page)-1]); err != nil {
			return err
		}
	}
	if written {
		j.line("\n  ")
	}
	_ = j.w.WriteByte(']')
	return nil
}
