package main

import (
	"unicode"

	"golang.org/x/text/width"
)

// columnsOfLetter is how many columns of a terminal a letter takes: two where it is one of East Asia or a picture, none where it stands on
// the letter before it. https://www.unicode.org/reports/tr11/
func columnsOfLetter(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// columnsOfText is how many columns a text takes.
func columnsOfText(text string) (n int) {
	for _, r := range text {
		n += columnsOfLetter(r)
	}
	return n
}

// cut shortens a line to what a terminal shows of it.
func cut(text string, columns int) string {
	if columnsOfText(text) <= columns {
		return text
	}
	if columns < 1 {
		return ""
	}
	end, n := 0, 1 // one column is the mark's
	for i, r := range text {
		if n += columnsOfLetter(r); n > columns {
			break
		}
		end = i + len(string(r))
	}
	return text[:end] + "…"
}
