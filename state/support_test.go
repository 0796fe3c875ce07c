package state

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path"
	"reflect"
	"runtime"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
)

var (
	route  = Route{Folder: "invoices", Destination: "acme"}
	second = Route{Folder: "invoices", Destination: "globex"}

	noon = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)
)

// modesCount says whether the modes of files mean anything: Windows makes them up.
const modesCount = runtime.GOOS != "windows"

// openAt opens the store in dir and closes it when the test ends.
func openAt(tb testing.TB, dir string) *Store {
	tb.Helper()
	s, err := Open(tb.Context(), dir)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { closeStore(tb, s) })
	return s
}

func newStore(tb testing.TB) *Store {
	tb.Helper()
	return openAt(tb, tb.TempDir())
}

func closeStore(tb testing.TB, s *Store) {
	tb.Helper()
	if err := s.Close(); err != nil {
		tb.Error(err)
	}
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
		SeenAt:  noon.Add(-2 * time.Minute), SettledAt: noon.Add(-time.Minute), ReadyAt: noon,
		Phase: Planned,
	}
}

func proofOf(in Intent) Proof {
	sum := sha256.Sum256([]byte(in.ID))
	return Proof{
		SHA256: sum[:], Evidence: "remote-hash", Command: "sha256sum", RemoteModTime: noon.Truncate(time.Second),
		HostKey: "SHA256:abc",
	}
}

// planOne records a new intent that must not be refused.
func planOne(tb testing.TB, s *Store, in Intent) Intent {
	tb.Helper()
	got, err := s.Plan(tb.Context(), []Plan{{Intent: in}})
	if err != nil || !got[0].OK {
		tb.Fatalf("plan %s: %v, %v", in.ID, got, err)
	}
	return in
}

// commit takes a planned intent through T2.
func commit(tb testing.TB, s *Store, in Intent) {
	tb.Helper()
	ok, err := s.Commit(tb.Context(), in.ID, proofOf(in))
	if !ok || err != nil {
		tb.Errorf("commit %s: %t, %v", in.ID, ok, err)
	}
}

// deliver takes a planned intent through T2 and T3.
func deliver(tb testing.TB, s *Store, in Intent, keep bool) {
	tb.Helper()
	if err := s.Begin(tb.Context(), in.ID, noon); err != nil {
		tb.Error(err)
	}
	commit(tb, s, in)
	ok, err := s.Deliver(tb.Context(), in.ID, deliveryOf(in, keep))
	if !ok || err != nil {
		tb.Errorf("deliver %s: %t, %v", in.ID, ok, err)
	}
}

func deliveryOf(in Intent, keep bool) Deliver {
	return Deliver{At: noon.Add(time.Minute), Keep: keep, Fingerprint: in.Fingerprint, Proof: proofOf(in)}
}

// stored returns the intent as the store has it; it must be there.
func stored(tb testing.TB, s *Store, id string) Intent {
	tb.Helper()
	in, ok, err := s.Intent(tb.Context(), id)
	if err != nil || !ok {
		tb.Fatalf("intent %s: %t, %v", id, ok, err)
	}
	return in
}

// gone fails where the store still has the intent.
func gone(tb testing.TB, s *Store, id string) {
	tb.Helper()
	if in, ok, err := s.Intent(tb.Context(), id); ok || err != nil {
		tb.Errorf("intent %s is still there: %+v, %v", id, in, err)
	}
}

// knownAt returns what is known of the path on the route, or nil.
func knownAt(tb testing.TB, s *Store, r Route, p file.Path) *Known {
	tb.Helper()
	rec, err := s.Lookup(tb.Context(), r.Folder, p)
	if err != nil {
		tb.Fatal(err)
	}
	for i := range rec.Known {
		if rec.Known[i].Route == r {
			return &rec.Known[i]
		}
	}
	return nil
}

// same fails where the two values differ; what says what they are.
func same[T any](tb testing.TB, what string, want, got T) {
	tb.Helper()
	if !reflect.DeepEqual(want, got) {
		tb.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

func ids(all []Intent) []string {
	out := make([]string, 0, len(all))
	for _, in := range all {
		out = append(out, in.ID)
	}
	return out
}

func readFile(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// query reads one value through a connection of its own, as another program would.
func query(tb testing.TB, name, sql string) any {
	tb.Helper()
	c, err := connect(name, readOnly, readerSettings)
	if err != nil {
		tb.Fatal(err)
	}
	r, ok, err := c.one(sql)
	if err != nil || !ok {
		tb.Fatalf("%s: %t, %v", sql, ok, err)
	}
	if err := c.close(); err != nil {
		tb.Fatal(err)
	}
	return r[0]
}

// alter changes the database at name behind the store's back.
func alter(tb testing.TB, name, sql string) {
	tb.Helper()
	c, err := connect(name, readWrite, writerSettings)
	if err != nil {
		tb.Fatal(err)
	}
	if err := c.script(tb.Context(), sql); err != nil {
		tb.Fatal(err)
	}
	if err := c.close(); err != nil {
		tb.Fatal(err)
	}
}

// manyPath and fillKnown make a store as large as wanted.
func manyPath(i int) file.Path {
	return file.Path(fmt.Sprintf("dir%04d/sub%02d/file-%07d.xml", i/1000, i/100%10, i))
}

func fillKnown(tb testing.TB, s *Store, n int) {
	tb.Helper()
	sha := make([]byte, 32)
	err := s.write(tb.Context(), "fill", func(c *conn) error {
		for i := range n {
			p := manyPath(i)
			_, err := c.exec("INSERT INTO known VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, 1)", route.Folder, p, route.Destination,
				4096+i, time.Now(), time.Now(), 2049, 1_000_000+i, sha, "/incoming/"+string(p))
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
}
