// Package file holds the two values that every other package shares: Path, the name of a file inside a watched
// folder, and Fingerprint, what the operating system says of one version of it.
package file

import (
	"path"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// Path names a file relative to its folder's root, with "/" between elements on every platform. The bytes are those
// of the operating system and need not be UTF-8. The root itself is the empty Path.
//
// Byte-wise order of Paths is the order of the store and of a scan.
type Path string

// Base returns the last element.
func (p Path) Base() string { return path.Base(string(p)) }

// Dir returns the directory that holds p, or the empty Path for something directly under the root.
func (p Path) Dir() Path {
	i := strings.LastIndexByte(string(p), '/')
	if i < 0 {
		return ""
	}
	return p[:i]
}

// Join appends one element.
func (p Path) Join(name string) Path {
	if p == "" {
		return Path(name)
	}
	return p + "/" + Path(name)
}

// Under tells whether p lies in the directory dir, at any depth. Everything lies under the empty Path.
func (p Path) Under(dir Path) bool {
	return dir == "" || (len(p) > len(dir) && p[:len(dir)] == dir && p[len(dir)] == '/')
}

// In returns the operating system's path of p in the folder at root.
func (p Path) In(root string) string { return filepath.Join(root, filepath.FromSlash(string(p))) }

// IsUTF8 tells whether p can stand in JSON as it is.
func (p Path) IsUTF8() bool { return utf8.ValidString(string(p)) }

// Rel returns the Path of the operating system's path name in the folder at root; ok is false where name is not below
// root. Both are compared as they are written: the caller resolves links.
func Rel(root, name string) (p Path, ok bool) {
	rel, err := filepath.Rel(root, name)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return "", false
	}
	if rel == "." {
		return "", true
	}
	return Path(filepath.ToSlash(rel)), true
}
