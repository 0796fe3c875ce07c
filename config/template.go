package config

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/dropferry/dropferry/file"
)

// Template is a path with placeholders, with "/" between elements on every platform. Its placeholders are
//
//	{name}    the file's name: a.tar.gz
//	{stem}    the name without its extension: a.tar; a name such as .profile is all stem
//	{ext}     the extension with its dot, or nothing: .gz; {stem}{ext} is {name} always
//	{yyyy} {mm} {dd}    the day on which the file became ready
//	{folder} {agent}    the names in the configuration
//
// If the last element holds {name}, {stem} or {ext}, it names the file, and the subdirectory that the file has in its
// folder goes in before it. Otherwise, and if it ends in "/", the template names a directory, below which the file
// keeps its relative path. The empty Template is the directory "".
type Template struct {
	text      string
	lead      string // the slashes before the first element
	elements  [][]piece
	namesFile bool
}

// piece is a stretch of an element: a placeholder, or plain text.
type piece struct {
	word string // of the placeholder, without braces; "" for plain text
	text string
}

// Values fill the placeholders of a Template.
type Values struct {
	Path   file.Path // of the file, in its folder
	At     time.Time // when it became ready, in the folder's time zone
	Folder string    // a name, hence without "/"
	Agent  string    // a name, hence without "/"
}

// placeholders are the words that may stand in braces.
func placeholders() []string {
	return []string{"name", "stem", "ext", "yyyy", "mm", "dd", "folder", "agent"}
}

func ofFile(word string) bool { return word == "name" || word == "stem" || word == "ext" }
func ofTime(word string) bool { return word == "yyyy" || word == "mm" || word == "dd" }

// ParseTemplate returns the template that text spells. Its errors say what is wrong and what may have been meant.
func ParseTemplate(text string) (Template, error) {
	t := Template{text: text}
	t.lead = text[:len(text)-len(strings.TrimLeft(text, "/"))]
	for element := range strings.SplitSeq(text[len(t.lead):], "/") {
		if element == "" || element == "." {
			continue
		}
		pieces, err := parseElement(element)
		if err != nil {
			return Template{}, err
		}
		t.elements = append(t.elements, pieces)
	}
	if hasControl(text) {
		return Template{}, &templateError{fmt.Sprintf("%q holds a control character", text), ""}
	}
	if len(t.elements) > 0 && !strings.HasSuffix(text, "/") {
		words := placeholdersIn(t.elements[len(t.elements)-1])
		t.namesFile = slices.ContainsFunc(words, ofFile)
		if t.namesFile && !slices.Contains(words, "name") && !slices.Contains(words, "stem") {
			return Template{}, &templateError{
				"its last element names the file by {ext} alone, so that files would replace one another",
				"add {name} or {stem}; or end in / to make directories by extension",
			}
		}
	}
	return t, nil
}

// templateError keeps the hint apart, as a Fault does.
type templateError struct{ text, hint string }

func (e *templateError) Error() string {
	if e.hint == "" {
		return e.text
	}
	return e.text + ": " + e.hint
}

// hintOf splits an error of ParseTemplate into text and hint.
func hintOf(err error) (text, hint string) {
	if e, ok := errors.AsType[*templateError](err); ok {
		return e.text, e.hint
	}
	return err.Error(), ""
}

func parseElement(element string) ([]piece, error) {
	var pieces []piece
	for rest := element; rest != ""; {
		i := strings.IndexAny(rest, "{}")
		switch {
		case i < 0:
			pieces, rest = append(pieces, piece{text: rest}), ""
			continue
		case rest[i] == '}':
			return nil, &templateError{fmt.Sprintf("%q has a } without a {", element), ""}
		case i > 0:
			pieces = append(pieces, piece{text: rest[:i]})
		}
		word, after, closed := strings.Cut(rest[i+1:], "}")
		if !closed || strings.Contains(word, "{") {
			return nil, &templateError{fmt.Sprintf("%q has a { without a }", element), ""}
		}
		if !slices.Contains(placeholders(), word) {
			return nil, unknownPlaceholder(word)
		}
		pieces, rest = append(pieces, piece{word: word}), after
	}
	if literal(pieces) == ".." {
		return nil, &templateError{`".." leads out of the directory`, ""}
	}
	return pieces, nil
}

