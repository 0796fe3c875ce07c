package file

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Folding says which names of files a file system takes for one.
type Folding struct {
	Case bool // those that differ in the case of letters alone
	Form bool // those that are the same in Unicode's normal form: é may be one letter, or an e with an accent
}

// Folds tells whether any names are taken for one.
func (f Folding) Folds() bool { return f.Case || f.Form }

// Key returns what all names share that are taken for one. Systems differ in rare letters.
func (f Folding) Key(name string) string {
	if f.Case && f.Form { // a letter may have a single capital only without its accent
		name = norm.NFD.String(name)
	}
	if f.Case {
		name = foldCase(name)
	}
	if f.Form {
		name = norm.NFC.String(name)
	}
	return name
}

// foldCase goes by way of the capital, since several letters share one. Bytes that are no letters stay.
func foldCase(name string) string {
	var b strings.Builder
	for i, r := range name {
		if r == utf8.RuneError {
			_, n := utf8.DecodeRuneInString(name[i:])
			b.WriteString(name[i : i+n])
			continue
		}
		b.WriteRune(unicode.ToLower(unicode.ToUpper(r)))
	}
	return b.String()
}

// Same tells whether two names are taken for one.
func (f Folding) Same(a, b string) bool { return a == b || f.Folds() && f.Key(a) == f.Key(b) }

// Respelled returns other names that some file systems take for a name: with the case of its letters changed, and in another
// form. There is none where it has no such letters.
func Respelled(name string) []string {
	var others []string
	swapped := strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, name)
	for _, other := range []string{swapped, norm.NFC.String(name), norm.NFD.String(name)} {
		if other != name {
			others = append(others, other)
		}
	}
	return others
}
