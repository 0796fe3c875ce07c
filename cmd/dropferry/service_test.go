package main

import (
	"bytes"
	"errors"
	"testing"
)

// What was done before something failed is told too: an account stays that was made, say.
func TestServiceDone(t *testing.T) {
	failed := errors.New("failed")
	for _, c := range []struct {
		name string
		do   func(*program) error
		json bool
		want string
		err  error
	}{
		{"all", func(p *program) error { return p.serviceDone([]string{"a", "b"}, nil) }, false, "a\nb\n", nil},
		{"a part", func(p *program) error { return p.serviceDone([]string{"a"}, failed) }, false, "a\n", failed},
		{"nothing", func(p *program) error { return p.serviceDone(nil, failed) }, false, "", failed},
		{"JSON", func(p *program) error { return p.serviceDone([]string{"a"}, nil) }, true, "{\n  \"done\": [\n    \"a\"\n  ]\n}\n", nil},
		{"a part, in JSON, which says the error", func(p *program) error { return p.serviceDone([]string{"a"}, failed) }, true, "", failed},
		{"it is so", func(p *program) error { return p.serviceIs("a is started", nil) }, false, "a is started\n", nil},
		{"it is not", func(p *program) error { return p.serviceIs("a is started", failed) }, false, "", failed},
	} {
		var out bytes.Buffer
		p := &program{terminal: terminal{out: &out}, json: c.json}
		if err := c.do(p); !errors.Is(err, c.err) || out.String() != c.want {
			t.Errorf("%s: %q, %v", c.name, out.String(), err)
		}
	}
}
