package syncer

import (
	"fmt"
	"testing"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// otherNumber is a fingerprint from before the machine was started anew: its file system had another number then.
func otherNumber(print file.Fingerprint) file.Fingerprint {
	print.Dev += 1000
	return print
}

// renumber makes a delivered file one from before the machine was started anew.
func (r *rig) renumber(name string) {
	r.Helper()
	r.must(r.store.Touch(r.Context(), state.Route{Folder: "out", Destination: "acme"}, file.Path(name), otherNumber(r.print(name)), false))
}

// TestRenumberedFileSystem finds each step of an outbox as an earlier start of the machine has left it, when the file
// systems had other numbers: nothing is sent twice, and what was delivered is put away.
func TestRenumberedFileSystem(t *testing.T) {
	t.Parallel()
	for _, after := range []After{Keep, Archive, Delete} {
		t.Run(string(after), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.folder.After, r.folder.Verify = after, remote.Content
			r.to("acme", sftptest.ServerOptions{})
			planned := r.planAs("planned", otherNumber(r.drop("planned", "1")))[0]
			delivered := r.planAs("delivered", otherNumber(r.drop("delivered", "2")))[0]
			r.must(r.store.Begin(t.Context(), delivered.ID, settledClock()))
			proof := proofOf("2", remote.ReadBack, delivered.Fingerprint.Modified())
			r.commit(&delivered, proof)
			r.deliverIntent(&delivered, proof)

			r.once()
			r.once()
			r.wantInbox("acme", map[string]string{"planned": "1"})
			if all := r.receipts(); len(all) != 2 || all[1].ID != planned.ID {
				t.Errorf("receipts: %+v", all)
			}
			if after == Keep {
				r.wantFolder(map[string]string{"planned": "1", "delivered": "2"})
			} else {
				r.wantFolder(map[string]string{})
			}
			r.wantNone(EventFailed, EventDropped, EventUnchanged)
		})
	}
}

// TestNestedFileSystemWithAnotherNumber stands for what is mounted in a folder, and has another number since the machine was
// started anew: the next scan finds its files as they were, and from then on they are missed there. Nothing is sent, and
// nothing is told.
func TestNestedFileSystemWithAnotherNumber(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.toFake()
	r.mirrors("")
	r.drop("stays", "x")
	held := r.planAs("sub/a", otherNumber(r.drop("sub/a", "old")))[0]
	r.once()
	r.renumber("sub/a")
	held.ID, held.Version, held.Destination, held.Phase = file.NewID(settledClock()), file.NewID(settledClock()), "elsewhere", state.Held
	if result, err := r.store.Plan(t.Context(), []state.Plan{{Intent: held}}); err != nil || !result[0].OK {
		t.Fatal(result, err)
	}
	r.once()
	now := r.print("sub/a")
	record, err := r.store.Lookup(t.Context(), "out", "sub/a")
	if err != nil || len(record.Known) != 1 || record.Known[0].Fingerprint != now || len(record.Intents) != 1 || record.Intents[0].Fingerprint != now {
		t.Fatalf("after a scan: %+v, %+v, %v", record.Known, record.Intents, err)
	}
	r.wantNone(EventUnchanged, EventFailed)
	r.gone("sub/a")
	r.thrice()
	if got := s.mirror(); len(got) != 1 {
		t.Errorf("the mirror holds %v", got)
	}
}

// TestRemovedBeforeItsNewNumberWasSeen has a file removed from what is mounted in a folder after the machine was started anew, and
// before a scan has seen it: the other files there show that it is the same file system. A directory of it goes too.
func TestRemovedBeforeItsNewNumberWasSeen(t *testing.T) {
	t.Parallel()
	for _, others := range []bool{true, false} {
		t.Run(fmt.Sprintf("others %v", others), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			s := r.toFake()
			r.mirrors("")
			r.drop("stays", "x")
			r.drop("sub/a", "goes")
			r.drop("sub/deep/b", "goes too")
			r.drop("sub/z", "stays")
			r.once()
			r.renumber("sub/a")
			r.renumber("sub/deep/b")
			if others {
				r.renumber("sub/z")
			}
			r.gone("sub/a")
			r.gone("sub/deep")
			r.thrice()
			r.once()
			want := 2
			if !others { // nothing tells that it is the same file system
				want = 4
			}
			if got := s.mirror(); len(got) != want {
				t.Errorf("the mirror holds %v", got)
			}
		})
	}
}
