package state

import (
	"slices"
	"testing"
	"time"
)

func TestRates(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	save := func(destination string, all ...Rate) {
		t.Helper()
		if err := s.SaveRates(t.Context(), destination, all); err != nil {
			t.Fatal(err)
		}
	}
	send, hash := Rate{"send", 5 << 20, noon}, Rate{"hash", 400 << 20, noon}
	save("acme", send, hash)
	save("acme")
	save("globex", Rate{"send", 1, noon})
	send.Bytes, send.At = 6<<20, noon.Add(time.Hour)
	save("acme", send)
	if got, err := s.Rates(t.Context(), "acme"); err != nil || !slices.Equal(got, []Rate{hash, send}) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := s.Rates(t.Context(), "initech"); err != nil || len(got) != 0 {
		t.Errorf("of one that was never used: %v, %v", got, err)
	}
}
