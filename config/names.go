package config

import (
	"strings"
	"unicode/utf8"

	"github.com/dropferry/dropferry/file"
)

// Names says how the names of files become names at a destination.
type Names string

// The ways.
const (
	StrictNames  Names = "strict"  // as they are, byte for byte
	WindowsNames Names = "windows" // what Windows does not take in a name is written as a look-alike
)

// Map returns the path that a file has at the destination. Two paths never become one: Unmap gives each back.
func (n Names) Map(p file.Path) file.Path { return n.each(p, windowsName) }

// Unmap returns the path that Map has made p of.
func (n Names) Unmap(p file.Path) file.Path { return n.each(p, localName) }

func (n Names) each(p file.Path, change func(string) string) file.Path {
	if n != WindowsNames {
		return p
	}
	elements := strings.Split(string(p), "/")
	for i, e := range elements {
		elements[i] = change(e)
	}
	return file.Path(strings.Join(elements, "/"))
}

// literally stands before a character that stands for itself: one that is a look-alike by itself, or the first of a name
// that Windows takes for a device.
const literally = '\u201b'

// lookAlikes are what stands for the characters that no name may have. Control characters have pictures of their own, from
// U+2400 on, and so has a space, which is in the way only at the end of a name, as a full stop is.
var lookAlikes = map[rune]rune{
	'<': '\uff1c', '>': '\uff1e', ':': '\uff1a', '"': '\uff02', '|': '\uff5c', '?': '\uff1f', '*': '\uff0a', '\\': '\uff3c',
}

const (
	pictures  = '\u2400' // of the control characters, in their order
	fullStop  = '\uff0e'
	spaceSign = '\u2420'
)

// originals is lookAlikes the other way round, with everything else that Map can write.
var originals = func() map[rune]rune {
	all := map[rune]rune{fullStop: '.', spaceSign: ' '}
	for from, to := range lookAlikes {
		all[to] = from
	}
	for c := rune(1); c < ' '; c++ {
		all[pictures+c] = c
	}
	return all
}()

// windowsName makes a name of one that Windows takes. Bytes that are no UTF-8 stay as they are, for the server to refuse.
func windowsName(name string) string {
	var b strings.Builder
	if isDevice(name) {
		b.WriteRune(literally)
	}
	for i := 0; i < len(name); {
		c, size := utf8.DecodeRuneInString(name[i:])
		last := i+size == len(name)
		to, refused := lookAlikes[c]
		_, taken := originals[c]
		switch {
		case c == utf8.RuneError && size == 1:
			b.WriteByte(name[i])
		case refused:
			b.WriteRune(to)
		case c > 0 && c < ' ':
			b.WriteRune(pictures + c)
		case last && c == '.':
			b.WriteRune(fullStop)
		case last && c == ' ':
			b.WriteRune(spaceSign)
		case taken || c == literally:
			b.WriteRune(literally)
			b.WriteRune(c)
		default:
			b.WriteRune(c)
		}
		i += size
	}
	return b.String()
}

func localName(name string) string {
	var b strings.Builder
	for i := 0; i < len(name); {
		c, size := utf8.DecodeRuneInString(name[i:])
		switch from, ok := originals[c]; {
		case c == literally && i+size < len(name):
			i += size
			_, size = utf8.DecodeRuneInString(name[i:])
			b.WriteString(name[i : i+size])
		case ok:
			b.WriteRune(from)
		default:
			b.WriteString(name[i : i+size])
		}
		i += size
	}
	return b.String()
}

// isDevice tells whether Windows takes a name for a device, whatever its extension. Source: "Naming Files, Paths, and
// Namespaces" in Microsoft's documentation.
func isDevice(name string) bool {
	stem, _, _ := strings.Cut(name, ".")
	stem = strings.ToUpper(strings.TrimRight(stem, " "))
	switch stem {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	port, ok := strings.CutPrefix(stem, "COM")
	if !ok {
		port, ok = strings.CutPrefix(stem, "LPT")
	}
	return ok && utf8.RuneCountInString(port) == 1 && strings.Contains("0123456789\u00b9\u00b2\u00b3", port)
}
