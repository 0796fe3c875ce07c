package agent

import (
	"slices"
	"strings"
	"testing"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/state"
)

const reloadBase = `version = 1
[agent]
name = "rig"
state_dir = "/var/lib/x"
[[destination]]
name = "acme"
host = "acme.example"
user = "u"
password = { env = "X" }
root = "/in"
[[destination]]
name = "globex"
host = "globex.example"
user = "u"
password = { env = "X" }
[[folder]]
name = "invoices"
path = "/srv/invoices"
timezone = "Europe/Berlin"
to = ["acme:i"]
[[folder]]
name = "site"
mode = "mirror"
path = "/srv/site"
to = ["globex:{agent}"]
`

func parsed(t *testing.T, text string) *config.Config {
	t.Helper()
	c, err := config.Parse("agent.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// edited replaces pairs of texts in the base.
func edited(t *testing.T, pairs ...string) *config.Config {
	t.Helper()
	text := reloadBase
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("%q is not in the configuration", pairs[i])
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	return parsed(t, text)
}

func TestDiff(t *testing.T) {
	const site = "[[folder]]\nname = \"site\"\nmode = \"mirror\"\npath = \"/srv/site\"\nto = [\"globex:{agent}\"]\n"
	for _, row := range []struct {
		name      string
		edit      []string
		renamings []state.Renaming
		want      []string
	}{
		{"nothing", nil, nil, nil},
		{"other lines, other comments", []string{"[agent]\n", "# a comment\n[agent]\n"}, nil, nil},
		{"settings", []string{`name = "rig"`, "name = \"rig\"\nmax_transfers = 8", "[agent]", "log = { level = \"debug\" }\n[agent]"}, nil, []string{
			"agent.max_transfers: changed", "log.level: changed",
		}},
		{"the agent's name, where it is used", []string{`name = "rig"`, `name = "other"`}, nil, []string{
			"folder site: changed {agent}", "agent.name: changed",
		}},
		{"a folder's rules", []string{`path = "/srv/invoices"`, "path = \"/srv/invoices\"\nrescan = \"2h\"\nexclude = [\"*.x\"]"}, nil, []string{
			"folder invoices: changed exclude, rescan",
		}},
		{"what is sent of changed files", []string{`path = "/srv/invoices"`, "path = \"/srv/invoices\"\ndelta = \"off\""}, nil, []string{"folder invoices: changed delta"}},
		{"[defaults]", []string{"[agent]", "[defaults]\nverify = \"content\"\n[agent]"}, nil, []string{
			"folder invoices: changed verify", "folder site: changed verify",
		}},
		{"a mirror's names", []string{`path = "/srv/site"`, "path = \"/srv/site\"\nnames = \"windows\""}, nil, []string{
			"folder site: changed names",
			"folder site: what is sent under another name from now on leaves its earlier version under the old one, which is yours to remove there",
		}},
		{"an outbox's names", []string{`path = "/srv/invoices"`, "path = \"/srv/invoices\"\nnames = \"windows\""}, nil, []string{"folder invoices: changed names"}},
		{"a folder is gone", []string{site, ""}, nil, []string{"folder site: removed"}},
		{"a folder is new", []string{site, site + "[[folder]]\nname = \"more\"\npath = \"/srv/more\"\nto = [\"acme\"]\n"}, nil, []string{"folder more: added"}},
		{"how a destination is reached", []string{`{ env = "X" }`, `{ env = "Y" }`}, nil, []string{"destination acme: changed password"}},
		{"where an outbox's destination is", []string{`host = "acme.example"`, `host = "new.example"`}, nil, []string{"destination acme: changed host"}},
		{"where a mirror's destination is", []string{`host = "globex.example"`, `host = "new.example"`}, nil, []string{
			"destination globex: changed host", "folder site: changed globex.host",
		}},
		{"where files go", []string{`root = "/in"`, `root = "/new"`}, nil, []string{
			"destination acme: changed root", "folder invoices: changed acme.root",
		}},
		{"renamed", []string{`name = "invoices"`, "name = \"bills\"\nwas = \"invoices\""}, []state.Renaming{
			{Kind: state.FolderName, Was: "invoices", Name: "bills"},
		}, []string{"folder bills: was invoices"}},
		{"a limit", []string{`user = "u"`, "user = \"u\"\nbandwidth = \"1MiB\""}, nil, []string{"destination acme: changed bandwidth"}},
		{
			"renamed and changed",
			[]string{`name = "acme"`, "name = \"new\"\nwas = \"acme\"\nport = 2222", `to = ["acme:i"]`, `to = ["new:i"]`},
			[]state.Renaming{{Kind: state.DestinationName, Was: "acme", Name: "new"}},
			[]string{"destination new: was acme; changed port", "folder invoices: changed to"},
		},
		{"one goes, one comes", []string{`name = "invoices"`, `name = "bills"`}, nil, []string{"folder bills: added", "folder invoices: removed"}},
	} {
		d := diff(parsed(t, reloadBase), edited(t, row.edit...), row.renamings)
		if got := d.words(); !slices.Equal(got, row.want) && len(got)+len(row.want) > 0 {
			t.Errorf("%s:\n%q, want\n%q", row.name, got, row.want)
		}
	}
}

// TestWhatStops is what a difference means for what runs.
func TestWhatStops(t *testing.T) {
	old := parsed(t, reloadBase)
	for _, row := range []struct {
		name                string
		edit                []string
		renamings           []state.Renaming
		stop, finish, fresh []string
	}{
		{"nothing", nil, nil, nil, nil, nil},
		{"another folder's rules", []string{`path = "/srv/invoices"`, "path = \"/srv/invoices\"\nrescan = \"2h\""}, nil, nil, nil, nil},
		{"a limit", []string{`user = "u"`, "user = \"u\"\nbandwidth = \"1MiB\""}, nil, nil, nil, nil},
		{"a limit and another host", []string{`user = "u"`, "user = \"u\"\nbandwidth = \"1MiB\"\nport = 23"}, nil, []string{"acme"}, []string{"acme"}, []string{"acme"}},
		{"a secret", []string{`{ env = "X" }`, `{ env = "Y" }`}, nil, []string{"acme"}, nil, []string{"acme"}},
		{"another account", []string{`user = "u"`, `user = "v"`}, nil, []string{"acme"}, []string{"acme"}, []string{"acme"}},
		{
			"a folder's name",
			[]string{`name = "invoices"`, "name = \"bills\"\nwas = \"invoices\""},
			[]state.Renaming{{Kind: state.FolderName, Was: "invoices", Name: "bills"}},
			[]string{"acme"},
			nil,
			[]string{"acme"},
		},
		{
			"a destination's name",
			[]string{`name = "acme"`, "name = \"new\"\nwas = \"acme\"", `to = ["acme:i"]`, `to = ["new:i"]`},
			[]state.Renaming{{Kind: state.DestinationName, Was: "acme", Name: "new"}},
			[]string{"acme"},
			nil,
			[]string{"new"},
		},
		{
			"a destination comes for another",
			[]string{`name = "acme"`, `name = "new"`, `to = ["acme:i"]`, `to = ["new:i"]`},
			nil,
			[]string{"acme"},
			[]string{"acme"},
			[]string{"new"},
		},
	} {
		s := switching{old: &setup{config: old}, diff: diff(old, edited(t, row.edit...), row.renamings)}
		stop, finish := s.linksToStop(), s.linksToFinish()
		var fresh []string
		for name := range s.freshLinks(stop) {
			fresh = append(fresh, name)
		}
		if !slices.Equal(stop, row.stop) || !slices.Equal(finish, row.finish) || !slices.Equal(fresh, row.fresh) {
			t.Errorf("%s: stops %q, finishes %q, begins %q", row.name, stop, finish, fresh)
		}
	}
}

// TestKeysThatOnlyReach holds that the keys of which a folder need not know exist.
func TestKeysThatOnlyReach(t *testing.T) {
	keys := differing("", config.Destination{}, config.Destination{
		Host: "x", Port: 1, User: "x", KeyFile: "x", KeyPassphrase: config.Secret{Env: "x"}, Password: config.Secret{Env: "x"},
		HostKey: []string{"x"}, KnownHosts: "x", ConnectTimeout: 1, Keepalive: 1, StallTimeout: 1, Channels: 1, Bandwidth: 1,
	})
	for _, key := range keys {
		if !slices.Contains(reaching, key) {
			t.Errorf("%s is not among them", key)
		}
	}
}
