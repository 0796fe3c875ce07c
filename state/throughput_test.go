package state

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
)

func TestThroughput(t *testing.T) {
	s := newStore(t)
	hour := noon.Truncate(time.Hour)
	for i, at := range []time.Time{hour, hour.Add(59 * time.Minute), hour.Add(3 * time.Hour), hour.Add(-time.Nanosecond), hour.Add(4 * time.Hour)} {
		in := planOne(t, s, intentFor(route, file.Path(fmt.Sprint(i))))
		commit(t, s, in)
		d := deliveryOf(in, true)
		d.At = at
		if ok, err := s.Deliver(t.Context(), in.ID, d); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	got, err := s.Throughput(t.Context(), hour, hour.Add(4*time.Hour), time.Hour)
	want := []Throughput{{hour, 2, 8192}, {hour.Add(3 * time.Hour), 1, 4096}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := s.Throughput(t.Context(), hour.Add(5*time.Hour), hour.Add(6*time.Hour), time.Hour); err != nil || len(got) != 0 {
		t.Errorf("of a time in which nothing was: %v, %v", got, err)
	}
}
