package samples

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func opened(t *testing.T, name string) *Keeper {
	t.Helper()
	k, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func note(t *testing.T, k *Keeper, at time.Time, queued, aside int) {
	t.Helper()
	if err := k.Note(Sample{at, queued, aside}); err != nil {
		t.Fatal(err)
	}
}

func sorted(s []Sample) []Sample {
	slices.SortFunc(s, func(x, y Sample) int { return cmp.Compare(x.At.Unix(), y.At.Unix()) })
	return s
}

func TestSamplesOutliveTheProcess(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "samples")
	k := opened(t, name)
	note(t, k, noon.Add(time.Minute), 7, 1)
	note(t, k, noon.Add(2*time.Minute+30*time.Second), 3, 2)
	note(t, k, noon.Add(70*time.Minute), 5, 0)
	now := noon.Add(2 * time.Hour)
	wantMinutes := []Sample{{noon.Add(time.Minute), 7, 1}, {noon.Add(150 * time.Second), 3, 2}, {noon.Add(70 * time.Minute), 5, 0}}
	wantHours := []Sample{{noon, 7, 2}, {noon.Add(time.Hour), 5, 0}} // the most of each
	for _, k := range []*Keeper{k, opened(t, name)} {
		if got := sorted(k.Minutes(now)); !slices.Equal(got, wantMinutes) {
			t.Errorf("minutes: %v", got)
		}
		if got := sorted(k.Hours(now)); !slices.Equal(got, wantHours) {
			t.Errorf("hours: %v", got)
		}
		if got := k.Minutes(noon.Add(25*time.Hour + time.Minute)); len(got) != 1 {
			t.Errorf("a day later: %v", got)
		}
		if got := k.Minutes(noon); len(got) != 0 {
			t.Errorf("a clock that was set back has %v", got)
		}
	}
}

// The file has one size, whatever the time, and after a year it holds a day and thirty days.
func TestSamplesAreBounded(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "samples")
	k := opened(t, name)
	now := noon
	for range 3 * 24 {
		note(t, k, now, 1, 0)
		now = now.Add(20 * time.Minute)
	}
	for range 400 * 2 {
		note(t, k, now, 1, 0)
		now = now.Add(12 * time.Hour)
	}
	info, err := os.Stat(name)
	if err != nil || info.Size() != int64(len(header)+place*(minutes+hours)) {
		t.Errorf("%v, %v", info, err)
	}
	k = opened(t, name)
	last := now.Add(-12 * time.Hour)
	if got := k.Minutes(last); len(got) > 2 {
		t.Errorf("%d in a day", len(got))
	}
	if got := k.Hours(last); len(got) != 60 {
		t.Errorf("%d in thirty days", len(got))
	}
}

// What a crash or another hand has left of the file costs samples and nothing else.
func TestSamplesOfADamagedFile(t *testing.T) {
	t.Parallel()
	whole := filepath.Join(t.TempDir(), "samples")
	note(t, opened(t, whole), noon, 1, 2)
	text, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	at := len(header) + place*int(noon.Unix()/60%minutes)
	torn := slices.Clone(text)
	torn[at+9]++
	for _, c := range []struct {
		name string
		text string
		want int // minutes that are left
	}{
		{"whole", string(text), 1},
		{"empty", "", 0},
		{"the beginning of a header", header[:4], 0},
		{"another version", strings.Replace(string(text), " 1\n", " 2\n", 1), 0},
		{"cut off", string(text[:at+place-1]), 0},
		{"cut off behind it", string(text[:at+place]), 1},
		{"half written", string(torn), 0},
	} {
		name := filepath.Join(t.TempDir(), "samples")
		if err := os.WriteFile(name, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		k := opened(t, name)
		if got := k.Minutes(noon); len(got) != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
		note(t, k, noon.Add(time.Minute), 5, 5)
		if got := opened(t, name).Minutes(noon.Add(time.Minute)); len(got) != c.want+1 {
			t.Errorf("%s, and one more: %v", c.name, got)
		}
	}
}

func TestSamplesWithoutAFile(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "nowhere", "samples")
	k := opened(t, name)
	if err := k.Note(Sample{At: noon, Queued: 1}); err == nil || !strings.Contains(err.Error(), "write samples") {
		t.Errorf("%v", err)
	}
	if got := k.Minutes(noon); len(got) != 1 {
		t.Errorf("what could not be written is not even in memory: %v", got)
	}
	k, err := Open(t.TempDir())
	if err == nil || k == nil {
		t.Errorf("a directory in its place: %v, %v", k, err)
	}
}
