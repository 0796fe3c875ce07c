package agent

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/state"
)

// knownNames are those of the base, all of them used, and some that have left it.
func knownNames(t *testing.T, more ...state.Name) []state.Name {
	t.Helper()
	names := namesOf(parsed(t, reloadBase))
	for i := range names {
		names[i].Used = true
	}
	return append(names, more...)
}

func TestReconcile(t *testing.T) {
	folder := func(was, name string) state.Renaming {
		return state.Renaming{Kind: state.FolderName, Was: was, Name: name}
	}
	bills := []string{`name = "invoices"`, `name = "bills"`}
	billsWas := func(was string) []string {
		return []string{`name = "invoices"`, "name = \"bills\"\nwas = \"" + was + "\""}
	}
	acmeTo := func(lines string) []string {
		return []string{`name = "acme"`, "name = \"new\"" + lines, `to = ["acme:i"]`, `to = ["new:i"]`}
	}
	for _, row := range []struct {
		name      string
		edit      []string
		known     []state.Name
		past      []state.Renaming
		renamings []state.Renaming
		forget    []state.Route
		faults    []string // parts, one for each fault
	}{
		{name: "a new store", edit: bills},
		{name: "a new store, with what is left of a renaming", edit: billsWas("invoices")},
		{name: "nothing new", known: knownNames(t)},
		{name: "a known path under a new name", edit: bills, known: knownNames(t), faults: []string{
			`folder "bills": has the path of folder "invoices", which is not in the file any more`,
		}},
		{name: "of which nothing was ever delivered", edit: bills, known: namesOf(parsed(t, reloadBase))},
		{name: "renamed", edit: billsWas("invoices"), known: knownNames(t), renamings: []state.Renaming{folder("invoices", "bills")}},
		{name: "renamed and moved", edit: append(billsWas("invoices"), "/srv/invoices", "/srv/bills"), known: knownNames(t), renamings: []state.Renaming{folder("invoices", "bills")}},
		{name: "really new", edit: billsWas(""), known: knownNames(t)},
		{name: "another path under a new name", edit: append(bills, "/srv/invoices", "/srv/bills"), known: knownNames(t)},
		{
			name: "applied before", edit: billsWas("invoices"),
			known: knownNames(t, state.Name{Kind: state.FolderName, Name: "bills", Place: "/srv/invoices", Used: true}),
			past:  []state.Renaming{folder("invoices", "bills")},
		},
		{
			name: "there, back and there again", edit: billsWas("invoices"), known: knownNames(t),
			past:      []state.Renaming{folder("invoices", "bills"), folder("bills", "invoices")},
			renamings: []state.Renaming{folder("invoices", "bills")},
		},
		{
			name: "onto a name with files", edit: billsWas("invoices"),
			known:  knownNames(t, state.Name{Kind: state.FolderName, Name: "bills", Place: "/elsewhere", Used: true}),
			faults: []string{`both names have files of their own`},
		},
		{
			name: "onto a name that was never used", edit: billsWas("invoices"),
			known:     knownNames(t, state.Name{Kind: state.FolderName, Name: "bills", Place: "/elsewhere"}),
			renamings: []state.Renaming{folder("invoices", "bills")},
		},
		{name: "from a name that nothing had", edit: billsWas("invoice"), known: knownNames(t), faults: []string{
			`was = "invoice", which no folder was ever called: did you mean was = "invoices"?`,
		}},
		{
			name: "two that have left had the path", edit: bills,
			known:  knownNames(t, state.Name{Kind: state.FolderName, Name: "later", Place: "/srv/invoices", Used: true, Seen: time.Now()}),
			faults: []string{`has the path of folder "later"`},
		},
		{
			name: "somebody else is the renamed one", known: knownNames(t),
			edit:      append(bills, "[[folder]]\nname = \"site\"", "[[folder]]\nname = \"moved\"\nwas = \"invoices\"\npath = \"/srv/moved\"\nto = [\"acme:m\"]\n[[folder]]\nname = \"site\""),
			renamings: []state.Renaming{folder("invoices", "moved")},
		},
		{name: "a known account under a new name", edit: acmeTo(""), known: knownNames(t), faults: []string{
			`destination "new": has the host and user of destination "acme"`,
		}},
		{name: "written otherwise, at another port", edit: append(acmeTo("\nport = 2222"), `"acme.example"`, `"ACME.example."`), known: knownNames(t), faults: []string{
			`destination "new": has the host and user of destination "acme"`,
		}},
		{name: "another user", edit: append(acmeTo(""), `user = "u"`, `user = "v"`), known: knownNames(t)},
		{name: "a destination renamed", edit: acmeTo("\nwas = \"acme\""), known: knownNames(t), renamings: []state.Renaming{
			{Kind: state.DestinationName, Was: "acme", Name: "new"},
		}},
		{name: "an outbox's server is another", edit: []string{`"acme.example"`, `"new.example"`}, known: knownNames(t)},
		{name: "a mirror's server is another", edit: []string{`"globex.example"`, `"new.example"`}, known: knownNames(t), forget: []state.Route{
			{Folder: "site", Destination: "globex"},
		}},
		{
			name: "a mirror's server is another and has another name", known: knownNames(t),
			edit:      []string{`name = "globex"`, "name = \"g\"\nwas = \"globex\"", `"globex.example"`, `"new.example"`, `"globex:{agent}"`, `"g:{agent}"`},
			renamings: []state.Renaming{{Kind: state.DestinationName, Was: "globex", Name: "g"}},
			forget:    []state.Route{{Folder: "site", Destination: "g"}},
		},
		{
			name: "all faults at once", known: knownNames(t), edit: append(bills, acmeTo("")...),
			faults: []string{`destination "new"`, `folder "bills"`},
		},
	} {
		c := edited(t, row.edit...)
		got, err := reconcile(c, row.known, row.past)
		var faults config.Faults
		if err != nil && !errors.As(err, &faults) {
			t.Errorf("%s: %v", row.name, err)
		}
		if len(faults) != len(row.faults) {
			t.Errorf("%s: %v, want %q", row.name, err, row.faults)
			continue
		}
		for i, f := range faults {
			if !strings.Contains(f.String(), row.faults[i]) || f.Line == 0 {
				t.Errorf("%s: %v, want %q", row.name, f, row.faults[i])
			}
		}
		if len(faults) > 0 {
			continue
		}
		if !slices.Equal(got.Renamings, row.renamings) || !slices.Equal(got.Forget, row.forget) || !slices.Equal(got.Names, namesOf(c)) {
			t.Errorf("%s: %+v", row.name, got)
		}
	}
}

func TestLeftRoutes(t *testing.T) {
	c := parsed(t, reloadBase)
	counts := []state.Count{
		{Route: state.Route{Folder: "gone", Destination: "acme"}, Committing: 1, Held: 2, Known: 3},
		{Route: state.Route{Folder: "invoices", Destination: "acme"}, Planned: 5},
		{Route: state.Route{Folder: "invoices", Destination: "gone"}, Delivered: 1, Cancelled: 1, Known: 9},
		{Route: state.Route{Folder: "invoices", Destination: "globex"}, Parked: 1},
	}
	got := leftRoutes(c, counts)
	if len(got) != 2 || got[0].Folder != "gone" || got[0].Committing != 1 || got[0].Held != 2 || got[1].Destination != "globex" || got[1].Parked != 1 {
		t.Errorf("%+v", got)
	}
}
