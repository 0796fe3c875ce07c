package syncer

import (
	"testing"
	"time"

	"github.com/dropferry/dropferry/state"
)

// TestRatesStay has a run know what an earlier one has learned of a destination, unless that is long ago.
func TestRatesStay(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.toFake()
	s.hashes = true
	r.drop("a", large(2<<20))
	r.once()
	stored, err := r.store.Rates(t.Context(), "acme")
	if err != nil || len(stored) == 0 || stored[len(stored)-1].What != "send" || stored[len(stored)-1].Bytes <= 0 {
		t.Fatalf("stored: %+v, %v", stored, err)
	}
	known := func(stored ...state.Rate) float64 {
		var of speeds
		of.recall(stored, settledClock())
		return of.send.or(0)
	}
	send := state.Rate{What: "send", Bytes: 7 << 20, At: settledClock()}
	if got := known(state.Rate{What: "fly", Bytes: 1, At: send.At}, send); got != 7<<20 {
		t.Errorf("recalled %v", got)
	}
	for _, days := range []int{-31, 31} {
		old := send
		old.At = old.At.AddDate(0, 0, days)
		if got := known(old); got != 0 {
			t.Errorf("recalled %v of %d days ago", got, -days)
		}
	}
	var of speeds
	of.send.note(3<<20, time.Second)
	of.recall([]state.Rate{send}, settledClock())
	if got := of.learned(send.At); len(got) != 1 || got[0].Bytes != 3<<20 {
		t.Errorf("what was learned since: %+v", got)
	}
	if got := of.learned(send.At); len(got) != 0 {
		t.Errorf("it is learned again: %+v", got)
	}
	r.must(r.store.SaveRates(t.Context(), "acme", []state.Rate{send}))
	syncer := New(r.options)
	l := syncer.link("acme")
	if _, err := l.prepare(t.Context()); err != nil || l.speeds.send.or(0) != 7<<20 {
		t.Errorf("the next run takes it for %v, %v", l.speeds.send.or(0), err)
	}
}
