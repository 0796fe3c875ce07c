package watcher

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/dropferry/dropferry/file"
)

func TestParseMounts(t *testing.T) {
	const text = `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw
31 22 0:27 / /srv/out rw - tmpfs tmpfs rw
32 31 0:28 / /srv/out/a\040b rw - tmpfs tmpfs rw
33 31 0:29 /x /srv/out/deep/er rw - nfs4 h:/x rw
34 33 0:30 / /srv/out/deep/er rw - tmpfs over rw
35 22 0:31 / /srv/outside rw - tmpfs tmpfs rw
36 31 0:32 / /srv/out/back\134slash\012 rw - tmpfs tmpfs rw
broken
`
	if runtime.GOOS == "windows" {
		t.Skip("the paths are those of Linux")
	}
	want := mountTable{"a b": "32", "deep/er": "34", "back\\slash\n": "36"}
	if got := parseMounts(text, "/srv/out"); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for escaped, want := range map[string]string{`a\040`: "a ", `a\04`: `a\04`, `a\999b`: `a\999b`, `\`: `\`, `\777`: `\777`} {
		if got := unescapeMount(escaped); got != want {
			t.Errorf("%q: %q, want %q", escaped, got, want)
		}
	}
}

func TestMountsComeAndGo(t *testing.T) {
	var table mountTable
	for _, tt := range []struct {
		name    string
		now     mountTable
		lost    []file.Path
		changed bool
	}{
		{"at first", mountTable{"a": "1", "b/c": "2"}, nil, false},
		{"the same", mountTable{"a": "1", "b/c": "2"}, nil, false},
		{"one unmounted", mountTable{"a": "1"}, []file.Path{"b/c"}, true},
		{"still", mountTable{"a": "1"}, []file.Path{"b/c"}, false},
		{"both", nil, []file.Path{"a", "b/c"}, true},
		{"one back", mountTable{"b/c": "3"}, []file.Path{"a"}, true},
		{"mounted over", mountTable{"b/c": "4"}, []file.Path{"a"}, true},
		{"all back, and a new one", mountTable{"a": "5", "b/c": "4", "d": "6"}, nil, true},
	} {
		lost, changed := table.look(tt.now)
		if changed != tt.changed {
			t.Errorf("%s: changed %v", tt.name, changed)
		}
		for _, p := range []file.Path{"a", "b/c", "d"} {
			want := false
			for _, l := range tt.lost {
				want = want || l == p
			}
			if lost.has(p) != want {
				t.Errorf("%s: %s is lost: %v", tt.name, p, lost.has(p))
			}
		}
	}
}

// memory is a Mounts.
type memory struct {
	mu      sync.Mutex
	places  []file.Path
	nothing map[file.Path]bool // places of which nothing matters
	err     error
}

func (m *memory) Mounted(context.Context) ([]file.Path, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(m.places), func(p file.Path) bool { return m.nothing[p] }), m.err
}

func (m *memory) SaveMounted(_ context.Context, places []file.Path) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err == nil {
		m.places = append(m.places, places...)
	}
	return m.err
}

func (m *memory) forget(p file.Path) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.places = slices.DeleteFunc(m.places, func(other file.Path) bool { return other == p })
}

// A mount that an earlier process has seen, and that is not there any more, makes its place unknown, by a single scan too.
// Where nothing matters of what lay there, it is forgotten, as when somebody says so; where that cannot be told, nothing is
// taken for gone.
func TestMountsAreRemembered(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"a/x", "mnt/below", "z"} {
		write(t, filepath.Join(root, name), "x")
	}
	m := &memory{nothing: map[file.Path]bool{"a": true}}
	now := mountTable{"mnt": "1", "a": "2"}
	scan := func() *recorder {
		t.Helper()
		w := newQuick(t, Rules{Root: root})
		w.mounts = func(string) (mountTable, error) { return now, nil }
		w.Remember(m)
		rec := &recorder{}
		if _, err := w.Scan(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
		return rec
	}
	unknown := func(r *recorder) (all []file.Path) {
		for _, e := range r.lastScan() {
			if e.Err != nil {
				all = append(all, e.Path)
			}
		}
		return all
	}
	if got := unknown(scan()); len(got) != 0 || !slices.Equal(m.places, []file.Path{"a", "mnt"}) {
		t.Errorf("mounted: %q is unknown, %q remembered", got, m.places)
	}
	now = nil
	if got := unknown(scan()); !slices.Equal(got, []file.Path{"mnt"}) {
		t.Errorf("unmounted: %q is unknown", got)
	}
	m.err = errors.New("the store is away")
	if got := unknown(scan()); !slices.Equal(got, []file.Path{""}) {
		t.Errorf("without a memory: %q is unknown", got)
	}
	m.err = nil
	m.forget("mnt")
	if got := unknown(scan()); len(got) != 0 {
		t.Errorf("forgotten: %q is unknown", got)
	}
}

func TestDoubt(t *testing.T) {
	home := identity{dev: 1, inode: 2, mount: 3}
	for name, tt := range map[string]struct {
		home, now identity
		want      error
	}{
		"the first":             {identity{}, home, nil},
		"the same":              {home, home, nil},
		"mounted again":         {home, identity{1, 2, 4}, nil},
		"another directory":     {home, identity{1, 7, 3}, errOtherRoot},
		"another file system":   {home, identity{9, 2, 8}, errOtherDevice},
		"on another altogether": {home, identity{9, 7, 8}, errOtherDevice},
	} {
		if got := doubt(tt.home, tt.now); !errors.Is(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

// A place where something was mounted is unknown once nothing is, also where its directory was removed with it.
func TestScanOfLostMounts(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"a/x", "mnt/below", "z"} {
		write(t, filepath.Join(root, name), "x")
	}
	w := newQuick(t, Rules{Root: root})
	w.Remember(nil)
	w.inside = mountTable{"mnt": notMounted, "gone": notMounted, "a/deep": notMounted}
	rec := &recorder{}
	sum, err := w.Scan(t.Context(), rec)
	if err != nil || sum.Complete || len(sum.Errors) != 3 {
		t.Errorf("%+v, %v", sum, err)
	}
	for _, p := range []file.Path{"mnt", "gone", "a/deep"} {
		if e, ok := find(rec.lastScan(), p); !ok || !errors.Is(e.Err, ErrUnmounted) {
			t.Errorf("%s: %+v", p, e)
		}
	}
	if _, ok := find(rec.lastScan(), "mnt/below"); ok {
		t.Error("what lies below the mount point was taken for what was mounted")
	}
}
