package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// tree is what lies below a directory, by relative path.
type tree map[string]entry

// entry is a file or a directory.
type entry struct {
	dir  bool
	size int64
	sum  [sha256.Size]byte
}

var directory = entry{dir: true}

// treeError lists what differs, in the order of the paths.
type treeError []string

// Error tells how many differences there are, and the first ones.
func (e treeError) Error() string {
	most := min(len(e), 3)
	text := strings.Join(e[:most], ", ")
	if most < len(e) {
		text += fmt.Sprintf(" and %d more", len(e)-most)
	}
	return "wrong result: " + text
}

// compare returns a treeError if anything but what is wanted lies below dir: other names, sizes or bytes. Times and
// permissions do not count, since not every program is asked to keep them.
func (t tree) compare(dir string) error {
	var differences treeError
	seen := map[string]bool{}
	buffer := make([]byte, 1<<20)
	err := filepath.WalkDir(dir, func(full string, d fs.DirEntry, err error) error {
		if err != nil || full == dir {
			return err
		}
		name, err := filepath.Rel(dir, full)
		if err != nil {
			return err
		}
		seen[name] = true
		want, known := t[name]
		switch {
		case !known:
			differences = append(differences, name+" is not wanted")
		case d.IsDir() != want.dir || !d.IsDir() && !d.Type().IsRegular():
			differences = append(differences, name+" is of another kind")
		case !d.IsDir():
			wrong, err := want.differs(full, buffer)
			if err != nil {
				return err
			}
			if wrong != "" {
				differences = append(differences, name+" "+wrong)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("compare: %w", err)
	}
	for name := range t {
		if !seen[name] {
			differences = append(differences, name+" is missing")
		}
	}
	if differences == nil {
		return nil
	}
	slices.Sort(differences)
	return differences
}

// differs says what is wrong with a file; "" is nothing.
func (e entry) differs(name string, buffer []byte) (wrong string, err error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	hash := sha256.New()
	// What a file hides io.CopyBuffer would use instead of the buffer.
	n, err := io.CopyBuffer(struct{ io.Writer }{hash}, struct{ io.Reader }{f}, buffer)
	switch {
	case err != nil:
		return "", err
	case n != e.size:
		return fmt.Sprintf("has %d bytes instead of %d", n, e.size), nil
	case [sha256.Size]byte(hash.Sum(nil)) != e.sum:
		return "has other bytes", nil
	}
	return "", nil
}
