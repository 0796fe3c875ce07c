package service

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func packaged(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "packaging", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestUnitNames(t *testing.T) {
	for name, want := range map[string]string{
		"dropferry": "dropferry.service", "dropferry@erp": "dropferry@erp.service", "dropferry@erp-2.x": "dropferry@erp-2.x.service",
		"": "", "ssh": "", "dropferry@": "", "dropferry@../x": "", "dropferry@-x/y": "", "dropferry.service": "", "dropferry@.x": "", "dropferry@a b": "",
	} {
		got, err := unitOf(name)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%q: %q, %v", name, got, err)
		}
	}
}

func TestUnitFor(t *testing.T) {
	unit := packaged(t, "systemd/dropferry.service")
	for _, c := range []struct {
		name        string
		setup       Setup
		has, hasNot []string
	}{
		{"elsewhere", Setup{Name: "dropferry", Program: "/opt/dropferry/dropferry", Definition: unit}, []string{
			"ExecStart=/opt/dropferry/dropferry -c /etc/dropferry/agent.toml run\n",
			"ExecReload=/opt/dropferry/dropferry -c /etc/dropferry/agent.toml reload\n",
			"User=dropferry\nGroup=dropferry\n", "ConditionPathExists=/etc/dropferry/agent.toml\n",
		}, []string{"/usr/bin/dropferry"}},
		{"another configuration", Setup{Name: "dropferry", Program: "/usr/bin/dropferry", Config: "/srv/erp.toml", Definition: unit}, []string{
			"ExecStart=/usr/bin/dropferry -c /srv/erp.toml run\n", "ConditionPathExists=/srv/erp.toml\n",
		}, []string{"agent.toml\n", "agent.toml run"}},
		{"another account", Setup{Name: "dropferry", Program: "/usr/bin/dropferry", Account: "erp", Definition: unit}, []string{
			"User=erp\n",
		}, []string{"=dropferry\nGroup"}},
		{"instance", Setup{Name: "dropferry@erp", Program: "/opt/d", Definition: packaged(t, "systemd/dropferry@.service")}, []string{
			"ExecStart=/opt/d -c /etc/dropferry/%i.toml run\n", "StateDirectory=dropferry-%i\n",
		}, []string{"/usr/bin/dropferry"}},
		{"instance with another configuration", Setup{
			Name: "dropferry@erp", Program: "/opt/d", Config: "/srv/x.toml", Definition: packaged(t, "systemd/dropferry@.service"),
		}, []string{
			"ExecStart=/opt/d -c /srv/x.toml run\n", "ConditionPathExists=/srv/x.toml\n",
		}, []string{"%i.toml run"}},
	} {
		got, err := unitFor(c.setup)
		if err != nil || !strings.HasPrefix(got, unitMark) {
			t.Errorf("%s: %v\n%s", c.name, err, got)
		}
		for _, part := range c.has {
			if !strings.Contains(got, part) {
				t.Errorf("%s: %q is not in\n%s", c.name, part, got)
			}
		}
		for _, part := range c.hasNot {
			if strings.Contains(got, part) {
				t.Errorf("%s: %q is in\n%s", c.name, part, got)
			}
		}
	}
	for _, s := range []Setup{
		{Name: "dropferry", Program: "/opt/my programs/d", Definition: unit},
		{Name: "dropferry", Program: "/d", Config: "/srv/100%.toml", Definition: unit},
		{Name: "dropferry", Program: "/d", Account: "x\nExecStartPre=/bin/evil", Definition: unit},
		{Name: "dropferry", Program: "/d"},
	} {
		if got, err := unitFor(s); err == nil {
			t.Errorf("%+v became\n%s", s, got)
		}
	}
}

