package watcher

import (
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"unicode/utf16"

	"github.com/fsnotify/fsnotify"
)

// notified encodes changes as ReadDirectoryChangesW does: each aligned to four bytes, the last with an offset of 0.
func notified(changes ...notification) []byte {
	var buf []byte
	for i, c := range changes {
		name := utf16.Encode([]rune(c.name))
		size := notificationHead + 2*len(name)
		next := (size + 3) &^ 3
		entry := make([]byte, next)
		if i < len(changes)-1 {
			binary.LittleEndian.PutUint32(entry, uint32(next))
		}
		binary.LittleEndian.PutUint32(entry[4:], c.action)
		binary.LittleEndian.PutUint32(entry[8:], uint32(2*len(name)))
		for j, u := range name {
			binary.LittleEndian.PutUint16(entry[notificationHead+2*j:], u)
		}
		buf = append(buf, entry...)
	}
	return buf
}

func TestParseNotifications(t *testing.T) {
	all := []notification{
		{actionAdded, `a.xml`}, {actionRemoved, `in\b.xml`}, {actionModified, `Übung\größe 😀.txt`}, {actionRenamedOld, `x`}, {actionRenamedNew, `yy`},
	}
	for n := 1; n <= len(all); n++ {
		got, err := parseNotifications(notified(all[:n]...))
		if err != nil || !slices.Equal(got, all[:n]) {
			t.Errorf("%d: %v, %v", n, got, err)
		}
	}
	one := func(change func(buf []byte) []byte) []byte { return change(notified(all[0], all[1])) }
	put := func(at int, v uint32) func([]byte) []byte {
		return func(buf []byte) []byte { binary.LittleEndian.PutUint32(buf[at:], v); return buf }
	}
	for name, tt := range map[string]struct {
		buf  []byte
		want int // that come before the damage
	}{
		"nothing":              {nil, 0},
		"half a head":          {make([]byte, 11), 0},
		"a name too long":      {one(put(8, 1<<20)), 0},
		"a huge name":          {one(put(8, 0xfffffffe)), 0},
		"an odd length":        {one(put(8, 9)), 0},
		"next within the name": {one(put(0, 12)), 1},
		"next behind the end":  {one(put(0, 1<<20)), 1},
		"next at the end":      {one(func(buf []byte) []byte { return put(0, uint32(len(buf)))(buf) }), 1},
		"cut":                  {one(func(buf []byte) []byte { return buf[:len(buf)-4] }), 1},
	} {
		if got, err := parseNotifications(tt.buf); !errors.Is(err, errNotifications) || len(got) != tt.want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestWTF8(t *testing.T) {
	for _, tt := range []struct {
		units []uint16
		want  string
	}{
		{utf16.Encode([]rune("plain")), "plain"},
		{utf16.Encode([]rune("é😀")), "é😀"},
		{[]uint16{0xd83d}, "\xed\xa0\xbd"},
		{[]uint16{0xde00, 'x'}, "\xed\xb8\x80x"},
		{[]uint16{0xd83d, 'x'}, "\xed\xa0\xbdx"},
	} {
		var buf []byte
		for _, u := range tt.units {
			buf = binary.LittleEndian.AppendUint16(buf, u)
		}
		if got := wtf8(buf); got != tt.want {
			t.Errorf("%x: %q, want %q", tt.units, got, tt.want)
		}
	}
}

func FuzzParseNotifications(f *testing.F) {
	f.Add(notified(notification{actionAdded, "a"}))
	f.Add(notified(notification{actionAdded, `a\b`}, notification{actionRenamedNew, "c"}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, buf []byte) {
		found, err := parseNotifications(buf)
		if err == nil && len(found) == 0 {
			t.Error("neither a change nor an error")
		}
		if most := len(buf)/notificationHead + 1; len(found) > most {
			t.Errorf("%d changes in %d bytes", len(found), len(buf))
		}
		hints := newDirty()
		for _, change := range found {
			change.hintInto(hints, "root", func(string) (string, error) { return "", errors.New("none") })
		}
	})
}

func TestHintOfNotification(t *testing.T) {
	root := filepath.FromSlash("/srv/out")
	long := func(name string) (string, error) {
		switch name {
		case root:
			return filepath.FromSlash("/srv/long-out"), nil
		case filepath.Join(root, "LONGFI~1.TXT"):
			return filepath.FromSlash("/srv/long-out/long file name.txt"), nil
		}
		return "", fmt.Errorf("%s is gone", name)
	}
	for _, tt := range []struct {
		change notification
		name   string
		op     fsnotify.Op
		rescan bool
	}{
		{notification{actionAdded, `in\a`}, "in/a", fsnotify.Create, false},
		{notification{actionModified, `in`}, "in", fsnotify.Write, false},
		{notification{actionRemoved, `a`}, "a", fsnotify.Remove, false},
		{notification{actionRenamedOld, `a`}, "a", fsnotify.Rename, false},
		{notification{actionRenamedNew, `a`}, "a", fsnotify.Create, false},
		{notification{99, `a`}, "a", 0, false},
		{notification{actionAdded, `LONGFI~1.TXT`}, "long file name.txt", fsnotify.Create, false},
		{notification{actionRemoved, `GONEFI~1.TXT`}, "", 0, true},
	} {
		hints := newDirty()
		tt.change.hintInto(hints, root, long)
		rescan, err := hints.urgent()
		names := hints.take()
		op, ok := names[filepath.Join(root, tt.name)]
		if rescan != tt.rescan || err != nil || !tt.rescan && (!ok || op != tt.op || len(names) != 1) {
			t.Errorf("%+v: %v, rescan %v", tt.change, names, rescan)
		}
	}
}

func TestMayBeShort(t *testing.T) {
	for name, want := range map[string]bool{
		`LONGFI~1.TXT`: true, `in\PROGRA~1\x`: true, `A~12`: true, `plain.txt`: false, `~1`: false, `a~`: false, `a~b`: false,
		`much longer name~1.txt`: false, `a~1.html5`: false, `~$book.xlsx`: false,
	} {
		if got := mayBeShort(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func TestWindowsPaths(t *testing.T) {
	for _, tt := range []struct {
		name, extended string
		unc            bool
	}{
		{`C:\srv\out`, `\\?\C:\srv\out`, false},
		{`C:/srv/out`, `\\?\C:\srv\out`, false},
		{`\\nas\share\out`, `\\?\UNC\nas\share\out`, true},
		{`//nas/share`, `\\?\UNC\nas\share`, true},
		{`\\?\C:\out`, `\\?\C:\out`, false},
		{`\\?\UNC\nas\share`, `\\?\UNC\nas\share`, true},
		{`\\.\pipe\x`, `\\.\pipe\x`, false},
		{`relative\out`, `relative\out`, false},
		{`C:relative`, `C:relative`, false},
	} {
		if got := extendedPath(tt.name); got != tt.extended {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.extended)
		}
		if got := isUNC(tt.name); got != tt.unc {
			t.Errorf("%s: UNC %v", tt.name, got)
		}
	}
	for extended, plain := range map[string]string{`\\?\C:\x`: `C:\x`, `\\?\UNC\nas\share\x`: `\\nas\share\x`, `C:\x`: `C:\x`} {
		if got := plainPath(extended); got != plain {
			t.Errorf("%s: %s, want %s", extended, got, plain)
		}
	}
	for name, want := range map[string]string{
		`Z:\out\a`: `\\nas\share\out\a`, `z:/out`: `\\nas\share\out`, `Z:`: `\\nas\share`, `Z:\`: `\\nas\share`, `\\?\Z:\out`: `\\nas\share\out`,
	} {
		if _, rest, ok := driveOf(name); !ok || joinShare(`\\nas\share\`, rest) != want {
			t.Errorf("%s: %s, %v, want %s", name, joinShare(`\\nas\share\`, rest), ok, want)
		}
	}
	for _, name := range []string{`\\nas\share`, `out`, `1:\x`, ``, `/srv/out`} {
		if drive, _, ok := driveOf(name); ok {
			t.Errorf("%s lies on %s", name, drive)
		}
	}
	if unc, mapped := MappedDrive(`/srv/out`); mapped {
		t.Errorf("/srv/out is mapped to %s", unc)
	}
}
