package syncer

import (
	"testing"
	"time"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// TestTouchedThereAndNoHash has a server that hashes nothing, or somebody there, give our file another time: it is read back, and is
// ours. One of the same size with other bytes is not.
func TestTouchedThereAndNoHash(t *testing.T) {
	t.Parallel()
	for there, ours := range map[string]bool{"first": true, "FIRST": false} {
		r := newRig(t)
		r.folder.Mirror = true
		s := r.toFake()
		r.drop("a", "first")
		r.once()
		s.put("in/a", there, time.Now().Add(-time.Hour))
		r.drop("a", "second")
		r.once()
		if got, _ := s.content("in/a"); (got == "second") != ours {
			t.Errorf("%q there: %q is published", there, got)
		}
		if !ours && r.intent("a").Phase != state.Held {
			t.Errorf("%+v", r.intent("a"))
		}
	}
}

// TestAdoptedByContent takes nothing for delivered by its size and time where proof of content is wanted.
func TestAdoptedByContent(t *testing.T) {
	t.Parallel()
	for there, same := range map[string]bool{"AAAA": true, "BBBB": false} {
		r := newRig(t)
		r.folder.Mirror, r.folder.Verify = true, remote.Content
		s := r.toFake()
		s.put("in/a", there, r.drop("a", "AAAA").Modified())
		r.once()
		if same {
			r.await(EventAdopted, "a", "acme")
		} else if r.intent("a").Phase != state.Held {
			t.Errorf("%+v", r.intent("a"))
		}
		if got, _ := s.content("in/a"); got != there {
			t.Errorf("%q is there", got)
		}
	}
}
