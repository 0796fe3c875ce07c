package syncer

import (
	"testing"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/remote"
)

// otherNumber is a fingerprint from before the machine was started anew: its file system had another number then.
func otherNumber(print file.Fingerprint) file.Fingerprint {
	print.Dev += 1000
	return print
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
