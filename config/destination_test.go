package config

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestFaultsOfDestinations(t *testing.T) {
	const head = "version = 1\n[[destination]]\nname = \"a\"\nuser = \"u\"\nkey_file = \"k\"\n"
	checkBadFiles(t, []badFile{
		{"host with a scheme", head + `host = "sftp://contoso:hunter2@sftp.acme.example:2222/in"`, []string{
			`6: destination "a": host is a URL, not a name or an address: host = "sftp.acme.example", port = 2222, user = "contoso", root = "/in"`,
		}},
		{"host with a user", head + `host = "contoso@sftp.acme.example"`, []string{
			`6: destination "a": host holds a user: host = "sftp.acme.example", user = "contoso"`,
		}},
		{"host with a port", head + `host = "sftp.acme.example:2222"`, []string{
			`6: destination "a": host = "sftp.acme.example:2222" holds a port: host = "sftp.acme.example", port = 2222`,
		}},
		{"host with brackets", head + `host = "[::1]"`, []string{
			`6: destination "a": host = "[::1]" has brackets: host = "::1"`,
		}},
		{"host with a path", head + `host = "sftp.acme.example/in"`, []string{
			`6: destination "a": host = "sftp.acme.example/in" is neither a name nor an address`,
		}},
		{"address and zone", head + `host = "fe80::1%eth0"`, nil},
		{"host keys", destinationText + `host_key = [
  "SHA256:PUT+THE+FINGERPRINT+OF+YOUR+SERVER+HERE+++A",
  "SHA256:...",
  "MD5:16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48",
  "SHA256:PUT+THE+FINGERPRINT+OF+YOUR+SERVER+HERE++++",
]`, []string{
			`9: destination "acme": host_key holds "SHA256:...", which is not SHA256: and 43 letters of base64: paste it from ` + "`ssh-keygen -lf KEY.pub`",
			`10: destination "acme": host_key holds "MD5:16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48", which is not SHA256: and 43 letters of base64: it is an MD5 fingerprint, for which another key can be made: ` +
				"what shows this one shows one with SHA-256 too, WinSCP under Session, Server/Protocol Information, OpenSSH with `ssh-keygen -lf KEY.pub`; or let `dropferry trust` show it",
			`11: destination "acme": host_key holds "SHA256:PUT+THE+FINGERPRINT+OF+YOUR+SERVER+HERE++++", which is not SHA256: and 43 letters of base64: paste it from ` + "`ssh-keygen -lf KEY.pub`",
		}},
		{"no host key would do", destinationText + "host_key = []", []string{
			"7: destination \"acme\": host_key is empty, so that no server would do: leave it out to use known_hosts or `dropferry trust`",
		}},
		{"two kinds of trust", destinationText + "known_hosts = \"kh\"\nhost_key = [\"SHA256:PUT+THE+FINGERPRINT+OF+YOUR+SERVER+HERE+++A\"]", []string{
			`7: destination "acme": known_hosts is given together with host_key: keep one of them`,
		}},
		{"passphrase without a key", "version = 1\n[[destination]]\nname = \"a\"\nhost = \"h\"\nuser = \"u\"\npassword = { env = \"P\" }\nkey_passphrase = { env = \"Q\" }", []string{
			`7: destination "a": key_passphrase is given without key_file`,
		}},
		{"keepalive too late", destinationText + "stall_timeout = \"10s\"", []string{
			`7: destination "acme": keepalive = "10s" is not less than stall_timeout = "10s", so that a quiet connection would be taken for dead`,
		}},
		{"a third way to retry a login", destinationText + "auth_retry = \"never\"", []string{
			`7: destination "acme": auth_retry = "never" is not one of on, off`,
		}},
		{"roots", destinationText + "root = \"/in/{yyyy}\"\n[[destination]]\nname = \"b\"\nhost = \"h\"\nuser = \"u\"\nkey_file = \"k\"\nroot = \"~alice/in\"\n[[destination]]\nname = \"c\"\nhost = \"h\"\nuser = \"u\"\nkey_file = \"k\"\nroot = \"in/..\"\n[[destination]]\nname = \"d\"\nhost = \"h\"\nuser = \"u\"\nkey_file = \"k\"\nroot = 'in\\x'", []string{
			"7: destination \"acme\": root = \"/in/{yyyy}\" holds braces: placeholders stand in a folder's `to`",
			`13: destination "b": root = "~alice/in" names another account's directory: write the whole path`,
			`19: destination "c": root = "in/.." holds "..": write the whole path`,
			`25: destination "d": root = "in\\x" holds a backslash: SFTP paths have / on every server`,
		}},
	})
}