func unknownPlaceholder(word string) error {
	hint := "known are {" + strings.Join(placeholders(), "} {") + "}"
	if best := nearest(word, placeholders()); best != "" {
		hint = "did you mean {" + best + "}?"
	}
	return &templateError{"unknown placeholder {" + word + "}", hint}
}

// literal returns the plain text of an element.
func literal(pieces []piece) string {
	var s strings.Builder
	for _, p := range pieces {
		s.WriteString(p.text)
	}
	return s.String()
}

func placeholdersIn(pieces []piece) []string {
	var words []string
	for _, p := range pieces {
		if p.word != "" {
			words = append(words, p.word)
		}
	}
	return words
}

// uses tells whether any placeholder of the template is one for which is says yes.
func (t Template) uses(is func(word string) bool) bool {
	return slices.ContainsFunc(t.elements, func(pieces []piece) bool {
		return slices.ContainsFunc(placeholdersIn(pieces), is)
	})
}

// String returns the template as it was written.
func (t Template) String() string { return t.text }

// Expand returns the path of one file. Values go in as they are: a name with braces in it stays as it is, and elements
// that come out empty, "." or ".." are left out, so that no file's name can lead elsewhere. The result starts with "/"
// only if the template does.
func (t Template) Expand(v Values) string {
	elements := make([]string, 0, len(t.elements)+2)
	for i, pieces := range t.elements {
		if t.namesFile && i == len(t.elements)-1 && v.Path.Dir() != "" {
			elements = append(elements, string(v.Path.Dir()))
		}
		if e := expand(pieces, v.word); e != "" && e != "." && e != ".." {
			elements = append(elements, e)
		}
	}
	if !t.namesFile {
		elements = append(elements, string(v.Path))
	}
	return t.lead + strings.Join(elements, "/")
}

func expand(pieces []piece, value func(word string) string) string {
	var b strings.Builder
	for _, p := range pieces {
		if p.word == "" {
			b.WriteString(p.text)
		} else {
			b.WriteString(value(p.word))
		}
	}
	return b.String()
}

// word returns the value of a placeholder.
func (v Values) word(word string) string {
	switch word {
	case "name":
		return v.Path.Base()
	case "stem":
		stem, _ := splitExt(v.Path.Base())
		return stem
	case "ext":
		_, ext := splitExt(v.Path.Base())
		return ext
	case "yyyy":
		return fmt.Sprintf("%04d", v.At.Year())
	case "mm":
		return fmt.Sprintf("%02d", v.At.Month())
	case "dd":
		return fmt.Sprintf("%02d", v.At.Day())
	case "folder":
		return v.Folder
	case "agent":
		return v.Agent
	}
	return ""
}

// splitExt cuts name before the dot of its extension. Dots at the start belong to the stem, and a dot at the end is no
// extension, so that neither part is ever "." or "..".
func splitExt(name string) (stem, ext string) {
	dots := len(name) - len(strings.TrimLeft(name, "."))
	i := strings.LastIndexByte(name[dots:], '.')
	if i < 0 || dots+i == len(name)-1 {
		return name, ""
	}
	return name[:dots+i], name[dots+i:]
}

// JoinRemote returns the remote path of p, the expansion of a remote template, at a destination with that root. An
// absolute p stands for itself; any other lies below root. Without a root, and below "~" or "~/x", the result is
// relative, which servers take as relative to the login directory; the login directory itself is ".".
func JoinRemote(root, p string) string {
	if strings.HasPrefix(p, "/") {
		return path.Clean(p)
	}
	if root == "~" || strings.HasPrefix(root, "~/") {
		root = strings.TrimLeft(root[1:], "/")
	}
	return path.Clean(path.Join(root, p))
}
