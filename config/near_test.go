package config

import "testing"

func TestNearest(t *testing.T) {
	keys := vocabulary(kindDest).keys
	for word, want := range map[string]string{
		"hots":         "host",
		"HOST":         "host",
		"hostname":     "host",
		"username":     "user",
		"usr":          "user",
		"keyfile":      "key_file",
		"key-file":     "key_file",
		"passphrase":   "key_passphrase",
		"knownhosts":   "known_hosts",
		"host_keys":    "host_key",
		"pasword":      "password",
		"prot":         "port",
		"timeout":      "connect_timeout",
		"x":            "",
		"":             "",
		"colour":       "",
		"concurrently": "",
	} {
		if got := nearest(word, keys); got != want {
			t.Errorf("nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestEditDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"", "abc", 3},
		{"abc", "", 3},
		{"abc", "abc", 0},
		{"abc", "acb", 1},
		{"abc", "abcd", 1},
		{"abc", "xbc", 1},
		{"kitten", "sitting", 3},
		{"exlude", "exclude", 1},
	} {
		if got := editDistance(test.a, test.b); got != test.want {
			t.Errorf("editDistance(%q, %q) = %d, want %d", test.a, test.b, got, test.want)
		}
	}
}