func TestFaultsOfSecretsShowNoSecret(t *testing.T) {
	checkBadFiles(t, []badFile{
		{"plain text", destinationText + "password = \"hunter2\"", []string{
			`7: destination "acme": password is plain text, and secrets do not stand in the file: password = { env = "NAME" }, { file = "FILE" } or { credential = "NAME" }`,
		}},
		{"a number", destinationText + "password = 12345", []string{
			`7: destination "acme": password is a whole number, not a table`,
		}},
		{"unknown place", destinationText + "password = { value = \"hunter2\" }", []string{
			`7: destination "acme": password names 0 places for the secret, not one: password = { env = "NAME" }, { file = "FILE" } or { credential = "NAME" }`,
			`7: destination "acme": password: unknown key "value"`,
		}},
		{"two places", destinationText + "password = { env = \"A\", file = \"b\" }", []string{
			`7: destination "acme": password names 2 places for the secret, not one: password = { env = "NAME" }, { file = "FILE" } or { credential = "NAME" }`,
		}},
		{"value for a name", destinationText + "password = { env = \"hunter 2\" }", []string{
			`7: destination "acme": password: env is not the name of a variable: env = "NAME"`,
		}},
		{"credential with a path", destinationText + "password = { credential = \"../x\" }", []string{
			`7: destination "acme": password: credential = "../x" is a path, not a name`,
		}},
		{"broken line", destinationText + "password = \"hunter2", []string{
			`7: not valid TOML: column 19: the value cannot be read: password = ...`,
		}},
		{"without quotes", destinationText + "password = hunter2", []string{
			`7: not valid TOML: column 12: the value cannot be read: password = ...`,
		}},
	})
}

