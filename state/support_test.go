package state

import (
	"crypto/sha256"
	"path"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
)

var route = Route{Folder: "invoices", Destination: "acme"}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)

// openAt opens the store in dir and closes it when the test ends.
func openAt(tb testing.TB, dir string) *Store {
	tb.Helper()
	s, err := Open(tb.Context(), dir)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// intentFor returns a new intent, of a version of its own.
func intentFor(r Route, p file.Path) Intent {
	id := file.NewID(time.Now())
	dir, base := path.Split("/incoming/" + string(p))
	return Intent{
		ID:      id,
		Version: "v-" + id,
		Route:   r,
		Path:    p,
		Fingerprint: file.Fingerprint{
			Size: 4096, ModTime: noon.UnixNano(), ChangeTime: noon.UnixNano() + 1, Dev: 1 << 63, Inode: 1<<64 - 1,
		},
		Reason:  "new",
		Final:   dir + base,
		Temp:    dir + file.PrivateName(base, id, file.TempSuffix),
		Archive: "/srv/sent/" + string(p),
		ReadyAt: noon,
	}
}

func proofOf(in Intent) Proof {
	sum := sha256.Sum256([]byte(in.ID))
	return Proof{
		SHA256: sum[:], Evidence: "remote-hash", Command: "sha256sum", RemoteModTime: noon.Truncate(time.Second),
		HostKey: "SHA256:abc",
	}
}

// deliver takes a planned intent through T2 and T3.
func deliver(tb testing.TB, s *Store, in Intent, keep bool) {
	tb.Helper()
	proof := proofOf(in)
	if err := s.Begin(tb.Context(), in.ID, noon); err != nil {
		tb.Error(err)
	}
	if ok, err := s.Commit(tb.Context(), in.ID, proof); !ok || err != nil {
		tb.Errorf("commit %s: %t, %v", in.ID, ok, err)
	}
	ok, err := s.Deliver(tb.Context(), in.ID, Deliver{
		At: noon.Add(time.Minute), Keep: keep, Fingerprint: in.Fingerprint, Proof: proof,
	})
	if !ok || err != nil {
		tb.Errorf("deliver %s: %t, %v", in.ID, ok, err)
	}
}
