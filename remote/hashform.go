package remote

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"sync"
)

// maxHashBatch is how many files are hashed with one command.
const maxHashBatch = 512

// hashForm is one way to have a command at the server hash files. None makes a file's name part of what a shell reads,
// unless every character of it is harmless.
type hashForm struct {
	name  string // as capabilities and receipts have it
	most  int    // files in one command
	takes func(name string) bool
	// command returns the line to run and what it reads. errTooLong says that the names are too many for one line.
	command func(names []string) (line string, input []byte, err error)
	// parse returns the digests in the order of the names, nil for a file without one; nil for all where the output does
	// not tell which is whose.
	parse func(out []byte, files int) [][]byte
	// ahead is the line where it is the same for all names, and waits for the end of its input: it may be run before they are known.
	// "" is none.
	ahead string
}

// errTooLong says that a form cannot be given so many names at once.
var errTooLong = errors.New("too many names for one command line")

// hashCommands are what a Unix system may have, and are tried in turn. Each reads names that end in NUL from its standard
// input. openssl comes first because it uses the processor's SHA instructions where coreutils' sha256sum often does not.
var hashCommands = []string{
	"xargs -0 openssl dgst -sha256 -r",
	"xargs -0 sha256sum",
	"xargs -0 shasum -a 256",
}

// hashForms returns what is tried at a server, the likeliest first.
func hashForms(windows bool) []hashForm {
	var forms []hashForm
	for _, command := range hashCommands {
		forms = append(forms, unixForm(command))
	}
	if windows {
		forms = append(windowsForms(), forms...)
	}
	return forms
}

// formOf returns the form of a name that was stored, that of a Unix command line where it is none of the others.
func formOf(name string) hashForm {
	forms := windowsForms()
	if i := slices.IndexFunc(forms, func(f hashForm) bool { return f.name == name }); i >= 0 {
		return forms[i]
	}
	return unixForm(name)
}

// unixForm is a command line that reads names that end in NUL.
func unixForm(line string) hashForm {
	return hashForm{
		name: line, most: maxHashBatch, ahead: line,
		takes: func(name string) bool { return !strings.ContainsRune(name, 0) },
		command: func(names []string) (string, []byte, error) {
			var input bytes.Buffer
			for _, name := range names {
				if !strings.HasPrefix(name, "/") {
					input.WriteString("./") // a name that begins with "-" is no option
				}
				input.WriteString(name)
				input.WriteByte(0)
			}
			return line, input.Bytes(), nil
		},
		parse: func(out []byte, files int) [][]byte {
			sums := parseSums(out)
			if len(sums) != files && (files > 1 || len(sums) == 0) {
				return nil // a file without a digest has no line
			}
			return sums[:files]
		},
	}
}

// parseSums returns the digest at the beginning of each line that has one, in order: "<64 hex> *name", or with a
// backslash before it where sha256sum has escaped the name.
func parseSums(out []byte) [][]byte {
	var sums [][]byte
	for line := range bytes.Lines(out) {
		line = bytes.TrimPrefix(line, []byte(`\`))
		const digits = 2 * sha256.Size
		if len(line) <= digits || line[digits] != ' ' {
			continue
		}
		if sum, err := hex.DecodeString(string(line[:digits])); err == nil {
			sums = append(sums, sum)
		}
	}
	return sums
}

// proveHash returns the name of the first form that hashes a file of known content rightly: it is there, it may be run, and
// it sees the same files as SFTP does, which an account in a chroot may not. "" where none does. The first is tried
// alone, since it mostly works, and then the others at once.
func (s *Session) proveHash(ctx context.Context, name string, want [sha256.Size]byte, windows bool) (string, error) {
	forms := hashForms(windows)
	proves, err := s.proves(ctx, forms[0], name, want)
	switch {
	case errors.Is(err, errNoHash): // no command at all
		return "", nil
	case err != nil || proves:
		return forms[0].name, err
	}
	forms = forms[1:]
	proven, errs := make([]bool, len(forms)), make([]error, len(forms))
	var trying sync.WaitGroup
	for i, form := range forms {
		trying.Go(func() { proven[i], errs[i] = s.proves(ctx, form, name, want) })
	}
	trying.Wait()
	for i := range forms {
		if errs[i] != nil && !errors.Is(errs[i], errNoHash) {
			return "", errs[i]
		}
		if proven[i] {
			return forms[i].name, nil
		}
	}
	return "", nil
}

// proves tells whether a form hashes a file of known content rightly.
func (s *Session) proves(ctx context.Context, form hashForm, name string, want [sha256.Size]byte) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if !form.takes(name) {
		return false, nil
	}
	// Longer than the silence after which a connection is given up, so that a dead one is not taken for a server without
	// commands; no longer, because everything waits for the probe.
	sums, err := s.runHash(form, []*hashRequest{{name: name}}, 2*s.target.StallTimeout)
	switch {
	case errors.Is(err, errNoHash):
		return false, err
	case err != nil:
		return false, s.wrap("probe", name, err)
	}
	return len(sums) == 1 && bytes.Equal(sums[0], want[:]), nil
}
