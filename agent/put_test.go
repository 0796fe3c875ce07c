package agent

import (
	"errors"
	"strings"
	"testing"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/control"
)

func TestPutPlace(t *testing.T) {
	c := &config.Config{Destinations: []config.Destination{
		{Name: "acme", Root: "/incoming"}, {Name: "login"}, {Name: "direct", Publish: "direct"},
	}}
	for _, tt := range []struct {
		file, to, want, why string
	}{
		{"/x/dump.sql", "acme:a/b.sql", "acme:/incoming/a/b.sql", ""},
		{"/x/dump.sql", "acme:a/", "acme:/incoming/a/dump.sql", ""},
		{"/x/dump.sql", "acme:", "acme:/incoming/dump.sql", ""},
		{"/x/dump.sql", "acme:/", "acme:/dump.sql", ""},
		{"/x/dump.sql", "acme:/abs/b", "acme:/abs/b", ""},
		{"/x/dump.sql", "acme:a:b", "acme:/incoming/a:b", ""},
		{"/x/dump.sql", "acme:{name}", "acme:/incoming/{name}", ""},
		{"/x/dump.sql", "login:b", "login:b", ""},
		{"/x/dump.sql", "direct:b", "direct:b", ""},
		{"-", "acme:b", "acme:/incoming/b", ""},
		{"./-", "acme:", "acme:/incoming/-", ""},
		{"x", "acme", "", "not of the form DEST:PATH"},
		{"x", ":b", "", `destination ""`},
		{"x", "acne:b", "", "did you mean acme?"},
		{"x", "acme:../b", "", `".."`},
		{"x", "acme:b\x00", "", "no name may hold"},
		{"-", "acme:", "", "has no name"},
		{"-", "acme:in/", "", "has no name"},
		{"-", "direct:b", "", "publishes directly"},
	} {
		place, err := (&Put{File: tt.file, To: tt.to}).Place(c)
		var refusal *control.Refusal
		switch {
		case tt.why == "":
			if err != nil || place.String() != tt.want {
				t.Errorf("%s to %s: %s, %v", tt.file, tt.to, place, err)
			}
		case !errors.As(err, &refusal) || !refusal.Usage || !strings.Contains(err.Error(), tt.why):
			t.Errorf("%s to %q: %v, want %q", tt.file, tt.to, err, tt.why)
		}
	}
}
