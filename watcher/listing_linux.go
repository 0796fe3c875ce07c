package watcher

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"
)

// listing is room for reading directories, used again for each.
type listing struct {
	spares
	buf   []byte // as the kernel fills it
	names []byte // of one directory, end to end
	spans []span // of names
}

type span struct {
	end   int // of this name, where the next begins
	dtype byte
}

// direntHead is the length of struct linux_dirent64 before the name, and the offsets are those of getdents64(2).
const (
	direntSize = 16
	direntType = 18
	direntHead = 19
)

// list returns what d holds, in no order. The names are parts of one string, and no stat is taken where the file system
// tells types: with a million files this is most of what a scan allocates.
func (d *dir) list(l *listing) ([]dirent, error) {
	if l.buf == nil {
		l.buf = make([]byte, 64<<10)
	}
	l.names, l.spans = l.names[:0], l.spans[:0]
	for {
		l.stepped()
		n, err := retry(func() (int, error) { return unix.Getdents(d.fd, l.buf) })
		if err != nil {
			return nil, &fs.PathError{Op: "read", Path: d.path, Err: err}
		}
		if n <= 0 {
			return l.entries(d)
		}
		for rest := l.buf[:n]; len(rest) > direntHead; {
			size := int(binary.NativeEndian.Uint16(rest[direntSize:]))
			name, _, _ := bytes.Cut(rest[direntHead:size], []byte{0})
			if string(name) != "." && string(name) != ".." {
				l.names = append(l.names, name...)
				l.spans = append(l.spans, span{end: len(l.names), dtype: rest[direntType]})
			}
			rest = rest[size:]
		}
	}
}

func (l *listing) entries(d *dir) ([]dirent, error) {
	names, from := string(l.names), 0
	ents := l.room(len(l.spans))
	for _, s := range l.spans {
		ent := dirent{name: names[from:s.end], kind: Other}
		from = s.end
		switch s.dtype {
		case unix.DT_REG:
			ent.kind = File
		case unix.DT_DIR:
			ent.kind = Dir
		case unix.DT_UNKNOWN: // some file systems do not keep the type in the directory
			l.stepped()
			st, err := d.lstat(ent.name)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, err
			}
			ent.kind = st.kind()
		}
		ents = append(ents, ent)
	}
	return ents, nil
}
