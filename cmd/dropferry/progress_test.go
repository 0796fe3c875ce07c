package main

import (
	"bytes"
	"testing"
	"time"
)

func TestProgressText(t *testing.T) {
	for _, tt := range []struct {
		sent, whole, moved int64
		took               time.Duration
		want               string
	}{
		{0, 100, 0, 0, "f    0 %  0 B of 100 B"},
		{50, 100, 50, 500 * time.Millisecond, "f   50 %  50 B of 100 B"},
		{50, 100, 20, 2 * time.Second, "f   50 %  50 B of 100 B  10 B/s  5s left"},
		{100, 100, 50, 5 * time.Second, "f  100 %  100 B of 100 B  10 B/s"},
		{3 << 20, 0, 3 << 20, 3 * time.Second, "f  3.0 MiB  1.0 MiB/s"},
	} {
		if got := progressText("f", tt.sent, tt.whole, tt.moved, tt.took); got != tt.want {
			t.Errorf("%+v: %q", tt, got)
		}
	}
}

// TestProgressElsewhere shows nothing where nobody watches, and lets through what is written.
func TestProgressElsewhere(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out, "f", true)
	p.show(1, 2)
	if _, err := p.Write([]byte("a warning\n")); err != nil {
		t.Fatal(err)
	}
	p.clear()
	if out.String() != "a warning\n" {
		t.Errorf("%q", out.String())
	}
}
