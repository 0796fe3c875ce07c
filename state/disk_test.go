package state

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/dropferry/dropferry/file"
)

func TestFullDiskIsToldAndLosesNothing(t *testing.T) {
	s := newStore(t)
	limit := func(pages int) {
		t.Helper()
		err := s.write(t.Context(), "limit", func(c *conn) error {
			_, _, err := c.one(fmt.Sprintf("PRAGMA max_page_count = %d", pages))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	first := planOne(t, s, intentFor(route, "first.xml"))
	limit(60)
	var kept []Intent
	refused := fillUp(t, s, func(in Intent) { kept = append(kept, in) })
	if len(kept) == 0 {
		t.Fatal("full from the start")
	}
	gone(t, s, refused.ID)
	for _, in := range append(kept, first) {
		stored(t, s, in.ID)
	}
	limit(1 << 30)
	planOne(t, s, refused)
	deliver(t, s, first, true)
	checkWhole(t, s)
}

// fillUp plans until the disk is full, and returns the intent that was refused.
func fillUp(t *testing.T, s *Store, kept func(Intent)) Intent {
	t.Helper()
	for i := range 100_000 {
		in := intentFor(route, file.Path(fmt.Sprintf("%s/%06d", strings.Repeat("long", 50), i)))
		_, err := s.Plan(t.Context(), []Plan{{Intent: in}})
		if err != nil {
			if room, ok := errors.AsType[*RoomError](err); !ok || room.Dir != s.dir || room.Free < 0 {
				t.Errorf("%v, want a RoomError of %s", err, s.dir)
			}
			if want := "no room in state_dir " + s.dir + ": "; !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%v, want %s ...", err, want)
			}
			return in
		}
		kept(in)
	}
	t.Fatal("never full")
	return Intent{}
}
