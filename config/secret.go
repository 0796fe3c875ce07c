package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Secret says where a password or passphrase is kept. It never holds the value. At most one field is set.
type Secret struct {
	Env        string // name of an environment variable
	File       string // absolute path
	Credential string // name of a systemd credential, or of a secret in the state directory
}

// MaxSecret is more than any password has, in bytes.
const MaxSecret = 64 << 10

// IsSet tells whether the file names a place for the secret.
func (s Secret) IsSet() bool { return s != Secret{} }

// Read fetches the value. One line end after it is cut off, as editors and echo leave one. A credential is looked for in
// the directory that systemd names in $CREDENTIALS_DIRECTORY, and then asked of find, which may be nil. Errors name the
// place and never the value.
func (s Secret) Read(find func(credential string) (string, error)) (string, error) {
	var value string
	var err error
	switch {
	case s.Env != "":
		var ok bool
		if value, ok = os.LookupEnv(s.Env); !ok {
			return "", fmt.Errorf("environment variable %s is not set", s.Env)
		}
	case s.File != "":
		if value, err = readPrivate(s.File); err != nil {
			return "", err
		}
	case s.Credential != "":
		if value, err = readCredential(s.Credential, find); err != nil {
			return "", err
		}
	default:
		return "", errors.New("no secret is configured")
	}
	value = strings.TrimSuffix(strings.TrimSuffix(value, "\n"), "\r")
	if value == "" {
		return "", fmt.Errorf("%s is empty", s)
	}
	return value, nil
}

// String names the place of the secret.
func (s Secret) String() string {
	switch {
	case s.Env != "":
		return "environment variable " + s.Env
	case s.File != "":
		return s.File
	case s.Credential != "":
		return "credential " + s.Credential
	}
	return "no secret"
}

// CheckCredential returns an error unless name can be that of a credential.
func CheckCredential(name string) error {
	switch {
	case name == "." || name == ".." || strings.ContainsAny(name, `/\`):
		return fmt.Errorf("%s is a path, not a name", show(name))
	case name == "" || hasControl(name):
		return fmt.Errorf("%s is no name", show(name))
	}
	return nil
}

// readCredential does not check who can read a file of systemd's: it lies in a directory of this unit alone.
// https://systemd.io/CREDENTIALS/
func readCredential(name string, find func(string) (string, error)) (string, error) {
	if dir := os.Getenv("CREDENTIALS_DIRECTORY"); dir != "" {
		value, err := readSmall(filepath.Join(dir, name))
		if !errors.Is(err, os.ErrNotExist) {
			return value, err
		}
	}
	if find == nil {
		return "", fmt.Errorf("credential %s: not found", name)
	}
	value, err := find(name)
	if err != nil {
		return "", fmt.Errorf("credential %s: %w", name, err)
	}
	return value, nil
}

func readPrivate(name string) (string, error) {
	if err := checkPrivate(name); err != nil {
		return "", err
	}
	return readSmall(name)
}

// readSmall opens regular files only: a pipe without a writer would block for ever.
func readSmall(name string) (string, error) {
	if err := checkRegular(name); err != nil {
		return "", err
	}
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // read only: nothing can be lost
	b, err := io.ReadAll(io.LimitReader(f, MaxSecret+1))
	if err != nil {
		return "", err
	}
	if len(b) > MaxSecret {
		return "", fmt.Errorf("read %s: more than %d bytes, which is no secret", name, MaxSecret)
	}
	return string(b), nil
}

func checkRegular(name string) error {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("open %s: is a directory", name)
	case !info.Mode().IsRegular():
		return fmt.Errorf("open %s: is not a regular file", name)
	}
	return nil
}

// looseMode says that people other than the owner have rights on a file that should be private.
type looseMode struct {
	name string
	mode os.FileMode
}

func (e *looseMode) Error() string { return e.text() + ": " + e.hint() }

func (e *looseMode) text() string {
	return fmt.Sprintf("%s: mode %04o lets others than its owner in", e.name, e.mode)
}

func (e *looseMode) hint() string { return "chmod 600 " + ShellWord(e.name) }

// checkPrivate returns a *looseMode unless only the owner of the file has rights on it. Windows keeps rights elsewhere
// and makes its modes up, so they are not looked at there.
func checkPrivate(name string) error {
	if err := checkRegular(name); err != nil || runtime.GOOS == "windows" {
		return err
	}
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return &looseMode{name, mode}
	}
	return nil
}

// ShellWord quotes name for a POSIX shell, where it needs it.
func ShellWord(name string) string {
	if strings.ContainsAny(name, " \t\n\"'`$\\&|;<>()*?[]{}!#~") {
		return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
	}
	return name
}

// secret returns the secret at key. Its value never stands in a fault, even where the file holds it.
func (t table) secret(key string) Secret {
	t.takes(key, Shape{Type: OneTable, Table: string(kindSecret)})
	if _, isText := t.values[key].(string); isText {
		t.faultAt(key, key+" is plain text, and secrets do not stand in the file",
			key+` = { env = "NAME" }, { file = "FILE" } or { credential = "NAME" }`)
		return Secret{}
	}
	sub, given := t.single(key, kindSecret)
	if !given {
		return Secret{}
	}
	sub.unknown()
	if n := sub.countPlaces(); n != 1 {
		t.faultAt(key, fmt.Sprintf("%s names %d places for the secret, not one", key, n),
			key+` = { env = "NAME" }, { file = "FILE" } or { credential = "NAME" }`)
	}
	return sub.place()
}

// place returns where a secret is kept, of a table that names one place.
func (t table) place() Secret {
	var s Secret
	if env, given := t.text("env"); given {
		if strings.ContainsAny(env, "= ") {
			t.faultAt("env", "env is not the name of a variable", `env = "NAME"`)
		}
		s.Env = env
	}
	s.File, _ = t.local("file")
	if name, given := t.text("credential"); given {
		if err := CheckCredential(name); err != nil {
			t.faultAt("credential", "credential = "+err.Error(), "")
		}
		s.Credential = name
	}
	return s
}

func (t table) countPlaces() int {
	n := 0
	for _, k := range vocabulary(kindSecret).keys {
		if t.has(k) {
			n++
		}
	}
	return n
}
