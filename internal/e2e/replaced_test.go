package e2e

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestWhatALinkReplacesStays: a link that is not followed says nothing of the file that it has replaced. What was delivered stays, and the
// status and explain say so. A link that is followed, and leads to a directory or to nothing by now, is no file any more.
func TestWhatALinkReplacesStays(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, lines string
		now         map[string]string // where links lead in the end, by their names; one above a file replaces a directory
		stays       []string
	}{
		{"not followed", "", map[string]string{"a.txt": "b.txt", "dir": "elsewhere"}, []string{"a.txt", "dir/c.txt"}},
		{"followed", "symlinks = \"follow-inside\"\n", map[string]string{"to-dir": "dir", "to-nothing": "nowhere", "away": os.TempDir()}, []string{"away"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, row.lines+deleting)
			files := []string{"a.txt", "b.txt", "dir/c.txt", "elsewhere/d.txt"}
			for _, name := range files {
				r.drop(name, name)
			}
			want := map[string]string{"b.txt": "b.txt", "elsewhere/d.txt": "elsewhere/d.txt"}
			links := slices.Sorted(maps.Keys(row.now))
			if row.lines != "" {
				for _, name := range links {
					if err := os.Symlink("b.txt", filepath.Join(r.outbox, name)); err != nil {
						t.Fatal(err)
					}
				}
				files = append(files, links...)
				want["a.txt"], want["dir/c.txt"], want["to-dir/c.txt"] = "a.txt", "dir/c.txt", "dir/c.txt"
			}
			r.deliver(len(files))
			for _, name := range links {
				if err := os.RemoveAll(filepath.Join(r.outbox, name)); err != nil {
					t.Fatal(err)
				}
				if err := os.Symlink(row.now[name], filepath.Join(r.outbox, name)); err != nil {
					t.Fatal(err)
				}
			}
			for _, name := range row.stays {
				if want[name] = name; row.lines != "" {
					want[name] = "b.txt" // which the link led to
				}
			}
			a := r.watching()
			eventually(t, "the server has what is known, and what is unknown", time.Minute, func() bool {
				got := tree(t, r.inbox("copy"))
				maps.DeleteFunc(got, func(name, _ string) bool { return strings.HasPrefix(name, ".trash/") })
				return maps.Equal(got, want)
			})
			eventually(t, "the status tells", time.Minute, func() bool {
				f := r.status().Folders[0]
				return f.Replaced == len(row.stays) && slices.Equal(f.ReplacedFiles, row.stays)
			})
			contains(t, r.expect(0, "status").stdout, strings.Join(row.stays, ", ")+": what was delivered stays at the destination")
			for _, name := range row.stays {
				e := r.explain(filepath.Join(r.outbox, name))
				if e.State != "replaced" || !strings.Contains(e.Reason, "a link that is not followed") {
					t.Errorf("explain %s: %s, %s", name, e.State, e.Reason)
				}
			}
			eventually(t, "nothing is left to do", time.Minute, r.planIsEmpty)

			// Without the links the files are gone.
			for _, name := range links {
				if err := os.Remove(filepath.Join(r.outbox, name)); err != nil {
					t.Fatal(err)
				}
			}
			for _, name := range append(row.stays, "to-dir/c.txt") {
				delete(want, name)
			}
			eventually(t, "the server has lost them", time.Minute, func() bool {
				got := tree(t, r.inbox("copy"))
				maps.DeleteFunc(got, func(name, _ string) bool { return strings.HasPrefix(name, ".trash/") })
				return maps.Equal(got, want)
			})
			eventually(t, "the status tells nothing", time.Minute, func() bool { return r.status().Folders[0].Replaced == 0 })
			a.stop()
		})
	}
}
