package agent

import (
	"slices"
	"strings"
	"testing"
)

// What is typed makes a service of a configuration, and never writes over another one.
func TestServiceSteps(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		words                words
		goos, service, where string
		installed            bool
		want                 []string
	}{
		"the package's, with its configuration": {
			words{sudo: "sudo ", program: "dropferry", file: "/etc/dropferry/agent.toml", private: true},
			"linux", "dropferry", "/etc/dropferry/agent.toml", true,
			[]string{"sudo dropferry -c /etc/dropferry/agent.toml doctor", "sudo dropferry service start"},
		},
		"a user's": {
			words{sudo: "sudo ", program: "/opt/x/dropferry", file: "/home/u/agent.toml", private: true},
			"linux", "dropferry", "/etc/dropferry/agent.toml", false,
			[]string{
				"sudo /opt/x/dropferry service install", "sudo install -g dropferry -m 640 /home/u/agent.toml /etc/dropferry/agent.toml",
				"sudo /opt/x/dropferry -c /etc/dropferry/agent.toml doctor", "sudo /opt/x/dropferry service start",
			},
		},
		"a further one": {
			words{program: "dropferry", file: "/root/a.toml"},
			"linux", "dropferry@acme", "/etc/dropferry/acme.toml", false,
			[]string{
				"dropferry service install --name dropferry@acme", "install -g dropferry -m 640 /root/a.toml /etc/dropferry/acme.toml",
				"dropferry -c /etc/dropferry/acme.toml doctor", "dropferry service start --name dropferry@acme",
			},
		},
		"macOS": {
			words{sudo: "sudo ", program: "dropferry", file: "/Users/u/agent.toml"},
			"darwin", "dropferry", "/L/agent.toml", false,
			[]string{
				"sudo dropferry service install", "sudo install -m 600 /Users/u/agent.toml /L/agent.toml", "sudo dropferry -c /L/agent.toml doctor",
				"sudo dropferry service start",
			},
		},
		"Windows": {
			words{program: "dropferry", file: "agent.toml"},
			"windows", "dropferry", "P/agent.toml", false,
			[]string{"dropferry service install", "copy agent.toml P/agent.toml", "dropferry -c P/agent.toml doctor", "dropferry service start"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := c.words.serviceSteps(c.goos, c.service, c.where, c.installed); !slices.Equal(got, c.want) {
				t.Errorf("\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}
