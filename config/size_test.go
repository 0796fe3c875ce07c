package config

import "testing"

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"1B": 1, "64MiB": 64 << 20, "1.5 GiB": 3 << 29, "512KiB": 512 << 10, "0B": 0,
	} {
		if got, ok := parseSize(text); !ok || got != want {
			t.Errorf("%q: %d, %v; want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "64", "MiB", "-1MiB", "64MB", "64mib", "1e30GiB", "NaNB", "one KiB"} {
		if got, ok := parseSize(text); ok {
			t.Errorf("%q is read as %d", text, got)
		}
	}
}
