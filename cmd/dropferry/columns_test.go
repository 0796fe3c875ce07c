package main

import "testing"

func TestCut(t *testing.T) {
	for _, c := range []struct {
		text    string
		columns int
		want    string
	}{
		{"abcdef", 6, "abcdef"},
		{"abcdef", 5, "abcd…"},
		{"abcdef", 1, "…"},
		{"abcdef", 0, ""},
		{"請求書.xml", 10, "請求書.xml"},
		{"請求書.xml", 9, "請求書.x…"},
		{"請求書.xml", 6, "請求…"},
		{"請求書.xml", 5, "請求…"},
		{"請求書.xml", 4, "請…"},
		{"Mu\u0308ller", 6, "Mu\u0308ller"},
		{"Mu\u0308ller", 3, "Mu\u0308…"},
		{"📦.zip", 6, "📦.zip"},
		{"📦.zip", 5, "📦.z…"},
	} {
		got := cut(c.text, c.columns)
		if got != c.want || columnsOfText(got) > c.columns {
			t.Errorf("%q in %d columns: %q, want %q", c.text, c.columns, got, c.want)
		}
	}
}
