package state

import (
	"bytes"
	"testing"
)

func TestACheckpointLivesAsLongAsItsIntentIsPlanned(t *testing.T) {
	ctx := t.Context()
	endings := map[string]func(*testing.T, *Store){
		"committed": func(t *testing.T, s *Store) {
			if ok, err := s.Commit(ctx, "a", Proof{SHA256: []byte{1}, Evidence: "size"}); !ok || err != nil {
				t.Fatal(ok, err)
			}
		},
		"dropped": func(t *testing.T, s *Store) {
			if ok, err := s.Drop(ctx, "a"); !ok || err != nil {
				t.Fatal(ok, err)
			}
		},
		"forgotten": func(t *testing.T, s *Store) {
			if err := s.DropCheckpoint(ctx, "a"); err != nil {
				t.Fatal(err)
			}
		},
		"held": func(t *testing.T, s *Store) {
			if err := s.Fail(ctx, "a", Failure{Err: "no", Phase: Held}); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, end := range endings {
		t.Run(name, func(t *testing.T) {
			s, err := Open(ctx, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close() //nolint:errcheck // the test is about what was written before
			intent := Intent{ID: "a", Version: "v", Route: Route{"f", "d"}, Path: "p", Final: "/p", Temp: "/.p", Phase: Planned}
			if _, err := s.Plan(ctx, []Plan{{Intent: intent}}); err != nil {
				t.Fatal(err)
			}
			for _, want := range []Checkpoint{{64, []byte("one")}, {128, []byte("two")}} {
				if ok, err := s.SaveCheckpoint(ctx, "a", want); !ok || err != nil {
					t.Fatal(ok, err)
				}
				got, found, err := s.Checkpoint(ctx, "a")
				if err != nil || !found || got.Offset != want.Offset || !bytes.Equal(got.Hash, want.Hash) {
					t.Fatalf("read %+v (%v, %v), want %+v", got, found, err, want)
				}
			}
			if err := s.Fail(ctx, "a", Failure{Err: "cut"}); err != nil {
				t.Fatal(err)
			}
			if _, found, err := s.Checkpoint(ctx, "a"); !found || err != nil {
				t.Errorf("a failed attempt has ended the checkpoint (%v)", err)
			}
			end(t, s)
			if _, found, err := s.Checkpoint(ctx, "a"); found || err != nil {
				t.Errorf("the checkpoint is still there (%v)", err)
			}
			if ok, err := s.SaveCheckpoint(ctx, "a", Checkpoint{Offset: 256, Hash: []byte("x")}); ok != (name == "forgotten") || err != nil {
				t.Errorf("a checkpoint was saved: %v, %v", ok, err)
			}
		})
	}
}