// dropferry@agent would work with the configuration of dropferry.
func TestOwnConfig(t *testing.T) {
	for name, own := range map[string]bool{"dropferry": true, "dropferry@erp": true, "dropferry@agents": true, "dropferry@agent": false, "dropferry@Agent": false} {
		if err := ownConfig(name); (err == nil) != own {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAccountCommands(t *testing.T) {
	for _, c := range []struct {
		name  string
		there accountState
		want  []string
	}{
		{
			"nothing",
			accountState{},
			[]string{"useradd --system --user-group --home-dir /var/lib/dropferry --no-create-home --shell /usr/sbin/nologin dropferry"},
		},
		{
			"a group that others are in, too",
			accountState{group: true},
			[]string{"useradd --system --gid dropferry --home-dir /var/lib/dropferry --no-create-home --shell /usr/sbin/nologin dropferry"},
		},
		{"an account of a person's", accountState{user: true}, []string{"groupadd --system dropferry", "usermod --append --groups dropferry dropferry"}},
		{"one that is not in it", accountState{user: true, group: true}, []string{"usermod --append --groups dropferry dropferry"}},
		{"all", accountState{user: true, group: true, member: true}, nil},
	} {
		var got []string
		for _, command := range accountCommands("dropferry", c.there) {
			got = append(got, strings.Join(command, " "))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// A later installation without an account leaves the service the one that it has.
func TestAccountIn(t *testing.T) {
	unit := packaged(t, "systemd/dropferry.service")
	setup := Setup{Name: "dropferry", Program: "/d", Definition: unit}
	if got, err := unitFor(setup); err != nil || accountIn(got) != "" {
		t.Errorf("the packaged account: %q, %v", accountIn(got), err)
	}
	setup.Account = "erp"
	got, err := unitFor(setup)
	if err != nil || accountIn(got) != "erp" {
		t.Errorf("another account: %q, %v", accountIn(got), err)
	}
	if account := accountIn(strings.TrimPrefix(got, unitMark)); account != "" {
		t.Errorf("the account of somebody else's unit: %q", account)
	}
}

func TestConfigIn(t *testing.T) {
	for _, c := range []struct{ service, unit, config, want string }{
		{"dropferry", "systemd/dropferry.service", "", "/etc/dropferry/agent.toml"},
		{"dropferry", "systemd/dropferry.service", "/srv/erp.toml", "/srv/erp.toml"},
		{"dropferry@erp", "systemd/dropferry@.service", "", ""}, // several share it
		{"dropferry@erp", "systemd/dropferry@.service", "/srv/erp.toml", "/srv/erp.toml"},
	} {
		unit, err := unitFor(Setup{Name: c.service, Program: "/d", Config: c.config, Definition: packaged(t, c.unit)})
		if got := configIn(unit); err != nil || got != c.want {
			t.Errorf("%+v: %q, %v", c, got, err)
		}
		if got := configIn(strings.TrimPrefix(unit, unitMark)); got != "" {
			t.Errorf("%+v: %q of somebody else's unit", c, got)
		}
	}
}

func TestMayRead(t *testing.T) {
	for _, c := range []struct {
		name  string
		mode  uint32
		uid   uint32
		gids  []uint32
		owner uint32
		may   bool
	}{
		{"group", 0o750, 5, []uint32{6, 7}, 0, true},
		{"another group", 0o750, 5, []uint32{6}, 0, false},
		{"everybody", 0o755, 5, []uint32{6}, 0, true},
		{"the group less than everybody", 0o705, 5, []uint32{7}, 0, false},
		{"owner", 0o700, 5, nil, 5, true},
		{"the owner less than everybody", 0o055, 5, []uint32{7}, 5, false},
		{"listed and not entered", 0o744, 5, nil, 0, false},
		{"root", 0o700, 0, nil, 5, true},
	} {
		if got := mayRead(c.mode, c.owner, 7, c.uid, c.gids); got != c.may {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// The two units differ in what makes one of them an instance, and in nothing else.
func TestInstanceUnitIsTheSame(t *testing.T) {
	settings := func(text string) string {
		var kept []string
		for line := range strings.Lines(text) {
			if !strings.HasPrefix(line, "#") {
				kept = append(kept, line)
			}
		}
		return strings.Join(kept, "")
	}
	as := strings.NewReplacer(
		"/etc/dropferry/agent.toml", "/etc/dropferry/%i.toml", "StateDirectory=dropferry\n", "StateDirectory=dropferry-%i\n",
		"to SFTP servers\n", "to SFTP servers (%i)\n", "\nExecStart=", "\nExecCondition=test %i != agent\nExecStart=",
	)
	if got, want := settings(packaged(t, "systemd/dropferry@.service")), as.Replace(settings(packaged(t, "systemd/dropferry.service"))); got != want {
		t.Errorf("the unit of instances is\n%s\nand should be\n%s", got, want)
	}
}

func TestPlistFor(t *testing.T) {
	plist := packaged(t, "launchd/com.dropferry.agent.plist")
	got, err := plistFor(Setup{Name: "dropferry@erp", Program: "/opt/a&b/d", Account: "erp", Definition: plist})
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		"<string>service</string>\n\t\t<string>run</string>", // whose end for good launchd takes for a success
		"<string>com.dropferry.agent.erp</string>", "<string>/opt/a&amp;b/d</string>", "<string>erp</string>",
		"<string>/Library/Application Support/dropferry/erp.toml</string>", "<string>/Library/Logs/dropferry-erp.log</string>",
	} {
		if !strings.Contains(got, part) {
			t.Errorf("%q is not in\n%s", part, got)
		}
	}
	if got := daemonState("dropferry@erp"); got != "/Library/Application Support/dropferry/state-erp" {
		t.Errorf("its state is in %s", got)
	}
	if _, err := plistFor(Setup{Name: "dropferry", Program: "/d", Definition: plist}); err == nil || !strings.Contains(err.Error(), "--account") {
		t.Errorf("without an account: %v", err)
	}
}

func TestUnitFileOf(t *testing.T) {
	for want, all := range map[string][]Setup{
		"dropferry.service":     {{Name: "dropferry"}, {Name: "dropferry", Account: "erp", Config: "/srv/erp.toml"}},
		"dropferry@.service":    {{Name: "dropferry@erp"}, {Name: "dropferry@two"}},
		"dropferry@erp.service": {{Name: "dropferry@erp", Account: "erp"}, {Name: "dropferry@erp", Config: "/srv/erp.toml"}},
	} {
		for _, s := range all {
			if got := unitFileOf(s); got != want {
				t.Errorf("%+v: %s, want %s", s, got, want)
			}
		}
	}
}
