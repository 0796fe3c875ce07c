package logs

import (
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Escape returns text with everything spelt out that could command a terminal or deceive its reader: control characters
// but ends of lines and tabs, the marks that turn the direction of writing, and what is not UTF-8. JSON stays the same JSON.
func Escape(text []byte) []byte {
	at := firstUnsafe(text)
	if at < 0 {
		return text
	}
	safe := append(make([]byte, 0, len(text)+16), text[:at]...)
	for at < len(text) {
		r, size := utf8.DecodeRune(text[at:])
		switch {
		case isSafe(r, size):
			safe = append(safe, text[at:at+size]...)
		case r == utf8.RuneError && size == 1, r < ' ':
			safe = fmt.Appendf(safe, `\x%02x`, text[at])
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			safe = fmt.Appendf(safe, `\u%04x\u%04x`, high, low)
		default:
			safe = fmt.Appendf(safe, `\u%04x`, r)
		}
		at += size
	}
	return safe
}

// firstUnsafe returns where the first thing stands that has to be spelt out, -1 where there is none.
func firstUnsafe(text []byte) int {
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRune(text[at:])
		if !isSafe(r, size) {
			return at
		}
		at += size
	}
	return -1
}

func isSafe(r rune, size int) bool {
	switch {
	case r == '\n' || r == '\t':
		return true
	case r == utf8.RuneError:
		return size > 1
	case r < utf8.RuneSelf:
		return r >= ' ' && r != 0x7f
	}
	return !unicode.IsControl(r) && !turnsWriting(r) && r != '\u2028' && r != '\u2029'
}

// turnsWriting tells of the marks by which a name can be shown as another: see Unicode's report 36.
func turnsWriting(r rune) bool {
	switch {
	case r == 0x061c, r == 0x200e, r == 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
		return true
	}
	return false
}

// Writer escapes what goes to another writer. What is written at once is whole text.
type Writer struct{ To io.Writer }

// Write implements io.Writer.
func (w Writer) Write(text []byte) (int, error) {
	if _, err := w.To.Write(Escape(text)); err != nil {
		return 0, err
	}
	return len(text), nil
}
