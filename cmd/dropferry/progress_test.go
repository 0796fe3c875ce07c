package main

import (
	"bytes"
	"testing"
	"time"
)

func TestProgressAmount(t *testing.T) {
	for _, tt := range []struct {
		sent, whole, moved int64
		took               time.Duration
		want               string
	}{
		{0, 100, 0, 0, "  0 %  0 B of 100 B"},
		{50, 100, 50, 500 * time.Millisecond, " 50 %  50 B of 100 B"},
		{50, 100, 20, 2 * time.Second, " 50 %  50 B of 100 B  10 B/s  5s left"},
		{100, 100, 50, 5 * time.Second, "100 %  100 B of 100 B  10 B/s"},
		{3 << 20, 0, 3 << 20, 3 * time.Second, "3.0 MiB  1.0 MiB/s"},
	} {
		if got := progressAmount(tt.sent, tt.whole, tt.moved, tt.took); got != tt.want {
			t.Errorf("%+v: %q", tt, got)
		}
	}
}

func TestNameBesidesItsProgress(t *testing.T) {
	for _, c := range []struct {
		name    string
		columns int
		want    string
	}{
		{"statement-2026.xml", 0, "statement-2026.xml   50 %  1 B of 2 B"},
		{"statement-2026.xml", 80, "statement-2026.xml   50 %  1 B of 2 B"},
		{"statement-2026.xml", 30, "statement…   50 %  1 B of 2 B"},
		{"ü", 21, " 50 %  1 B of 2 B"},
		{"ü", 10, " 50 %  1 B of 2 B"}, // whoever writes it cuts it
	} {
		if got := besides(c.name, " 50 %  1 B of 2 B", c.columns); got != c.want {
			t.Errorf("%d columns: %q, want %q", c.columns, got, c.want)
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
