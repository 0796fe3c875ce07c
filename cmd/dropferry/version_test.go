package main

import "testing"

// A program of `go build`, of make and of a package have one name for one version.
func TestVersion(t *testing.T) {
	defer func(before string) { release = before }(release)
	for _, name := range []string{"v1.2.3", "1.2.3"} {
		release = name
		if got := version(); got != "1.2.3" {
			t.Errorf("%s: %s", name, got)
		}
	}
}
