package state

import (
	"math"
	"slices"
	"testing"
)

func TestSpans(t *testing.T) {
	renaming := func(was, name string, upto int64) Renaming {
		return Renaming{Kind: FolderName, Was: was, Name: name, upto: upto}
	}
	const end = math.MaxInt64
	for _, row := range []struct {
		name  string
		all   []Renaming
		taken []string // names that something has
		ask   string
		want  []span
	}{
		{"never renamed", nil, []string{"a"}, "a", []span{{"a", 0, end}}},
		{"nobody's name", nil, nil, "x", []span{{"x", 0, end}}},
		{"of another kind", []Renaming{{Kind: DestinationName, Was: "old", Name: "a", upto: 3}}, []string{"a"}, "a", []span{{"a", 0, end}}},
		{"once", []Renaming{renaming("a", "b", 5)}, []string{"b"}, "b", []span{{"b", 5, end}, {"a", 0, 5}}},
		{"by its old name", []Renaming{renaming("a", "b", 5)}, []string{"b"}, "a", []span{{"b", 5, end}, {"a", 0, 5}}},
		{
			"twice",
			[]Renaming{renaming("a", "b", 5), renaming("b", "c", 9)},
			[]string{"c"},
			"c",
			[]span{{"c", 9, end}, {"b", 5, 9}, {"a", 0, 5}},
		},
		{
			"by its oldest name",
			[]Renaming{renaming("a", "b", 5), renaming("b", "c", 9)},
			[]string{"c"},
			"a",
			[]span{{"c", 9, end}, {"b", 5, 9}, {"a", 0, 5}},
		},
		{
			"there and back",
			[]Renaming{renaming("a", "b", 5), renaming("b", "a", 9)},
			[]string{"a"},
			"a",
			[]span{{"a", 9, end}, {"b", 5, 9}, {"a", 0, 5}},
		},
		{"the old name is another's now", []Renaming{renaming("a", "b", 5)}, []string{"a", "b"}, "a", []span{{"a", 5, end}}},
		{"and the first is still the first", []Renaming{renaming("a", "b", 5)}, []string{"a", "b"}, "b", []span{{"b", 5, end}, {"a", 0, 5}}},
		{
			"the second with the name is renamed too",
			[]Renaming{renaming("a", "b", 5), renaming("a", "c", 9)},
			[]string{"b", "c"},
			"c",
			[]span{{"c", 9, end}, {"a", 5, 9}},
		},
		{"renamed before anything was delivered", []Renaming{renaming("a", "b", 0)}, []string{"b"}, "b", []span{{"b", 0, end}, {"a", 0, 0}}},
	} {
		p := renamings{all: row.all, taken: map[named]bool{}}
		for _, name := range row.taken {
			p.taken[named{FolderName, name}] = true
		}
		if got := p.spans(FolderName, row.ask); !slices.Equal(got, row.want) {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
		}
	}
}

func TestNamesOfAReceiptToday(t *testing.T) {
	p := renamings{all: []Renaming{
		{Kind: FolderName, Was: "a", Name: "b", upto: 5},
		{Kind: DestinationName, Was: "a", Name: "z", upto: 6},
		{Kind: FolderName, Was: "b", Name: "c", upto: 9},
		{Kind: FolderName, Was: "a", Name: "d", upto: 12}, // another one
	}}
	for _, row := range []struct {
		seq  int64
		was  Route
		want Route
	}{
		{5, Route{"a", "a"}, Route{"c", "z"}},
		{7, Route{"b", "a"}, Route{"c", "a"}},
		{8, Route{"a", "z"}, Route{"d", "z"}},
		{13, Route{"a", "a"}, Route{"a", "a"}},
	} {
		if got := p.now(Delivery{Seq: row.seq, Route: row.was}).Route; got != row.want {
			t.Errorf("receipt %d of %v: %v, want %v", row.seq, row.was, got, row.want)
		}
	}
}
