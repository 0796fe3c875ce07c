package state

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
)

func TestDue(t *testing.T) {
	s := newStore(t)
	var all []Intent
	for i := range 8 {
		all = append(all, planOne(t, s, intentFor(route, file.Path(fmt.Sprintf("%d.xml", i)))))
	}
	planOne(t, s, intentFor(second, "0.xml"))
	fail := func(i int, next time.Time, phase Phase) {
		t.Helper()
		if err := s.Fail(t.Context(), all[i].ID, Failure{Err: "no", Next: next, Phase: phase}); err != nil {
			t.Fatal(err)
		}
	}
	fail(1, noon, Planned)                      // due again exactly now
	fail(2, noon.Add(time.Nanosecond), Planned) // not yet
	fail(4, noon.Add(-time.Hour), Planned)      // due again for long
	fail(5, time.Time{}, Held)
	commit(t, s, all[6])
	commit(t, s, all[7])
	fail(7, noon.Add(time.Minute), Committing)

	// 6 is committing; 0 and 3 have never failed; 1 and 4 have.
	tests := []struct {
		name  string
		now   time.Time
		limit int
		skip  []int
		want  []int
	}{
		{"all", noon, 0, nil, []int{6, 0, 1, 3, 4}},
		{"as many as there are", noon, 5, nil, []int{6, 0, 1, 3, 4}},
		{"two", noon, 2, nil, []int{6, 0}},
		{"three", noon, 3, nil, []int{6, 0, 1}},
		{"skipped do not count", noon, 2, []int{6, 0}, []int{1, 3}},
		{"skipped that are due again", noon, 2, []int{6, 0, 1, 3}, []int{4}},
		{"later", noon.Add(time.Minute), 0, nil, []int{6, 7, 0, 1, 2, 3, 4}},
		{"before any failure", noon.Add(-2 * time.Hour), 0, nil, []int{6, 0, 3}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			skip := map[string]bool{}
			for _, i := range test.skip {
				skip[all[i].ID] = true
			}
			got, err := s.Due(t.Context(), route.Destination, test.now, test.limit, skip)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, i := range test.want {
				want = append(want, all[i].ID)
			}
			if !slices.Equal(ids(got), want) {
				t.Errorf("%v, want %v", ids(got), want)
			}
		})
	}

	next := []struct {
		now, want time.Time
	}{
		{noon.Add(-2 * time.Hour), noon.Add(-time.Hour)},
		{noon.Add(-time.Hour), noon},
		{noon, noon.Add(time.Nanosecond)},
		{noon.Add(time.Nanosecond), noon.Add(time.Minute)},
		{noon.Add(time.Minute), time.Time{}},
	}
	for _, n := range next {
		got, ok, err := s.NextDue(t.Context(), route.Destination, n.now)
		if err != nil || ok != !n.want.IsZero() || !got.Equal(n.want) {
			t.Errorf("next after %s: %s, %t, %v, want %s", n.now, got, ok, err, n.want)
		}
	}
	if got, ok, err := s.NextDue(t.Context(), "nowhere", noon); ok || err != nil {
		t.Errorf("next at nowhere: %s, %v", got, err)
	}
}

func TestDueSmall(t *testing.T) {
	s := newStore(t)
	var all []Intent
	for i, size := range []int64{10, 11, 0, 10, 10, 10, 10} {
		intent := intentFor(route, file.Path(fmt.Sprintf("%d.xml", i)))
		intent.Fingerprint.Size = size
		all = append(all, planOne(t, s, intent))
	}
	other := intentFor(second, "0.xml")
	other.Fingerprint.Size = 1
	planOne(t, s, other)
	for i, f := range map[int]Failure{
		3: {Err: "no", Next: noon, Phase: Planned}, 4: {Err: "no", Next: noon.Add(1), Phase: Planned}, 5: {Err: "no", Phase: Held},
	} {
		if err := s.Fail(t.Context(), all[i].ID, f); err != nil {
			t.Fatal(err)
		}
	}
	commit(t, s, all[6])
	for _, test := range []struct {
		name  string
		limit int
		skip  []int
		want  []int
	}{
		{"small, and due", 10, nil, []int{0, 2, 3}},
		{"as many as there are", 3, nil, []int{0, 2, 3}},
		{"two", 2, nil, []int{0, 2}},
		{"skipped do not count", 2, []int{0}, []int{2, 3}},
	} {
		skip, want := map[string]bool{}, []string(nil)
		for _, i := range test.skip {
			skip[all[i].ID] = true
		}
		for _, i := range test.want {
			want = append(want, all[i].ID)
		}
		got, err := s.DueSmall(t.Context(), route.Destination, noon, 10, test.limit, skip)
		if err != nil || !slices.Equal(ids(got), want) {
			t.Errorf("%s: %v, %v, want %v", test.name, ids(got), err, want)
		}
	}
	if _, _, err := s.Pause(t.Context(), route, noon); err != nil {
		t.Fatal(err)
	}
	if got, err := s.DueSmall(t.Context(), route.Destination, noon, 10, 10, nil); err != nil || len(got) > 0 {
		t.Errorf("on a paused route: %v, %v", ids(got), err)
	}
}
