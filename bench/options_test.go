package main

import (
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestOptions(t *testing.T) {
	o, err := parseOptions(nil, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if o.rounds != 3 || o.limit != time.Minute || o.out != defaultOut || len(o.cells) != 6 || len(o.peers) != 6 || len(o.parts) != len(parts)-1 {
		t.Errorf("defaults are %+v", o)
	}
	if end := o.budget + o.limit + meterGrace; end > 20*time.Minute {
		t.Errorf("it may take %v", end)
	}
	full, err := parseOptions([]string{"-set", "full"}, io.Discard)
	if err != nil || full.budget < time.Hour || len(full.cells) <= len(o.cells) {
		t.Errorf("the full set: %+v, %v", full, err)
	}
}

func TestOptionsOnly(t *testing.T) {
	o, err := parseOptions([]string{"-only", "transfers, idle", "-set", "full"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if got := o.sections(); !slices.Equal(got, []string{"idle", "transfers-full"}) || o.out != defaultOut {
		t.Errorf("%q into %q", got, o.out)
	}
}

// TestOptionsOut holds that no odd run gets into the document unless that is asked for.
func TestOptionsOut(t *testing.T) {
	for args, want := range map[string]string{
		"":                          defaultOut,
		"-rounds 5 -limit 30s":      defaultOut,
		"-dropferry x":              defaultOut,
		"-only idle,latency":        defaultOut,
		"-set full":                 defaultOut,
		"-scale 0.01":               "",
		"-workloads 1x1MiB":         "",
		"-against x":                "",
		"-peers rsync":              "",
		"-rtt 100ms":                "",
		"-out other.md":             "other.md",
		"-scale 0.01 -out other.md": "other.md",
		"-out=":                     "",
		"-rate 1MiB -out over.md":   "over.md",
		"-only delta":               defaultOut,
		"-changes middle":           "",
	} {
		if o, err := parseOptions(strings.Fields(args), io.Discard); err != nil || o.out != want {
			t.Errorf("%q: %q, %v; want %q", args, o.out, err, want)
		}
	}
}

func TestOptionsFaults(t *testing.T) {
	for _, args := range []string{
		"more", "-rounds 0", "-limit 0s", "-scale 0", "-peers rcp", "-rtt 5", "-rtt -1s", "-rate fast", "-rate ,", "-workloads 1", "-unknown",
		"-only sleep", "-set half", "-changes all",
	} {
		if _, err := parseOptions(strings.Fields(args), io.Discard); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}

func TestNetworks(t *testing.T) {
	found, err := parseNetworks("0,50ms,1.5s", "0, 20MiB")
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, len(found))
	for i, n := range found {
		names[i] = n.String()
	}
	want := []string{"loopback", "20 MiB/s", "RTT 50 ms", "RTT 50 ms, 20 MiB/s", "RTT 1.5 s", "RTT 1.5 s, 20 MiB/s"}
	if !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
}
