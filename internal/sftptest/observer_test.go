package sftptest

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
)

func sum(content []byte) string {
	h := sha256.Sum256(content)
	return hex.EncodeToString(h[:])
}

func write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(name, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// checkSeen compares all sightings with those wanted, each a name and a content.
func checkSeen(t *testing.T, o *Observer, want ...[2]string) {
	t.Helper()
	got := o.Seen()
	if len(got) != len(want) {
		t.Fatalf("%d sightings, want %d: %+v", len(got), len(want), got)
	}
	for i, w := range want {
		if g := got[i]; g.Name != w[0] || g.SHA256 != sum([]byte(w[1])) || g.Size != int64(len(w[1])) || g.At.IsZero() {
			t.Errorf("sighting %d is %+v, want %q", i, g, w)
		}
	}
}

func TestObserverSeesWhatIsPublished(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "before"), []byte("there already"))
	o := Observe(t, dir)
	private := filepath.Join(dir, file.PrivateName("a", file.NewID(time.Now()), file.TempSuffix))
	write(t, private, []byte("half of"))
	checkSeen(t, o, [2]string{"before", "there already"})
	write(t, private, []byte("half of it and the rest"))
	if err := os.Rename(private, filepath.Join(dir, "a")); err != nil {
		t.Fatal(err)
	}
	checkSeen(t, o, [2]string{"before", "there already"}, [2]string{"a", "half of it and the rest"})
}

func TestObserverCatchesHalfAFile(t *testing.T) {
	dir := t.TempDir()
	o := Observe(t, dir)
	// A writer's moments in between may be seen too: an empty file at first.
	for _, content := range []string{"half", "half and the rest"} {
		write(t, filepath.Join(dir, "a"), []byte(content))
		seen := o.Seen()
		if len(seen) == 0 || seen[len(seen)-1].SHA256 != sum([]byte(content)) {
			t.Errorf("%+v, want %q at last", seen, content)
		}
	}
	if seen := o.Seen(); len(seen) < 2 {
		t.Errorf("%+v, want both contents", seen)
	}
}

func TestObserverCountsEachFile(t *testing.T) {
	dir := t.TempDir()
	o := Observe(t, dir)
	publish := func(content string) {
		t.Helper()
		private := filepath.Join(dir, file.PrivateName("a", file.NewID(time.Now()), file.TempSuffix))
		write(t, private, []byte(content))
		if err := os.Rename(private, filepath.Join(dir, "a")); err != nil {
			t.Fatal(err)
		}
	}
	publish("same")
	checkSeen(t, o, [2]string{"a", "same"})
	if err := os.Chtimes(filepath.Join(dir, "a"), time.Now(), time.Unix(1_700_000_000, 0)); err != nil {
		t.Fatal(err)
	}
	checkSeen(t, o, [2]string{"a", "same"}) // only its time changed
	publish("same")                         // published twice
	checkSeen(t, o, [2]string{"a", "same"}, [2]string{"a", "same"})
}

func TestObserverFollowsDirectories(t *testing.T) {
	dir := t.TempDir()
	o := Observe(t, dir)
	if err := os.MkdirAll(filepath.Join(dir, "2024", "05"), 0o755); err != nil {
		t.Fatal(err)
	}
	private := filepath.Join(dir, "2024", "05", file.PrivateName("a", file.NewID(time.Now()), file.TempSuffix))
	write(t, private, []byte("x"))
	if err := os.Rename(private, filepath.Join(dir, "2024", "05", "a")); err != nil {
		t.Fatal(err)
	}
	checkSeen(t, o, [2]string{"2024/05/a", "x"})
}

// A file that is taken at once must not go unnoticed, even if it is gone before it can be read.
func TestObserverNoticesWhatVanishes(t *testing.T) {
	dir := t.TempDir()
	o := Observe(t, dir)
	// The kernel's events are told a moment later than they happen.
	for deadline := time.Now().Add(10 * time.Second); len(o.Seen()) == 0 && time.Now().Before(deadline); {
		private := filepath.Join(dir, file.PrivateName("a", file.NewID(time.Now()), file.TempSuffix))
		write(t, private, []byte("x"))
		if err := os.Rename(private, filepath.Join(dir, "a")); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(dir, "a")); err != nil {
			t.Fatal(err)
		}
	}
	seen := o.Seen()
	if len(seen) == 0 {
		t.Fatal("nothing was seen")
	}
	for _, s := range seen {
		if s.Name != "a" || (s.SHA256 != "" && s.SHA256 != sum([]byte("x"))) {
			t.Errorf("%+v", s)
		}
	}
}
