package agent

import (
	"errors"
	"strings"
	"testing"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/state"
)

// commandConfig has two folders and three destinations.
func commandConfig() *config.Config {
	return &config.Config{
		Destinations: []config.Destination{{Name: "acme"}, {Name: "globex"}, {Name: "umbrella"}},
		Folders: []config.Folder{
			{Name: "invoices", To: []config.Target{{Destination: "acme"}, {Destination: "globex"}}},
			{Name: "orders", To: []config.Target{{Destination: "acme"}}},
		},
	}
}

func TestParseTarget(t *testing.T) {
	for _, c := range []struct {
		text string
		want target
		why  string // "" where it is one
	}{
		{"06gzm2yexry82zxk", target{id: "06gzm2yexry82zxk"}, ""},
		{"folder:invoices", target{Route: state.Route{Folder: "invoices"}}, ""},
		{"destination:umbrella", target{Route: state.Route{Destination: "umbrella"}}, ""},
		{"invoices/globex", target{Route: state.Route{Folder: "invoices", Destination: "globex"}}, ""},

		{"", target{}, `"" is no id, folder:NAME, destination:NAME or FOLDER/DESTINATION`},
		{"06gzm2yexry82zx", target{}, "is no id"},
		{"06gzm2yexry82zxkk", target{}, "is no id"},
		{"06gzm2yexry82zxl", target{}, "is no id"}, // there is no l in an id
		{"06GZM2YEXRY82ZXK", target{}, "is no id"},
		{"invoices", target{}, "did you mean folder:invoices?"},
		{"invoice", target{}, "did you mean folder:invoices?"},
		{"globex", target{}, "did you mean destination:globex?"},
		{"globx", target{}, "did you mean destination:globex?"},
		{"folder:", target{}, `folder "" is not in the configuration`},
		{"folder:invioces", target{}, `folder "invioces" is not in the configuration: did you mean invoices?`},
		{"folder:acme", target{}, `folder "acme" is not in the configuration`},
		{"destination:akme", target{}, "did you mean acme?"},
		{"destination:a\x1b[2J", target{}, `"a\x1b[2J"`},
		{"invoices/", target{}, `destination "" is not`},
		{"/acme", target{}, `folder "" is not`},
		{"invoices/acme/x", target{}, `destination "acme/x" is not`},
		{"orders/globex", target{}, "orders is not sent to globex: it is sent to acme"},
		{"Folder:invoices", target{}, "is no id"},
	} {
		got, err := parseTarget(commandConfig(), c.text)
		var refusal *control.Refusal
		switch {
		case c.why == "":
			if err != nil || got != c.want {
				t.Errorf("%q: %+v, %v", c.text, got, err)
			}
		case !errors.As(err, &refusal) || !refusal.Usage || !strings.Contains(err.Error(), c.why):
			t.Errorf("%q: %v, want %q", c.text, err, c.why)
		}
	}
}

// TestUnderstand holds which words make sense together.
func TestUnderstand(t *testing.T) {
	const id = "06gzm2yexry82zxk"
	for _, c := range []struct {
		command control.Command
		why     string
	}{
		{control.Command{Verb: control.VerbPause, Target: "orders/acme"}, ""},
		{control.Command{Verb: control.VerbResume, Target: "folder:orders"}, ""},
		{control.Command{Verb: control.VerbRetry, Target: id, Overwrite: true}, ""},
		{control.Command{Verb: control.VerbRetry, Target: "folder:orders", KeepBoth: true}, ""},
		{control.Command{Verb: control.VerbCancel, Target: id}, ""},
		{control.Command{Verb: control.VerbResend, Target: id}, ""},
		{control.Command{Verb: control.VerbPause, Target: id}, ""},
		{control.Command{Verb: control.VerbResume, Target: id}, ""},
		{control.Command{Verb: control.VerbResend, Target: "orders/acme"}, "takes the id of a delivery"},
		{control.Command{Verb: control.VerbRetry, Target: id, Overwrite: true, KeepBoth: true}, "not both"},
		{control.Command{Verb: control.VerbCancel, Target: id, Overwrite: true}, "that is for retry"},
		{control.Command{Verb: "erase", Target: id}, `no command "erase"`},
		{control.Command{Target: id}, `no command ""`},
	} {
		_, err := understand(commandConfig(), c.command)
		if (err == nil) != (c.why == "") || (err != nil && !strings.Contains(err.Error(), c.why)) {
			t.Errorf("%+v: %v, want %q", c.command, err, c.why)
		}
	}
}
