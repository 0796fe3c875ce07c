package syncer

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// unseenServers refuse to tell of files, each in its way.
func unseenServers() map[string][]sftptest.Fault {
	return map[string][]sftptest.Fault{
		"of closed ones":                    {sftptest.RefuseStatAfterClose()},
		"of closed ones, no posix-rename":   {sftptest.RefuseStatAfterClose(), sftptest.NoPosixRename()},
		"of any, by name":                   {sftptest.Refuse(sftptest.OpLstat, sftptest.Unsupported)},
		"of closed ones, and lets not read": {sftptest.RefuseStatAfterClose(), sftptest.Refuse(sftptest.OpRead, sftptest.PermissionDenied)},
	}
}

// TestServersThatTellNothingOfFiles get each version, the second over the first, and somebody's file stays there.
func TestServersThatTellNothingOfFiles(t *testing.T) {
	t.Parallel()
	for name, faults := range unseenServers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.folder.Retry.Max = r.folder.Retry.Initial
			s := r.to("acme", sftptest.ServerOptions{}, faults...)
			writeOnly := name == "of closed ones, and lets not read"
			want := map[string]string{"a": "first", "theirs": "somebody else's"}
			r.must(os.WriteFile(filepath.Join(s.Dir, "in", "theirs"), []byte("somebody else's"), 0o600))
			r.drop("a", "first")
			r.drop("theirs", "ours")
			r.once()
			r.await(EventDelivered, "a", "acme")
			r.await(EventHeld, "theirs", "acme")
			r.wantInbox("acme", want)
			r.drop("a", "the second")
			r.once()
			if writeOnly { // nobody can tell whose file is there
				r.await(EventHeld, "a", "acme")
				r.wantReceipts(1)
				if ok, err := r.store.Retry(t.Context(), state.Selection{ID: r.intent("a").ID}, true); ok.Released != 1 || err != nil {
					t.Fatal(ok, err)
				}
				r.once()
			}
			r.await(EventDelivered, "a", "acme")
			want["a"] = "the second"
			r.wantInbox("acme", want)
			r.wantReceipts(2)
			r.wantNone(EventParked)
		})
	}
}

// TestRecoveryAtServersThatTellNothingOfFiles takes up an intent after T2 whose rename took place or not.
func TestRecoveryAtServersThatTellNothingOfFiles(t *testing.T) {
	t.Parallel()
	for name, faults := range unseenServers() {
		for _, row := range []struct {
			name     string
			renamed  bool
			taken    bool // by a partner
			again    bool // the same content was there before
			evidence string
			want     map[string]string
		}{
			{"not renamed", false, false, false, "", map[string]string{"a": "today's"}},
			{"not renamed, over yesterday's", false, false, true, "", map[string]string{"a": "today's"}},
			{"renamed", true, false, false, "", map[string]string{"a": "today's"}},
			{"renamed and taken", true, true, false, remote.Inferred, map[string]string{}},
		} {
			t.Run(name+"/"+row.name, func(t *testing.T) {
				t.Parallel()
				writeOnly := name == "of closed ones, and lets not read"
				if writeOnly && row.again {
					t.Skip("held: nobody can tell whose file is there")
				}
				r := newRig(t)
				s := r.to("acme", sftptest.ServerOptions{}, faults...)
				r.drop("x", "so that the server is known")
				r.once()
				before := 1
				if row.again {
					r.drop("a", "yesterday's")
					r.once()
					before++
				}
				i := r.plan("a", "today's")[0]
				sent := 0
				s.Faults.Add(sftptest.Fault{Op: sftptest.OpOpen, Path: ".a.*", Do: func() { sent++ }})
				r.upTo(s, &i, row.renamed)
				if row.taken {
					r.must(os.Remove(filepath.Join(s.Dir, "in", "a")))
				}
				r.once()
				all := r.receipts()
				if len(all) != before+1 || all[before].ID != i.ID {
					t.Fatalf("receipts: %+v", all)
				}
				inferred := all[before].Proof.Evidence == remote.Inferred
				if want := row.evidence == remote.Inferred || writeOnly && row.renamed; inferred != want {
					t.Errorf("evidence %q", all[before].Proof.Evidence)
				}
				row.want["x"] = "so that the server is known"
				r.wantInbox("acme", row.want)
				r.wantNone(EventParked, EventHeld)
			})
		}
	}
}

// upTo takes an intent over a session of its own to the rename, and, where it is wanted, behind it.
func (r *rig) upTo(s *sftptest.TestServer, i *state.Intent, renamed bool) {
	r.Helper()
	session, err := r.options.Destinations[0].Dial(r.Context())
	r.must(err)
	defer session.Close()
	d := &delivery{
		store: r.store, session: session, folder: r.folder, intent: *i, now: time.Now, began: time.Now(), familiar: true, observe: func(Event) {},
	}
	_, err = learn(r.Context(), r.store, "acme", session, time.Now())
	r.must(err)
	if ended, err := d.send(r.Context()); ended || err != nil {
		r.Fatal(ended, err)
	}
	if renamed {
		_, err := d.rename(r.Context(), i.Temp, true)
		r.must(err)
	}
	if _, err := os.Lstat(filepath.Join(s.Dir, i.Temp)); (err == nil) == renamed || err != nil && !os.IsNotExist(err) {
		r.Fatalf("the temp: %v", err)
	}
}

// TestRecoveryWhereNothingCanBeSeen has the rename itself tell whether the temp is there.
func TestRecoveryWhereNothingCanBeSeen(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		temp  bool
		final string
		want  string
	}{
		{"not renamed", true, "", renamed},
		{"not renamed, and something is there", true, "theirs!", kept},
		{"renamed", false, "content", inferred},
		{"renamed and taken", false, "", inferred},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			s := r.toFake()
			i := r.plan("a", "content")[0]
			if row.temp {
				s.put(i.Temp, "content", i.Fingerprint.Modified())
			}
			if row.final != "" {
				s.put(i.Final, row.final, i.Fingerprint.Modified())
			}
			r.commit(&i, proofOf("content", remote.ReadBack, i.Fingerprint.Modified()))
			got := r.recoveredFrom(s, func(op, name string) error {
				if op == "stat" {
					return problem(op, name, remote.Permission, fs.ErrPermission)
				}
				return nil
			})
			if got["a"] != row.want {
				t.Errorf("%s, want %s", got["a"], row.want)
			}
			wantFinal := row.final
			if row.want == renamed {
				wantFinal = "content"
			}
			if final, _ := s.content(i.Final); final != wantFinal {
				t.Errorf("at the final name: %q, want %q", final, wantFinal)
			}
		})
	}
}
