package config

import (
	"maps"
	"slices"
	"testing"
)

// Whatever key a table may have is read by loading, and seen by whoever watches it.
func TestShapesHaveEveryKey(t *testing.T) {
	t.Parallel()
	found := map[string]TableShape{}
	for _, s := range Shapes() {
		found[s.Name] = s
	}
	for _, k := range append(kinds(), kindSecret, kindAnswer) {
		want := vocabulary(k).keys
		slices.Sort(want)
		if got := slices.Sorted(maps.Keys(found[string(k)].Keys)); !slices.Equal(got, want) {
			t.Errorf("%s has the shapes %q, and the keys %q", k, got, want)
		}
		for key, s := range found[string(k)].Keys {
			if _, known := found[s.Table]; s.Type == "" || s.Table != "" && !known {
				t.Errorf("%s: %s is %+v", k, key, s)
			}
		}
	}
}

func TestShapes(t *testing.T) {
	t.Parallel()
	all := map[string]TableShape{}
	for _, s := range Shapes() {
		all[s.Name] = s
	}
	for _, c := range []struct {
		table, key string
		want       Shape
	}{
		{"the top of the file", "version", Shape{Type: Number, Least: 1, Most: 1, Default: "1", Required: true}},
		{"the top of the file", "folder", Shape{Type: TableList, Table: "[[folder]]"}},
		{"[agent]", "max_transfers", Shape{Type: Number, Words: []string{"auto"}, Least: 1, Most: 1024, Default: `"auto"`}},
		{"[agent]", "bandwidth", Shape{Type: Rate, Default: `"0"`}},
		{"[control]", "listen", Shape{Type: Text, MayBeEmpty: true, Default: `"127.0.0.1:8622"`}},
		{"[defaults]", "stable_for", Shape{Type: Duration, Words: []string{"auto"}, Default: `"auto"`}},
		{"[[folder]]", "stable_for", Shape{Type: Duration, Words: []string{"auto"}, Default: `"auto"`}},
		{"[[folder]]", "after", Shape{Type: Text, Words: []string{"keep", "archive", "delete"}, Default: `"keep"`}},
		{"[[folder]]", "to", Shape{Type: TextList, Required: true}},
		{"[[folder]]", "max_delete", Shape{Type: Number, Most: 1_000_000, Default: "50"}},
		{"[[destination]]", "password", Shape{Type: OneTable, Table: "a secret"}},
		{"[[destination]]", "requests", Shape{Type: Number, Least: 1, Most: 1024}},
		{"[[destination]]", "ssh_agent", Shape{Type: Flag, Default: "false", OrText: true}},
		{"[[notify]]", "port", Shape{Type: Number, Least: 1, Most: 65535, Default: "587"}},
		{"[[notify]]", "url", Shape{Type: OneTable, Table: "a secret"}},
		{"[log]", "max_size", Shape{Type: Size, Default: `"10MiB"`}},
		{"retry", "give_up_after", Shape{Type: Duration, Default: `"72h"`}},
		{"answers", "prompt", Shape{Type: Text, Required: true}},
	} {
		got, want := all[c.table].Keys[c.key], c.want
		if got.Type != want.Type || !slices.Equal(got.Words, want.Words) || got.Least != want.Least || got.Most != want.Most || got.Default != want.Default ||
			got.Required != want.Required || got.MayBeEmpty != want.MayBeEmpty || got.OrText != want.OrText || got.Table != want.Table {
			t.Errorf("%s: %s is %+v, want %+v", c.table, c.key, got, want)
		}
	}
	for _, w := range all["[[notify]]"].Ways {
		want := map[string][]string{"webhook": {"type", "url"}, "smtp": {"from", "host", "to", "type"}, "command": {"command", "type"}}[w.Type]
		if !slices.Equal(w.Required, want) {
			t.Errorf("%s wants %q, not %q", w.Type, w.Required, want)
		}
	}
}
