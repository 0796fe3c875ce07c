package config

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// syntaxFault says where and why text is not TOML.
func syntaxFault(name, text string, err error) Fault {
	fault := Fault{File: name, Text: "not valid TOML: " + err.Error()}
	var parse toml.ParseError
	if !errors.As(err, &parse) {
		return fault
	}
	// The decoder's own line is the next one where a line end is what it stumbled over.
	before := withoutMark(text)
	before = before[:max(0, min(parse.Position.Start, len(before)))]
	fault.Line = 1 + strings.Count(before, "\n")
	column := 1 + utf8.RuneCountInString(before[strings.LastIndex(before, "\n")+1:])
	line, secret := shownLine(text, fault.Line)
	why := plainMessage(parse.Message)
	if secret {
		why = "the value cannot be read" // the decoder's message may quote it
	}
	fault.Text = fmt.Sprintf("not valid TOML: column %d: %s", column, why)
	if line != "" {
		fault.Text += ": " + line
	}
	switch {
	case strings.Contains(parse.Message, "UTF-16"):
		fault.Text = "not valid TOML: the text is not UTF-8, probably UTF-16"
		fault.Hint = "save it as UTF-8"
	case strings.Contains(parse.Message, "escape"):
		fault.Hint = `if it is a Windows path, write '...' instead of "..."`
	}
	return fault
}

// withoutMark drops what the decoder drops before it counts: the byte order mark.
func withoutMark(text string) string {
	for _, mark := range []string{"\xef\xbb\xbf", "\xff\xfe", "\xfe\xff"} {
		if rest, ok := strings.CutPrefix(text, mark); ok {
			return rest
		}
	}
	return text
}

// plainMessage makes one style of the decoder's messages.
func plainMessage(s string) string {
	s = strings.TrimSuffix(strings.ReplaceAll(s, `'\x00'`, "the end of the file"), ".")
	first, n := utf8.DecodeRuneInString(s)
	if second, _ := utf8.DecodeRuneInString(s[n:]); unicode.IsLower(second) {
		s = string(unicode.ToLower(first)) + s[n:]
	}
	return oneLine(s)
}

// oneLine shortens s and writes its control characters in a visible way.
func oneLine(s string) string {
	if len(s) > longestLine {
		s = strings.ToValidUTF8(s[:longestLine], "") + "..."
	}
	if hasControl(s) || !utf8.ValidString(s) {
		s = show(s)
	}
	return s
}

// longestLine is how much of the text a fault shows, in bytes.
const longestLine = 120

// shownLine returns a line of the text, without white space around it. Of a line with a secret, which may be there
// against the rules, it leaves out the value.
func shownLine(text string, line int) (shown string, secret bool) {
	lines := strings.Split(withoutMark(text), "\n")
	if line < 1 || line > len(lines) {
		return "", false
	}
	s := strings.TrimSpace(lines[line-1])
	if _, rest, ok := strings.Cut(s, "pass"); ok {
		if i := strings.IndexByte(rest, '='); i >= 0 {
			s, secret = s[:len(s)-len(rest)+i]+"= ...", true
		}
	}
	return oneLine(s), secret
}
