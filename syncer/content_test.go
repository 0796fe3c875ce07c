package syncer

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// TestLiken compares what stands at a server that hashes nothing with what was put there.
func TestLiken(t *testing.T) {
	t.Parallel()
	const ours = "ours, as it was"
	for _, row := range []struct {
		name      string
		there     string
		time      time.Duration // after that of the receipt
		dir       bool
		most      int64
		writeOnly bool
		want      likening
	}{
		{"as it was left", ours, 0, false, readAny, false, isOurs},
		{"with another time", ours, time.Hour, false, readAny, false, isOurs},
		{"of the same size and second", "OURS, AS IT WAS", 0, false, readAny, false, isOther},
		{"larger", ours + ".", 0, false, readAny, false, isOther},
		{"no file", "", 0, true, readAny, false, isOther},
		{"too large to be read", ours, 0, false, int64(len(ours)) - 1, false, looksOurs},
		{"too large to be read, with another time", ours, time.Hour, false, int64(len(ours)) - 1, false, isUntold},
		{"as large as may be read", "OURS, AS IT WAS", 0, false, int64(len(ours)), false, isOther},
		{"not to be read", ours, 0, false, readNone, false, looksOurs},
		{"nobody may read it", ours, 0, false, readAny, true, looksOurs},
		{"nobody may read it, with another time", ours, time.Hour, false, readAny, true, isUntold},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			s := r.toFake()
			r.drop("a", ours)
			r.deliver("a")
			at := r.receipts()[0].Proof.RemoteModTime
			s.put("in/a", row.there, at.Add(row.time))
			s.writeOnly = row.writeOnly
			session, err := s.dial(t.Context())
			r.must(err)
			info, err := session.Stat(t.Context(), "in/a")
			r.must(err)
			if row.dir {
				info.Mode = fs.ModeDir
			}
			got, err := liken(t.Context(), r.store, session, &r.record("a").Known[0], &info, row.most)
			if err != nil || got != row.want {
				t.Errorf("%v, %v; want %v", got, err, row.want)
			}
		})
	}
}

// TestLikenWhileItIsWritten takes no file for ours that changes while it is read.
func TestLikenWhileItIsWritten(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.toFake()
	r.drop("a", "ours")
	r.deliver("a")
	session, err := s.dial(t.Context())
	r.must(err)
	info, err := session.Stat(t.Context(), "in/a")
	r.must(err)
	s.setRefuse(func(op, _ string, _ func()) error {
		if op == "stat" {
			s.put("in/a", "OURS", time.Now().Add(time.Minute))
		}
		return nil
	})
	if like, err := liken(t.Context(), r.store, session, &r.record("a").Known[0], &info, readAny); err == nil {
		t.Errorf("it is %v", like)
	}
}

// TestRemovalWhereNothingIsHashed: others may have written as many bytes within the same second, and servers may have times of their own.
func TestRemovalWhereNothingIsHashed(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name      string
		there     string
		later     time.Duration
		trash     string
		verify    remote.Demand
		writeOnly bool
		want      EventType
	}{
		{"another's, for good", "OLD", 0, "", remote.Auto, false, EventKept},
		{"another's, to the trash", "OLD", 0, "in/.trash", remote.Auto, false, EventKept},
		{"ours under another time, for good", "old", time.Hour, "", remote.Auto, false, EventRemoved},
		{"ours under another time, to the trash", "old", time.Hour, "in/.trash", remote.Auto, false, EventTrashed},
		{"ours, and nobody may read it", "old", 0, "", remote.Auto, true, EventFailed},
		{"ours, and nobody may read it, to the trash", "old", 0, "in/.trash", remote.Auto, true, EventTrashed},
		{"ours, and nobody may read it nor needs to", "old", 0, "", remote.Size, true, EventRemoved},
		{"another time, and nobody may read it", "old", time.Hour, "in/.trash", remote.Auto, true, EventKept},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			s := r.toFake()
			r.mirrors(row.trash)
			r.folder.Verify = row.verify
			r.drop("stays", "x")
			r.drop("a", "old")
			r.once()
			s.put("in/a", row.there, r.print("a").Modified().Add(row.later))
			s.writeOnly = row.writeOnly
			r.gone("a")
			r.once()
			r.once()
			e := r.await(row.want, "a", "acme")
			got, there := s.content("in/a")
			if stays := row.want == EventKept || row.want == EventFailed; there != stays || stays && got != row.there {
				t.Errorf("%q is there: %v", got, there)
			}
			if row.want != EventFailed {
				return
			}
			if left := r.operations(); len(left) != 1 || !strings.Contains(e.Reason, errUnproved.Error()) || remote.HintOf(e.Err) == "" {
				t.Errorf("planned: %q, for %q", left, e.Reason)
			}
		})
	}
}

