package syncer

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
)

func TestDecideRemoval(t *testing.T) {
	n := func(n int) *int { return &n }
	for name, row := range map[string]struct {
		s    situation
		want removal
	}{
		"nothing is missing":                   {situation{present: 5, most: 50}, removal{}},
		"nothing is there, nothing is missing": {situation{most: 50}, removal{}},
		"too young":                            {situation{present: 5, missing: 3, most: 50}, removal{}},
		"too young, and too many":              {situation{present: 5, missing: 51, most: 50}, removal{}},
		"too young, and all":                   {situation{missing: 3, most: 50}, removal{}},
		"one":                                  {situation{present: 1, missing: 1, ripe: 1, most: 50}, removal{remove: true}},
		"as many as may be":                    {situation{present: 1, missing: 50, ripe: 50, most: 50}, removal{remove: true}},
		"one more":                             {situation{present: 1000, missing: 51, ripe: 51, most: 50}, removal{halt: HaltTooMany}},
		"more are going":                       {situation{present: 1000, missing: 51, ripe: 1, most: 50}, removal{halt: HaltTooMany}},
		"none may be":                          {situation{present: 1, missing: 1, ripe: 1}, removal{halt: HaltTooMany}},
		"the last one":                         {situation{missing: 1, ripe: 1, most: 50}, removal{halt: HaltEmptied}},
		"all of many":                          {situation{missing: 99, ripe: 99, most: 50}, removal{halt: HaltEmptied}},
		"all, accepted":                        {situation{missing: 99, ripe: 99, most: 50, accepted: n(99)}, removal{remove: true}},
		"more than accepted":                   {situation{missing: 99, ripe: 99, most: 50, accepted: n(98)}, removal{halt: HaltTooMany}},
		"less than usual accepted":             {situation{present: 9, missing: 2, ripe: 2, most: 50, accepted: n(1)}, removal{halt: HaltTooMany}},
		"none accepted":                        {situation{present: 9, missing: 1, ripe: 1, most: 50, accepted: n(0)}, removal{halt: HaltTooMany}},
	} {
		if got := decideRemoval(row.s); got != row.want {
			t.Errorf("%s: %+v, want %+v", name, got, row.want)
		}
	}
}

// TestHaltGoesOn with what is so by now, whatever has been missing before, and ends where the limit was raised enough.
func TestHaltGoesOn(t *testing.T) {
	n := func(n int) *int { return &n }
	begun := func(reason string, began int, s situation) state.Halt {
		return state.Halt{Reason: reason, Began: began, Allowed: s.may(), MaxDelete: s.most}
	}
	many, all := situation{most: 5}, situation{most: 50}
	for name, row := range map[string]struct {
		h     state.Halt
		now   situation
		freed bool
		want  string
	}{
		"as it was":              {begun(HaltTooMany, 20, many), situation{present: 9, missing: 20, most: 5}, false, "20 files are missing in /x and would be removed, more than 5 ("},
		"most is back":           {begun(HaltTooMany, 20, many), situation{present: 9, missing: 2, most: 5}, false, "20 files were missing in /x, more than 5; 2 files are missing now ("},
		"the limit is raised":    {begun(HaltTooMany, 20, many), situation{present: 9, missing: 20, most: 20}, true, ""},
		"not enough":             {begun(HaltTooMany, 20, many), situation{present: 9, missing: 20, most: 19}, false, "20 files are missing in /x and would be removed, more than 19 ("},
		"all is gone by now":     {begun(HaltTooMany, 20, many), situation{missing: 20, most: 50}, false, "20 files were missing in /x, more than 5; 20 files"},
		"the limit is lowered":   {begun(HaltTooMany, 20, many), situation{present: 9, missing: 4, most: 1}, false, "20 files were missing in /x, more than 5; 4 files"},
		"more than was accepted": {begun(HaltTooMany, 20, situation{most: 50, accepted: n(3)}), situation{present: 9, missing: 20, most: 50}, false, "more than 3 ("},
		"emptied":                {begun(HaltEmptied, 1, all), situation{missing: 1, most: 50}, false, "no file is left in /x, and 1 file would be removed ("},
		"and filled again":       {begun(HaltEmptied, 20, all), situation{present: 18, missing: 2, most: 500}, false, "no file was left in /x, and 20 files would have been removed; 2 files are missing now ("},
		"of an earlier version":  {state.Halt{Reason: HaltTooMany, Began: 20, Allowed: -1, MaxDelete: -1}, situation{present: 9, missing: 2, most: 50}, false, "20 files were missing in /x; 2 files are missing now ("},
		"the marker":             {begun(HaltMarker, 0, all), situation{present: 9, missing: 2, most: 500}, false, "/x has no file .dropferry any more"},
	} {
		if got := isFreed(&row.h, row.now); got != row.freed {
			t.Errorf("%s: freed %v, want %v", name, got, row.freed)
		}
		if got := haltedDetail(&row.h, "/x", row.now, nil); !strings.Contains(got, row.want) {
			t.Errorf("%s: %q, want %q", name, got, row.want)
		}
	}
}

