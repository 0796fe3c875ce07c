package state

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
)

func TestLedgerCannotBeChanged(t *testing.T) {
	s := newStore(t)
	deliver(t, s, planOne(t, s, intentFor(route, "a.xml")), true)
	for _, sql := range []string{
		"UPDATE deliveries SET size = 0",
		"DELETE FROM deliveries",
		"UPDATE deliveries SET seq = 7 WHERE seq = 1",
		"UPDATE OR REPLACE deliveries SET size = 0",
		"INSERT OR REPLACE INTO deliveries SELECT " + columnsWith("seq + 1, id") + " FROM deliveries",
		"INSERT OR REPLACE INTO deliveries SELECT " + columnsWith("seq, 'another'") + " FROM deliveries",
		"REPLACE INTO deliveries SELECT " + columnsWith("seq, id") + " FROM deliveries",
		"INSERT OR IGNORE INTO deliveries SELECT " + columnsWith("seq, id") + " FROM deliveries",
		"INSERT INTO deliveries SELECT " + columnsWith("seq, 'another'") + " FROM deliveries WHERE true ON CONFLICT (seq) DO UPDATE SET size = 0",
	} {
		err := s.write(t.Context(), "tamper", func(c *conn) error {
			_, err := c.exec(sql)
			return err
		})
		if err == nil || !strings.Contains(err.Error(), "a receipt is never") {
			t.Errorf("%s: %v", sql, err)
		}
	}
	if h, err := s.History(t.Context(), Filter{}); err != nil || len(h) != 1 || h[0].Size != 4096 {
		t.Errorf("%v, %v", h, err)
	}
}

// columnsWith are the columns of a receipt that says something else, with the first two given.
func columnsWith(head string) string {
	return head + `, folder, destination, path, remote_path, 0, sha256, evidence, command, remote_mtime, host_key, attempts,
		started_at, delivered_at, ready_at, spared, seen_at, settled_at`
}

func TestHistory(t *testing.T) {
	s := newStore(t)
	put := func(r Route, p file.Path, at time.Time) string {
		t.Helper()
		in := planOne(t, s, intentFor(r, p))
		commit(t, s, in)
		d := deliveryOf(in, true)
		d.At = at
		if ok, err := s.Deliver(t.Context(), in.ID, d); !ok || err != nil {
			t.Fatal(ok, err)
		}
		return in.ID
	}
	reports := Route{Folder: "reports", Destination: "acme"}
	a1 := put(route, "a.xml", noon)
	b1 := put(second, "a.xml", noon.Add(1*time.Minute))
	a2 := put(route, "b.xml", noon.Add(2*time.Minute))
	r1 := put(reports, "a.xml", noon.Add(3*time.Minute))
	a3 := put(route, "a.xml", noon.Add(-time.Minute)) // the clock was set back

	tests := []struct {
		name string
		f    Filter
		want []string
	}{
		{"everything", Filter{}, []string{r1, a2, b1, a1, a3}},
		{"the newest", Filter{Limit: 2}, []string{r1, a2}},
		{"since", Filter{Since: noon.Add(time.Minute)}, []string{r1, a2, b1}},
		{"since a time that no nanoseconds hold", Filter{Since: noon.AddDate(900, 0, 0)}, nil},
		{"since one before all", Filter{Since: noon.AddDate(-900, 0, 0)}, []string{r1, a2, b1, a1, a3}},
		{"a folder", Filter{Folder: "invoices"}, []string{a2, b1, a1, a3}},
		{"a folder's newest", Filter{Folder: "invoices", Limit: 1}, []string{a2}},
		{"a destination", Filter{Destination: "globex"}, []string{b1}},
		{"a path", Filter{Folder: "invoices", Path: "a.xml"}, []string{b1, a1, a3}},
		{"a path in any folder", Filter{Path: "a.xml"}, []string{r1, b1, a1, a3}},
		{"a path on a route since", Filter{Folder: "invoices", Destination: "acme", Path: "a.xml", Since: noon}, []string{a1}},
		{"nothing", Filter{Folder: "none"}, nil},
		{"behind the newest", Filter{Before: r1}, []string{a2, b1, a1, a3}},
		{"a page", Filter{Before: a2, Limit: 2}, []string{b1, a1}},
		{"behind what the clock put last", Filter{Before: a3}, nil},
		{"behind one of a destination", Filter{Folder: "invoices", Destination: "acme", Before: b1}, []string{a1, a3}},
		{"behind one, since a moment", Filter{Since: noon, Before: b1}, []string{a1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := s.History(t.Context(), test.f)
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, d := range got {
				ids = append(ids, d.ID)
			}
			if !slices.Equal(ids, test.want) {
				t.Errorf("%v, want %v", ids, test.want)
			}
		})
	}

	s1, s2 := put(route, "s.xml", noon.Add(time.Hour)), put(route, "s.xml", noon.Add(time.Hour)) // in one moment
	if h, err := s.History(t.Context(), Filter{Before: s2, Limit: 2}); err != nil || len(h) != 2 || h[0].ID != s1 || h[1].ID != r1 {
		t.Errorf("behind one of the same moment: %v, %v", h, err)
	}
	if _, err := s.History(t.Context(), Filter{Before: "no such"}); !errors.Is(err, ErrNotOnRecord) {
		t.Errorf("behind what is not on record: %v", err)
	}

	// The order of the ledger counts here, whatever the clock said.
	d, ok, err := s.LastPublished(t.Context(), "acme", "/incoming/a.xml")
	if err != nil || !ok || d.ID != a3 {
		t.Errorf("last published: %v, %t, %v", d.ID, ok, err)
	}
	if _, ok, err := s.LastPublished(t.Context(), "acme", "/incoming/none.xml"); ok || err != nil {
		t.Errorf("last published at an unused name: %t, %v", ok, err)
	}
}
