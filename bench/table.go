package main

import (
	"strings"
	"unicode/utf8"
)

// table is a table in Markdown that can be read as plain text too.
type table struct {
	header []string
	left   int // columns that are aligned to the left; the others hold numbers
	rows   [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// String returns the table, a line a row. A row may have fewer cells than the header.
func (t *table) String() string {
	widths := make([]int, len(t.header))
	for _, row := range append([][]string{t.header}, t.rows...) {
		for i, c := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(escapeCell(c)), 2)
		}
	}
	var b strings.Builder
	t.write(&b, t.header, widths)
	for i, w := range widths {
		if i < t.left {
			b.WriteString("|:" + strings.Repeat("-", w+1))
		} else {
			b.WriteString("|" + strings.Repeat("-", w+1) + ":")
		}
	}
	b.WriteString("|\n")
	for _, row := range t.rows {
		t.write(&b, row, widths)
	}
	return b.String()
}

func (t *table) write(b *strings.Builder, row []string, widths []int) {
	for i, w := range widths {
		cell := ""
		if i < len(row) {
			cell = escapeCell(row[i])
		}
		pad := strings.Repeat(" ", w-utf8.RuneCountInString(cell))
		if i < t.left {
			b.WriteString("| " + cell + pad + " ")
		} else {
			b.WriteString("| " + pad + cell + " ")
		}
	}
	b.WriteString("|\n")
}

// escapeCell keeps a text in its cell.
func escapeCell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "\r", " ").Replace(text)
}

// trimZeros takes the decimals off that say nothing.
func trimZeros(number string) string {
	if !strings.Contains(number, ".") {
		return number
	}
	return strings.TrimSuffix(strings.TrimRight(number, "0"), ".")
}