// TestRestOfWhatIsAccepted stays accepted as long as it would halt the folder again.
func TestRestOfWhatIsAccepted(t *testing.T) {
	n := func(n int) *int { return &n }
	for name, row := range map[string]struct {
		s               situation
		planned, passed int
		rest            int
		some            bool
	}{
		"nothing was accepted":               {situation{present: 5, missing: 60, most: 50}, 1, 1, 0, false},
		"all are planned":                    {situation{present: 5, missing: 60, most: 50, accepted: n(60)}, 60, 60, 0, false},
		"most are not old enough":            {situation{present: 5, missing: 60, most: 50, accepted: n(60)}, 8, 8, 52, true},
		"more was accepted than was missing": {situation{present: 5, missing: 60, most: 50, accepted: n(70)}, 8, 8, 62, true},
		"the rest needs no word":             {situation{present: 5, missing: 60, most: 50, accepted: n(60)}, 10, 10, 0, false},
		"the rest are the last of the folder": {
			situation{missing: 60, most: 50, accepted: n(60)}, 59, 59, 1, true,
		},
		"some belong elsewhere by now": {situation{present: 5, missing: 60, most: 5, accepted: n(60)}, 10, 40, 50, true},
		"all others do":                {situation{present: 5, missing: 60, most: 5, accepted: n(60)}, 10, 60, 0, false},
	} {
		if rest, some := restOf(row.s, row.planned, row.passed); rest != row.rest || some != row.some {
			t.Errorf("%s: %d, %v, want %d, %v", name, rest, some, row.rest, row.some)
		}
	}
}

// TestRemovalIsBounded holds for any situation: never is more removed than was allowed, and never the last file unasked.
func TestRemovalIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := situation{
			present: rapid.IntRange(0, 3).Draw(t, "present"), missing: rapid.IntRange(0, 100).Draw(t, "missing"),
			most: rapid.IntRange(0, 60).Draw(t, "most"),
		}
		s.ripe = rapid.IntRange(0, s.missing).Draw(t, "ripe")
		if rapid.Bool().Draw(t, "accepts") {
			n := rapid.IntRange(0, 100).Draw(t, "accepted")
			s.accepted = &n
		}
		d := decideRemoval(s)
		most := s.most
		if s.accepted != nil {
			most = *s.accepted
		}
		switch {
		case d.remove && d.halt != "":
			t.Fatal("both")
		case d.remove && (s.ripe == 0 || s.missing > most):
			t.Fatalf("removes %d of %d, and may %d", s.ripe, s.missing, most)
		case d.remove && s.present == 0 && s.accepted == nil:
			t.Fatal("removes all")
		case !d.remove && d.halt == "" && s.ripe > 0:
			t.Fatal("neither")
		}
	})
}

func TestHaltDetail(t *testing.T) {
	n := 3
	examples := []file.Path{"a", "b \x1b[31m", "c"}
	for _, row := range []struct {
		reason string
		s      situation
		want   []string
	}{
		{HaltMarker, situation{}, []string{"/srv/x has no file .dropferry any more", "Is its disk mounted?"}},
		{HaltMarker, situation{foreign: true}, []string{"the file .dropferry in /srv/x is not the one", "Is another disk mounted there, or none?"}},
		{HaltEmptied, situation{missing: 1}, []string{"no file is left in /srv/x", "1 file would be removed"}},
		{HaltTooMany, situation{missing: 60, most: 50}, []string{"60 files are missing", "more than 50", `"a", "b \x1b[31m", "c", ...`}},
		{HaltTooMany, situation{missing: 4, most: 50, accepted: &n}, []string{"4 files are missing", "more than 3"}},
	} {
		got := haltDetail(row.reason, "/srv/x", row.s, examples)
		for _, part := range row.want {
			if !strings.Contains(got, part) {
				t.Errorf("%s: %q lacks %q", row.reason, got, part)
			}
		}
	}
}
