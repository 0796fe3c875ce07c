package agent

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/samples"
	"github.com/dropferry/dropferry/state"
)

func TestPoints(t *testing.T) {
	first := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	at := func(minutes int) time.Time { return first.Add(time.Duration(minutes) * time.Minute) }
	got := points(first, at(25), 10*time.Minute, map[time.Time]state.Throughput{at(10): {Begin: at(10), Files: 2, Bytes: 300}},
		[]samples.Sample{{At: at(12), Queued: 5, Aside: 1}, {At: at(11), Queued: 3, Aside: 4}, {At: at(20)}, {At: at(-3), Queued: 9}})
	if len(got) != 3 || got[0].At != first || got[2].At != at(20) {
		t.Fatalf("%v", got)
	}
	if p := got[0]; p.Queued != nil || p.Aside != nil || p.Bytes != 0 {
		t.Errorf("where nobody looked: %v", p)
	}
	if p := got[1]; p.Deliveries != 2 || p.Bytes != 300 || *p.Queued != 5 || *p.Aside != 4 {
		t.Errorf("%v", p)
	}
	if p := got[2]; p.Queued == nil || *p.Queued != 0 || p.Deliveries != 0 {
		t.Errorf("where nothing waited: %v", p)
	}
}

// pastLedger is receipts of one byte each, and tells what was read of it.
type pastLedger struct {
	at    []time.Time
	reads []string
}

func (l *pastLedger) Throughput(_ context.Context, since, until time.Time, step time.Duration) (found []state.Throughput, err error) {
	l.reads = append(l.reads, since.Format("02 15:04")+" to "+until.Format("02 15:04"))
	of := map[time.Time]int64{}
	for _, at := range l.at {
		if !at.Before(since) && at.Before(until) {
			of[beginOf(at, step)]++
		}
	}
	for at, n := range of {
		found = append(found, state.Throughput{Begin: at, Files: n, Bytes: n})
	}
	return found, nil
}

// What is over is read once, a day at a time, and what may still come is read again.
func TestSumsAreReadOnce(t *testing.T) {
	now := time.Date(2026, 3, 10, 12, 30, 0, 0, time.UTC)
	l := &pastLedger{at: []time.Time{now.Add(-40 * time.Hour), now.Add(-time.Minute), now.Add(-time.Minute)}}
	s := &sums{step: time.Hour, of: map[time.Time]state.Throughput{}}
	bring := func(first, now time.Time, files int, reads ...string) {
		t.Helper()
		l.reads = nil
		if err := s.bring(t.Context(), l, first, now); err != nil {
			t.Fatal(err)
		}
		var n int64
		for _, d := range s.of {
			n += d.Files
		}
		if n != int64(files) || !slices.Equal(l.reads, reads) {
			t.Errorf("%d files, read %q", n, l.reads)
		}
	}
	first := now.Add(-48 * time.Hour).Truncate(time.Hour)
	bring(first, now, 3, "08 12:00 to 09 12:00", "09 12:00 to 10 12:00", "10 12:00 to 10 13:00")
	l.at = append(l.at, now)
	bring(first, now, 4, "10 12:00 to 10 13:00")
	bring(first.Add(9*time.Hour), now.Add(9*time.Hour), 3, "10 12:00 to 10 22:00") // the oldest is out of it
	bring(first, now, 4, "08 12:00 to 09 12:00", "09 12:00 to 10 12:00", "10 12:00 to 10 13:00")
}

// A file that cannot be written is told of once, and the look goes on.
func TestLookAtWhatWaits(t *testing.T) {
	dir := t.TempDir()
	store, err := state.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close() //nolint:errcheck // nothing was written
	var said strings.Builder
	log := slog.New(slog.NewTextHandler(&said, nil))
	a := newActivity(store, dir, log)
	now := time.Date(2026, 3, 10, 12, 30, 0, 0, time.UTC)
	a.look(t.Context(), now)
	for span, n := range map[string]int{control.Day: 144, control.Month: 720} {
		got, err := newActivity(store, dir, log).over(t.Context(), span, now)
		if err != nil || len(got.Points) != n || got.Points[n-1].Queued == nil || *got.Points[n-1].Queued != 0 || got.Points[n-2].Queued != nil {
			t.Errorf("%s: %d points, %v", span, len(got.Points), err)
		}
	}
	if said.Len() > 0 {
		t.Errorf("said %s", said.String())
	}
	name := filepath.Join(dir, sampleFile)
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(name, 0o700); err != nil {
		t.Fatal(err)
	}
	a.look(t.Context(), now.Add(time.Minute))
	a.look(t.Context(), now.Add(2*time.Minute))
	if n := strings.Count(said.String(), "the charts of the page"); n != 1 {
		t.Errorf("said %d times: %s", n, said.String())
	}
}
