package main

import (
	"slices"
	"strings"
	"testing"
)

// TestPeerCommands holds what a comparison rests on: one key, nothing of the user's, no compression.
func TestPeerCommands(t *testing.T) {
	x := transfer{login{"127.0.0.1", 2222, "u", "/k/key", nil}, source{dir: "/s/payload"}, "/t", t.TempDir(), nil}
	for _, p := range peers {
		command, err := p.command(x)
		if err != nil {
			t.Fatal(err)
		}
		line := strings.Join(command, " ")
		want := []string{"/k/key", "2222"}
		if slices.Contains(p.needs, "ssh") {
			want = append(want, "-F /dev/null", "-o StrictHostKeyChecking=no", "-o UserKnownHostsFile=/dev/null", "-o Compression=no")
		} else {
			want = append(want, "--config /dev/null", "/s/payload :sftp:/t/payload")
		}
		for _, part := range want {
			if !strings.Contains(line, part) {
				t.Errorf("%s: %q is not in %s", p.name, part, line)
			}
		}
	}
}

func TestPeersMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	found, missing := installed(t.Context(), []string{"rsync", "rclone"})
	if len(found) != 0 || !slices.Equal(missing, []string{"rsync", "rclone"}) {
		t.Errorf("found %v, missing %v", found, missing)
	}
}
