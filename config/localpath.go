package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// local returns the absolute local path at key.
func (t table) local(key string) (name string, given bool) {
	text, given := t.text(key)
	if !given {
		return "", false
	}
	name, err := absolute(t.dir, text)
	if err != nil {
		t.faultAt(key, key+" = "+show(text)+": "+err.Error(), "")
		return "", false
	}
	return name, true
}

// archive returns the absolute template at archive.
func (t table) archive() string {
	const key = "archive"
	text, given := t.text(key)
	if !given {
		return ""
	}
	slashed := filepath.ToSlash(text)
	if i := strings.IndexByte(slashed, '{'); i >= 0 && hasDotDot(slashed[i:]) {
		t.faultAt(key, `archive = `+show(text)+` has ".." after a placeholder`, "")
		return ""
	}
	name, err := absolute(t.dir, text)
	if err != nil {
		t.faultAt(key, key+" = "+show(text)+": "+err.Error(), "")
		return ""
	}
	if strings.HasSuffix(slashed, "/") {
		name += string(filepath.Separator) // the template means it: see Template
	}
	if _, err := ParseTemplate(filepath.ToSlash(name)); err != nil {
		why, hint := hintOf(err)
		t.faultAt(key, key+" = "+show(text)+": "+why, hint)
		return ""
	}
	return name
}

// absolute makes a path of the file absolute: relative ones are relative to dir, and "~" is the home directory of the
// account that runs.
func absolute(dir, text string) (string, error) {
	if text == "~" || strings.HasPrefix(filepath.ToSlash(text), "~/") {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", errors.New("the account has no home directory for ~")
		}
		return filepath.Join(home, text[1:]), nil
	}
	volume := filepath.VolumeName(text)
	switch {
	case filepath.IsAbs(text):
		return filepath.Clean(text), nil
	case volume != "":
		return "", errors.New("a path on a drive begins with a slash after the colon")
	case os.IsPathSeparator(text[0]): // on Windows: on the drive of the file
		return filepath.Clean(filepath.VolumeName(dir) + text), nil
	}
	return filepath.Join(dir, text), nil
}

// foldCase says whether the system's usual file systems take names that differ in case for the same.
const foldCase = runtime.GOOS == "windows" || runtime.GOOS == "darwin"

// canonical returns name in the one form in which paths are compared: links resolved as far as it exists and its file system
// answers, and in lower case where the system does not tell cases apart.
func canonical(name string) string {
	name = filepath.Clean(name)
	rest := ""
	for at := name; ; at = filepath.Dir(at) {
		real, err := resolved.of(at)
		if err == nil {
			name = filepath.Join(real, rest)
			break
		}
		if !errors.Is(err, fs.ErrNotExist) || at == filepath.Dir(at) {
			break
		}
		rest = filepath.Join(filepath.Base(at), rest)
	}
	if foldCase {
		name = strings.ToLower(name)
	}
	return name
}
