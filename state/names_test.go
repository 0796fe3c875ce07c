package state

import (
	"errors"
	"slices"
	"testing"

	"github.com/dropferry/dropferry/file"
)

func configure(t *testing.T, s *Store, n Configured) {
	t.Helper()
	if err := s.Configure(t.Context(), n, noon); err != nil {
		t.Fatal(err)
	}
}

var (
	invoicesName = Name{Kind: FolderName, Name: "invoices", Place: "/srv/out", Mode: "outbox"}
	billsName    = Name{Kind: FolderName, Name: "bills", Place: "/srv/out", Mode: "outbox"}
	acmeName     = Name{Kind: DestinationName, Name: "acme", Place: "acme.example", Port: 22, User: "u"}
	newAcmeName  = Name{Kind: DestinationName, Name: "acme-2", Place: "acme.example", Port: 22, User: "u"}
)

func TestNamesStay(t *testing.T) {
	s := newStore(t)
	configure(t, s, Configured{Names: []Name{invoicesName, acmeName}})
	configure(t, s, Configured{Names: []Name{acmeName}})
	got, err := s.Names(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []Name{acmeName, invoicesName}
	for i := range want {
		want[i].Seen = noon
	}
	if !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	deliver(t, s, planOne(t, s, intentFor(route, "a")), true)
	if got, err = s.Names(t.Context()); err != nil || !got[0].Used || !got[1].Used {
		t.Errorf("after a delivery: %+v, %v", got, err)
	}
}

// TestConfigureIsWhole changes no name where the turns cannot be changed.
func TestConfigureIsWhole(t *testing.T) {
	s := newStore(t)
	configure(t, s, Configured{Names: []Name{invoicesName, acmeName}})
	planOne(t, s, intentFor(route, "a"))
	err := s.write(t.Context(), "spoil the orders", func(c *conn) error {
		_, err := c.exec("ALTER TABLE orders RENAME TO elsewhere")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Configure(t.Context(), Configured{
		Names: []Name{billsName}, Renamings: []Renaming{{Kind: FolderName, Was: "invoices", Name: "bills"}},
		Orders: []FolderOrder{{"bills", "mtime", func(file.Path, file.Fingerprint) Turn { return Turn{Kind: Placed} }}},
	}, noon)
	if err == nil {
		t.Fatal("the turns were changed")
	}
	names, err := s.Names(t.Context())
	if err != nil || len(names) != 2 || names[1].Name != "invoices" {
		t.Errorf("%+v, %v", names, err)
	}
	if renamed, err := s.Renamings(t.Context()); err != nil || len(renamed) != 0 {
		t.Errorf("%+v, %v", renamed, err)
	}
	if got := dueNow(t, s, 0); got != "a" {
		t.Errorf("due for invoices: %q", got)
	}
}

// TestRenamingCarriesEverything goes through all that the store keeps by names.
func TestRenamingCarriesEverything(t *testing.T) {
	s := newStore(t)
	configure(t, s, Configured{Names: []Name{invoicesName, acmeName}})
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	delivered := intentFor(route, "a")
	deliver(t, s, planOne(t, s, delivered), true)
	planned, committing, dropped := planOne(t, s, intentFor(route, "b")), planOne(t, s, intentFor(route, "c")), planOne(t, s, intentFor(route, "d"))
	commit(t, s, committing)
	_, err := s.SaveCheckpoint(ctx, planned.ID, Checkpoint{Offset: 7, Hash: []byte("x")})
	must(err)
	_, err = s.Drop(ctx, dropped.ID)
	must(err)
	_, _, err = s.Pause(ctx, Route{Folder: "invoices"}, noon)
	must(err)
	_, _, err = s.Pause(ctx, route, noon)
	must(err)
	must(s.SetBlock(ctx, Block{Destination: "acme", Kind: "auth", Since: noon}))
	must(s.SetWait(ctx, Wait{Destination: "acme", Failures: 3, Next: noon}))
	must(s.SaveCapabilities(ctx, "acme", "identity", []byte("{}")))
	must(s.SaveUnfinished(ctx, "acme", "/x", 9))

	configure(t, s, Configured{Names: []Name{billsName, newAcmeName}, Renamings: []Renaming{
		{Kind: FolderName, Was: "invoices", Name: "bills"}, {Kind: DestinationName, Was: "acme", Name: "acme-2"},
	}})
	now := Route{Folder: "bills", Destination: "acme-2"}
	for _, id := range []string{planned.ID, committing.ID} {
		if got := stored(t, s, id); got.Route != now {
			t.Errorf("%s is of %v", id, got.Route)
		}
	}
	if c, ok, err := s.Checkpoint(ctx, planned.ID); !ok || err != nil || c.Offset != 7 {
		t.Errorf("checkpoint: %+v, %t, %v", c, ok, err)
	}
	if k := knownAt(t, s, now, "a"); k == nil {
		t.Error("what was delivered is not known any more")
	}
	if k := knownAt(t, s, route, "a"); k != nil {
		t.Errorf("known under the old name: %+v", k)
	}
	if all, err := s.Pauses(ctx); err != nil || len(all) != 2 || all[0].Route != (Route{Folder: "bills"}) || all[1].Route != now {
		t.Errorf("pauses: %+v, %v", all, err)
	}
	if _, ok, err := s.BlockOf(ctx, "acme-2"); !ok || err != nil {
		t.Errorf("block: %t, %v", ok, err)
	}
	if w, ok, err := s.WaitOf(ctx, "acme-2"); !ok || err != nil || w.Failures != 3 {
		t.Errorf("wait: %+v, %t, %v", w, ok, err)
	}
	if _, ok, err := s.Capabilities(ctx, "acme-2", "identity"); !ok || err != nil {
		t.Errorf("capabilities: %t, %v", ok, err)
	}
	if size, ok, err := s.Unfinished(ctx, "acme-2", "/x"); !ok || err != nil || size != 9 {
		t.Errorf("unfinished: %d, %t, %v", size, ok, err)
	}
	if all, err := s.Sweeps(ctx, "acme-2", 0); err != nil || len(all) != 1 || all[0].ID != dropped.ID {
		t.Errorf("sweeps: %+v, %v", all, err)
	}
	counts, err := s.Counts(ctx)
	if err != nil || len(counts) != 1 || counts[0] != (Count{Route: now, Planned: 1, Committing: 1, Known: 1}) {
		t.Errorf("counts: %+v, %v", counts, err)
	}
	// No row of any table but the ledger's has an old name.
	for _, column := range []string{"folder", "destination"} {
		c, err := s.readers.acquire()
		must(err)
		tables, err := tablesWith(c, column)
		must(err)
		if len(tables) < 4 {
			t.Errorf("only %q have a %s", tables, column)
		}
		for _, table := range tables {
			if _, found, err := c.one("SELECT 1 FROM " + table + " WHERE " + column + " IN ('invoices', 'acme')"); found || err != nil {
				t.Errorf("%s has an old %s: %v", table, column, err)
			}
		}
		must(s.readers.release(c, true))
	}

	d, ok, err := s.LastPublished(ctx, "acme-2", delivered.Final)
	if !ok || err != nil || d.Route != now || d.ID != delivered.ID {
		t.Errorf("last published: %+v, %t, %v", d, ok, err)
	}
	if d, ok, err := s.Receipt(ctx, delivered.ID); !ok || err != nil || d.Route != now {
		t.Errorf("receipt: %+v, %t, %v", d, ok, err)
	}
	later := intentFor(now, "e")
	deliver(t, s, planOne(t, s, later), true)
	for _, f := range []Filter{
		{Folder: "bills"}, {Folder: "invoices"}, {Destination: "acme-2"}, {Destination: "acme"}, {Folder: "bills", Destination: "acme-2"},
	} {
		if got, err := s.History(ctx, f); err != nil || len(got) != 2 || got[0].ID != later.ID || got[1].ID != delivered.ID || got[1].Route != route {
			t.Errorf("history %+v: %+v, %v", f, got, err)
		}
	}
	if got, err := s.History(ctx, Filter{Folder: "bills", Path: "a"}); err != nil || len(got) != 1 {
		t.Errorf("history of one file: %+v, %v", got, err)
	}
	if got, err := s.NamedNow(ctx, Delivery{Seq: 1, Route: route}); err != nil || got.Route != now {
		t.Errorf("named now: %+v, %v", got, err)
	}
}

// TestANameTakenAgain keeps the receipts of two folders apart that had the same name.
func TestANameTakenAgain(t *testing.T) {
	s := newStore(t)
	configure(t, s, Configured{Names: []Name{invoicesName, acmeName}})
	first, second := intentFor(route, "a"), intentFor(route, "a")
	deliver(t, s, planOne(t, s, first), true)
	configure(t, s, Configured{Names: []Name{billsName, acmeName}, Renamings: []Renaming{{Kind: FolderName, Was: "invoices", Name: "bills"}}})
	configure(t, s, Configured{Names: []Name{billsName, invoicesName, acmeName}})
	deliver(t, s, planOne(t, s, second), true)
	for folder, want := range map[string]string{"bills": first.ID, "invoices": second.ID} {
		for _, p := range []file.Path{"", "a"} {
			if got, err := s.History(t.Context(), Filter{Folder: folder, Path: p}); err != nil || len(got) != 1 || got[0].ID != want {
				t.Errorf("%s: %+v, %v", folder, got, err)
			}
		}
	}
}

// TestRefusedRenaming changes nothing.
func TestRefusedRenaming(t *testing.T) {
	s := newStore(t)
	configure(t, s, Configured{Names: []Name{invoicesName, billsName, acmeName}})
	other := Route{Folder: "bills", Destination: "acme"}
	deliver(t, s, planOne(t, s, intentFor(route, "a")), true)
	deliver(t, s, planOne(t, s, intentFor(other, "b")), true)
	err := s.Configure(t.Context(), Configured{Renamings: []Renaming{
		{Kind: DestinationName, Was: "acme", Name: "acme-2"}, {Kind: FolderName, Was: "invoices", Name: "bills"},
	}}, noon)
	if !errors.Is(err, errNameTaken) {
		t.Error(err)
	}
	if knownAt(t, s, route, "a") == nil || knownAt(t, s, other, "b") == nil {
		t.Error("something was renamed all the same")
	}
	if all, err := s.Renamings(t.Context()); len(all) != 0 || err != nil {
		t.Errorf("renamings: %+v, %v", all, err)
	}
}

func TestForgottenRoutes(t *testing.T) {
	s := newStore(t)
	deliver(t, s, planOne(t, s, intentFor(route, "a")), true)
	deliver(t, s, planOne(t, s, intentFor(second, "a")), true)
	configure(t, s, Configured{Forget: []Route{route}})
	if knownAt(t, s, route, "a") != nil || knownAt(t, s, second, "a") == nil {
		t.Error("not that route alone was forgotten")
	}
}

// TestRetire removes what nobody can have seen, and nothing else.
func TestRetire(t *testing.T) {
	s := newStore(t)
	ctx := t.Context()
	planned, held, doubtful, parked := planOne(t, s, intentFor(route, "a")), planOne(t, s, intentFor(route, "b")), planOne(t, s, intentFor(route, "c")), planOne(t, s, intentFor(route, "d"))
	committing, cancelled, stays := planOne(t, s, intentFor(route, "e")), planOne(t, s, intentFor(route, "f")), planOne(t, s, intentFor(second, "a"))
	commit(t, s, doubtful)
	commit(t, s, committing)
	for id, phase := range map[string]Phase{held.ID: Held, doubtful.ID: Held, parked.ID: Parked} {
		if err := s.Fail(ctx, id, Failure{Err: "x", Phase: phase}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Cancel(ctx, Selection{ID: cancelled.ID}); err != nil {
		t.Fatal(err)
	}
	dropped, err := s.Retire(ctx, func(r Route) bool { return r == route })
	if err != nil {
		t.Fatal(err)
	}
	ids := func(all []Intent) (found []string) {
		for _, in := range all {
			found = append(found, in.ID)
		}
		slices.Sort(found)
		return found
	}
	want := []string{planned.ID, held.ID, parked.ID}
	slices.Sort(want)
	if !slices.Equal(ids(dropped), want) {
		t.Errorf("%v, want %v", ids(dropped), want)
	}
	for _, in := range []Intent{doubtful, committing, cancelled, stays} {
		stored(t, s, in.ID)
	}
	if all, err := s.Sweeps(ctx, route.Destination, 0); err != nil || len(all) != 4 { // of the cancelled one too
		t.Errorf("sweeps: %+v, %v", all, err)
	}

	nowhere := func(string) bool { return false }
	if found, err := s.CancelCommitting(ctx, Selection{Folder: route.Folder}, nowhere); err != nil || len(found) != 0 {
		t.Errorf("%+v, %v", found, err)
	}
	found, err := s.CancelCommitting(ctx, Selection{Folder: route.Folder}, func(d string) bool { return d == route.Destination })
	if err != nil || !slices.Equal(ids(found), []string{committing.ID}) {
		t.Errorf("%v, %v", ids(found), err)
	}
	if got := stored(t, s, committing.ID); got.Phase != Cancelled {
		t.Errorf("%+v", got)
	}
}