func TestFaultsOfWaysIn(t *testing.T) {
	more := func(name, lines string) string {
		return "[[destination]]\nname = \"" + name + "\"\nhost = \"h\"\nuser = \"u\"\nkey_file = \"k\"\n" + lines + "\n"
	}
	checkBadFiles(t, []badFile{
		{"jumps that lead nowhere", destinationText + "jump = [\"acme\", \"bastoin\", \"bastion\", \"bastion\"]\n" + more("bastion", ""), []string{
			`7: destination "acme": jump holds "bastion" twice`,
			`7: destination "acme": jump leads through the destination itself: name another one: the server in front of it`,
			`7: destination "acme": jump names "bastoin", which is no destination: did you mean "bastion"?`,
		}},
		{"a circle", destinationText + "jump = [\"b\"]\n" + more("b", `jump = ["c"]`) + more("c", `jump = ["acme"]`), []string{
			`7: destination "acme": jump leads in a circle: acme -> b -> c -> acme: one of them has to be reached directly`,
			`13: destination "b": jump leads in a circle: b -> c -> acme -> b: one of them has to be reached directly`,
			`19: destination "c": jump leads in a circle: c -> acme -> b -> c: one of them has to be reached directly`,
		}},
		{"a way of its own in the middle", destinationText + "jump = [\"b\", \"c\"]\n" + more("b", "") + more("c", `jump = ["b"]`), []string{
			`7: destination "acme": jump goes from "b" to "c", which has a way of its own: only the first of a list may have jump, proxy or bind_address: write jump = ["c"], or take them from "c"`,
		}},
		{"two ways", destinationText + "jump = [\"b\"]\nproxy = \"socks5://p\"\n" + more("b", ""), []string{
			`8: destination "acme": proxy is given together with jump: move it to destination "b", which is reached first`,
		}},
		{"a proxy with a password in it", destinationText + `proxy = "socks5://contoso:hunter2@proxy.example:1080"`, []string{
			`7: destination "acme": proxy holds a user: proxy = "socks5://proxy.example:1080", proxy_user = "contoso" and proxy_password = { env = "NAME" }`,
		}},
		{"a proxy with a password that breaks it", destinationText + `proxy = "socks5://contoso:hun%zzter2@proxy.example:1080"`, []string{
			`7: destination "acme": proxy is no URL of a proxy: proxy = "socks5://HOST:1080" or "http://HOST:PORT"`,
		}},
		{"an unknown kind of proxy", destinationText + `proxy = "https://proxy.example:443"`, []string{
			`7: destination "acme": proxy = "https://proxy.example:443" is not of a kind that is known: proxy = "socks5://HOST:1080" or "http://HOST:PORT"`,
		}},
		{"a proxy without a port", destinationText + `proxy = "http://proxy.example"`, []string{
			`7: destination "acme": proxy = "http://proxy.example" names no port: proxy = "http://proxy.example:3128"`,
		}},
		{"a proxy with a path", destinationText + `proxy = "http://proxy.example:8080/pac"`, []string{
			`7: destination "acme": proxy = "http://proxy.example:8080/pac" has more than a host and a port: proxy = "http://proxy.example:8080"`,
		}},
		{"no address to come from", destinationText + "jump = [\"b\"]\nbind_address = \"eth0\"\n" + more("b", ""), []string{
			`8: destination "acme": bind_address = "eth0" is no address: bind_address = "192.0.2.7": one that this machine has`,
			`8: destination "acme": bind_address is given together with jump: move it to destination "b", which is reached first`,
		}},
		{"half an account", destinationText + "proxy = \"socks5://p\"\nproxy_user = \"u\"", []string{
			`8: destination "acme": proxy_user is given without proxy_password`,
		}},
		{"an account for no proxy", destinationText + "proxy_password = { env = \"P\" }", []string{
			`7: destination "acme": proxy_password is given without proxy`,
		}},
	})
}

func TestWays(t *testing.T) {
	c := parse(t, destinationText+`jump = ["b", "c"]
[[destination]]
name = "b"
host = "h"
user = "u"
key_file = "k"
jump = ["a"]
[[destination]]
name = "c"
host = "h"
user = "u"
key_file = "k"
[[destination]]
name = "a"
host = "h"
user = "u"
key_file = "k"
proxy = "socks5h://[2001:db8::1]"
[[folder]]
name = "f"
path = "/srv/f"
to = ["acme", "c"]
`)
	d, _ := c.Destination("acme")
	var way []string
	for _, hop := range c.Way(d) {
		way = append(way, hop.Name)
	}
	if got := strings.Join(way, " "); got != "a b c" {
		t.Errorf("the way is %s", got)
	}
	for name, want := range map[string]bool{"acme": false, "a": true, "b": true, "c": false} {
		d, _ := c.Destination(name)
		if c.OnlyJump(d) != want {
			t.Errorf("%s is only a jump: %v", name, !want)
		}
	}
	if first := c.Way(d)[0]; first.Proxy != (Proxy{ProxySOCKS, "[2001:db8::1]:1080"}) || first.Proxy.String() != "socks5://[2001:db8::1]:1080" {
		t.Errorf("proxy %+v", first.Proxy)
	}
}