// TestExpiryWhereNothingIsHashed keeps what others have changed in the trash, though it has its size.
func TestExpiryWhereNothingIsHashed(t *testing.T) {
	t.Parallel()
	r, s := removingRig(t)
	r.once()
	r.gone("a")
	r.once()
	r.once()
	for _, name := range s.names("in/.trash/") {
		s.put(name, "OLD", time.Now())
	}
	r.folder.TrashKeep = 0
	r.once()
	r.await(EventKept, "a", "acme")
	if got := s.trash(); len(got) != 1 {
		t.Errorf("the trash holds %q", got)
	}
}

// TestAdoptionWhereNothingIsHashed reads back what has the size, and believes one that has the time too.
func TestAdoptionWhereNothingIsHashed(t *testing.T) {
	t.Parallel()
	hex := func(content string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(content))) }
	for _, row := range []struct {
		name   string
		there  string
		later  time.Duration
		verify remote.Demand
		reads  bool
		adopts bool
	}{
		{"the same under another time", "AAAA", time.Hour, remote.Auto, true, true},
		{"another of the same size", "BBBB", time.Hour, remote.Auto, true, false},
		{"another size", "BBBBB", time.Hour, remote.Auto, true, false}, // to tell its hash
		{"by size and time", "AAAA", 0, remote.Auto, false, true},
		{"by content alone", "BBBB", 0, remote.Content, true, false},
		{"by size and time alone", "AAAA", time.Hour, remote.Size, true, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.folder.Mirror, r.folder.Verify = true, row.verify
			s := r.toFake()
			s.put("in/a", row.there, r.drop("a", "AAAA").Modified().Add(row.later))
			read := false
			s.setRefuse(func(op, _ string, _ func()) error {
				read = read || op == "read"
				return nil
			})
			r.once()
			if read != row.reads {
				t.Errorf("read back: %v", read)
			}
			if row.adopts {
				r.await(EventAdopted, "a", "acme")
				return
			}
			in := r.intent("a")
			if in.Phase != state.Held || !strings.Contains(in.LastError, "SHA-256 "+hex(row.there)) || !strings.Contains(in.LastError, "SHA-256 "+hex("AAAA")) {
				t.Errorf("it is %s: %s", in.Phase, in.LastError)
			}
			x, found, err := r.store.ConflictOf(t.Context(), in.ID)
			if err != nil || !found || x.Kind != state.ConflictFile || x.Size != int64(len(row.there)) || fmt.Sprintf("%x", x.SHA256) != hex(row.there) ||
				fmt.Sprintf("%x", x.Ours) != hex("AAAA") || x.ModTime.IsZero() {
				t.Errorf("on record: %+v, %v, %v", x, found, err)
			}
		})
	}
}

// TestMoveWhereNoTimesAreKept renames at a server that hashes nothing and stamps files itself, by the receipt.
func TestMoveWhereNoTimesAreKept(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"small": 1000, "large": 2 * readToRename} {
		for _, touched := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, touched there: %v", name, touched), func(t *testing.T) {
				t.Parallel()
				r := newRig(t)
				r.folder.Mirror, r.folder.Deletes = true, true
				s := r.to("acme", sftptest.ServerOptions{}, sftptest.RefuseSetstat())
				content := strings.Repeat("x", size)
				r.drop("old", content)
				old := time.Now().Add(-time.Hour)
				r.must(os.Chtimes(r.source("old"), old, old))
				r.once()
				if touched {
					r.must(os.Chtimes(s.Dir+"/in/old", old.Add(-time.Hour), old.Add(-time.Hour)))
				}
				r.rename("old", "sub/new")
				before := r.written(s)
				r.once()
				want := map[string]string{"sub/new": content}
				if sent := r.written(s) > before; sent != (touched && name == "large") {
					t.Errorf("sent again: %v", sent)
				} else if sent { // what it was called before may be somebody's
					want["old"] = content
				}
				r.wantInbox("acme", want)
			})
		}
	}
}
