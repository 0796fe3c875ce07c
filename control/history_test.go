package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// ledger is an API that has so many deliveries and removals, and notes how many it was asked for at once.
func ledger(deliveries, removals int) (api fake, whole History, asked func() (calls, most int)) {
	whole.Deliveries = []Delivery{}
	for n := range deliveries {
		whole.Deliveries = append(whole.Deliveries, Delivery{ID: fmt.Sprint("d", n), Path: "a<b>&.txt", HostKey: "SHA256:x"})
	}
	for n := range removals {
		whole.Removals = append(whole.Removals, Removal{ID: fmt.Sprint("r", n), Path: nasty, PathB64: []byte(nasty)})
	}
	calls, most := 0, 0
	api.history = func(_ context.Context, q HistoryQuery) (History, error) {
		h := History{Deliveries: whole.Deliveries, Removals: whole.Removals}
		if i := slices.IndexFunc(h.Deliveries, func(d Delivery) bool { return d.ID == q.Before }); i >= 0 {
			h.Deliveries, h.Removals = h.Deliveries[i+1:], nil
		}
		if i := slices.IndexFunc(h.Removals, func(r Removal) bool { return r.ID == q.Before }); i >= 0 {
			h.Deliveries, h.Removals = []Delivery{}, h.Removals[i+1:]
		}
		if q.Limit > 0 {
			h.Deliveries, h.Removals = h.Deliveries[:min(q.Limit, len(h.Deliveries))], h.Removals[:min(q.Limit, len(h.Removals))]
		}
		calls, most = calls+1, max(most, len(h.Deliveries), len(h.Removals))
		return h, nil
	}
	return api, whole, func() (int, int) { return calls, most }
}

// A history that is written page by page is the same text as one that is written at once.
func TestAHistoryIsWrittenPageByPage(t *testing.T) {
	for _, c := range []struct{ deliveries, removals, calls int }{
		{0, 0, 1}, {1, 0, 1}, {3, 2, 1}, {0, 1, 1}, {historyPage, 0, 2}, {2*historyPage + 1, historyPage + 1, 4},
	} {
		api, whole, asked := ledger(c.deliveries, c.removals)
		var got, want bytes.Buffer
		if err := WriteHistory(t.Context(), &got, api, HistoryQuery{}); err != nil {
			t.Fatal(err)
		}
		encoder := json.NewEncoder(&want)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(whole); err != nil {
			t.Fatal(err)
		}
		if got.String() != want.String() {
			t.Errorf("%+v: it is another text:\n%.300s", c, got.String())
		}
		if calls, most := asked(); calls != c.calls || most > historyPage {
			t.Errorf("%+v: %d pages of up to %d", c, calls, most)
		}
	}
}

// Over HTTP it is the same too, and what fails in the middle is no shorter history.
func TestALongHistoryOverHTTP(t *testing.T) {
	api, whole, _ := ledger(2*historyPage+1, 1)
	failing := api
	var fail error
	failing.history = func(ctx context.Context, q HistoryQuery) (History, error) {
		if q.Before != "" && fail != nil {
			return History{}, fail
		}
		return api.history(ctx, q)
	}
	dir := stateDir(t)
	serve(t, dir, failing)
	c := dial(t, dir)
	got, err := c.History(t.Context(), HistoryQuery{})
	if err != nil {
		t.Fatal(err)
	}
	whole.Removals[0].Path = nasty
	if !reflect.DeepEqual(got, whole) {
		t.Errorf("%d deliveries and %d removals", len(got.Deliveries), len(got.Removals))
	}
	fail = errors.New("disk I/O error")
	if _, err = c.History(t.Context(), HistoryQuery{}); err == nil || !strings.Contains(err.Error(), "EOF") {
		t.Errorf("a history that is cut: %v", err)
	}
	var out bytes.Buffer
	if err := WriteHistory(t.Context(), &out, c, HistoryQuery{}); err == nil || !strings.Contains(err.Error(), "disk I/O error") {
		t.Errorf("a page that fails: %v", err)
	}
}
