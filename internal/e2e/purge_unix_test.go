//go:build unix

package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestPurgeKnowsWhatTheAgentMakes compares what an agent leaves in its state directory, and has there while it runs, with what the
// deb removes at a purge.
func TestPurgeKnowsWhatTheAgentMakes(t *testing.T) {
	t.Parallel()
	script, err := os.ReadFile("../../packaging/deb/postrm")
	if err != nil {
		t.Fatal(err)
	}
	known := regexp.MustCompile(`(?m)^known='(.*)'$`).FindSubmatch(script)
	if known == nil {
		t.Fatal("postrm knows nothing")
	}
	patterns := strings.Fields(string(known[1]))
	isKnown := func(name string) bool {
		return slices.ContainsFunc(patterns, func(p string) bool {
			ok, err := filepath.Match(p, name)
			return ok && err == nil
		})
	}
	r := newRig(t, `to = ["acme"]`)
	r.withLog(`target = "file"`)
	r.setSecret(0, "acme-pass", "a secret")
	r.drop("a.txt", "a")
	r.expect(0, "once")
	a := r.start()
	eventually(t, "the agent listens", 20*time.Second, func() bool {
		names, err := filepath.Glob(filepath.Join(r.state, "control.*"))
		return err == nil && len(names) > 0
	})
	found := 0
	for _, when := range []string{"while it runs", "afterwards"} {
		entries, err := os.ReadDir(r.state)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			found++
			if !isKnown(e.Name()) {
				t.Errorf("%s, %s: a purge leaves it", e.Name(), when)
			}
		}
		if when == "while it runs" {
			a.stop()
		}
	}
	if found < 8 {
		t.Errorf("there were %d files only", found)
	}
	for _, persons := range []string{"sent", "dropferry", "a.txt", ".ssh", "Log"} {
		if isKnown(persons) {
			t.Errorf("%s: a purge removes it", persons)
		}
	}
}