func TestFaultsOfProofs(t *testing.T) {
	const bare = "version = 1\n[[destination]]\nname = \"a\"\nhost = \"h\"\nuser = \"u\"\n"
	checkBadFiles(t, []badFile{
		{"an agent alone", bare + "ssh_agent = true", nil},
		{"an agent's pipe", bare + `ssh_agent = '\\.\pipe\openssh-ssh-agent'`, nil},
		{"no agent", bare + "ssh_agent = false", []string{
			`2: destination "a": neither key_file nor password is given: key_file = "FILE" or password = { env = "NAME" }`,
		}},
		{"an agent in quotes", destinationText + `ssh_agent = "true"`, []string{
			`7: destination "acme": ssh_agent is text, not true or false: without quotes: ssh_agent = true`,
		}},
		{"a passphrase for an agent", destinationText + "ssh_agent = true\nkey_passphrase = { env = \"P\" }", []string{
			`8: destination "acme": key_passphrase is given together with ssh_agent, which has the key open: leave it out`,
		}},
		{"a certificate of nothing", bare + "password = { env = \"P\" }\ncertificate = \"c\"", []string{
			`7: destination "a": certificate is given without the key that it is for: key_file = "FILE" or ssh_agent = true`,
		}},
		{"answers", destinationText + `answers = [
  { prompt = "*", file = "f" },
  { file = "f" },
  { prompt = "*code*" },
  { prompt = "*code*", env = "A", file = "b" },
  { prompt = "*code*", text = "123456" },
]`, []string{
			`8: destination "acme": answer 1: prompt = "*" is every prompt: answers = [{ prompt = "*code*", file = "FILE" }]`,
			`9: destination "acme": answer 2: prompt is missing: prompt = "*code*"`,
			`10: destination "acme": answer 3: 0 places are named for the answer, not one: answers = [{ prompt = "*code*", file = "FILE" }]`,
			`11: destination "acme": answer 4: 2 places are named for the answer, not one: answers = [{ prompt = "*code*", file = "FILE" }]`,
			`12: destination "acme": answer 5: 0 places are named for the answer, not one: answers = [{ prompt = "*code*", file = "FILE" }]`,
			`12: destination "acme": answer 5: unknown key "text"`,
		}},
		{"no list of answers", destinationText + `answers = "123456"`, []string{
			`7: destination "acme": answers is not a list of prompts with their answers: answers = [{ prompt = "*code*", file = "FILE" }]`,
		}},
		{"legacy algorithms", destinationText + `legacy_algorithms = ["ssh-rsa", "aes128-cb", "aes256-ctr"]`, []string{
			`7: destination "acme": legacy_algorithms holds "aes128-cb", which is none that has to be asked for: did you mean "aes128-cbc"?`,
			`7: destination "acme": legacy_algorithms holds "aes256-ctr", which is none that has to be asked for: there are diffie-hellman-group14-sha1, ` +
				`diffie-hellman-group-exchange-sha1, diffie-hellman-group1-sha1, aes128-cbc, 3des-cbc, hmac-sha1-96, ssh-rsa, ssh-dss`,
		}},
	})
}

func TestProofs(t *testing.T) {
	c := parse(t, destinationText+"ssh_agent = \"run/agent\"\nanswers = [{ prompt = \"*code*\", credential = \"code\" }]\nlegacy_algorithms = [\"ssh-rsa\"]\ncertificate = \"c\"\n")
	d := c.Destinations[0]
	if !filepath.IsAbs(d.SshAgent) || filepath.Base(d.SshAgent) != "agent" || !filepath.IsAbs(d.Certificate) || len(d.Answers) != 1 ||
		d.Answers[0] != (Answer{"*code*", Secret{Credential: "code"}}) {
		t.Errorf("%+v", d)
	}
	if d := parse(t, destinationText+"ssh_agent = true").Destinations[0]; d.SshAgent != EnvironmentAgent {
		t.Errorf("agent %q", d.SshAgent)
	}
	if d := parse(t, destinationText).Destinations[0]; d.SshAgent != "" || d.Answers != nil {
		t.Errorf("%+v", d)
	}
}
