package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Names of the limits.
const (
	rawName    = "cp -r"
	streamName = "cat | ssh cat"
)

// limits are what the machine can do at best with the same bytes, in the same minutes: writing them without any network, and
// one stream of them through ssh, without names, checks or records.
func limits() []program {
	var found []program
	if allInstalled([]string{"cp"}) {
		found = append(found, program{name: rawName, limit: true, local: true, carry: byCommand(rawCommand)})
	}
	if allInstalled([]string{"sh", "xargs", "cat", "ssh"}) {
		found = append(found, program{name: streamName, limit: true, carry: byCommand(streamCommand), result: asStream})
	}
	return found
}

func rawCommand(t transfer) ([]string, error) {
	return []string{"cp", "-r", t.source.dir, t.target + "/"}, nil
}

// streamCommand sends all files one after another, into one file at the server.
func streamCommand(t transfer) ([]string, error) {
	list := filepath.Join(t.scratch, "list")
	names := strings.Join(t.source.files, "\x00")
	if err := os.WriteFile(list, []byte(names), 0o600); err != nil {
		return nil, err
	}
	script := fmt.Sprintf("cd %s && xargs -0 cat <%s | %s 'cat >%s/%s'", filepath.Dir(t.source.dir), list, strings.Join(t.ssh(), " "),
		t.target, payload)
	return []string{"sh", "-c", script}, nil
}

func asStream(from source) tree {
	return tree{payload: entry{size: from.bytes(), sum: from.whole}}
}
