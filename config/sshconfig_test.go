package config

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// sshFiles writes files below a directory, which DIR stands for in their text, and returns it.
func sshFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(strings.ReplaceAll(text, "DIR", dir)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// withSSH is a destination that takes what a file says of a host.
func withSSH(dir, host, more string) string {
	return fmt.Sprintf("version = 1\n[[destination]]\nname = \"acme\"\nssh_config = %q\nssh_config_file = %q\n%s\n", host, filepath.Join(dir, "config"), more)
}

func TestSSHConfig(t *testing.T) {
	dir := sshFiles(t, map[string]string{
		"config": `# what people have
Host other
  HostName wrong.example
Host acme !acme-*
  HostName sftp.%h.example
  port=2222
  User "contoso"
  IdentityFile ~/.ssh/none
  IdentityFile DIR/keys/%r_key
  HostKeyAlias acme-cluster
  UserKnownHostsFile /etc/dropferry/known_%h /etc/more
  ConnectTimeout 7
  BindAddress 192.0.2.7
  Ciphers +aes128-cbc,aes256-cbc
  KexAlgorithms curve25519-sha256,diffie-hellman-group14-sha1
  HostKeyAlgorithms -ssh-rsa
  ControlMaster auto
  ForwardAgent yes
  StrictHostKeyChecking no
Include more/*.conf
Match originalhost acme,x exec "true"
  User nobody
Match host sftp.acme.example
  CertificateFile /c
  Port 1
Host *
  HostName last.example
  User everybody
  ServerAliveInterval 60
`,
		"more/a.conf":      "Host acme\n  IdentityAgent none\n  Compression yes\nHost nobody\n  Compression yes\n",
		"keys/contoso_key": "x",
	})
	d := parse(t, withSSH(dir, "acme", "")).Destinations[0]
	if d.Host != "sftp.acme.example" || d.Port != 2222 || d.User != "contoso" || d.KeyFile != filepath.Join(dir, "keys", "contoso_key") ||
		d.HostKeyAlias != "acme-cluster" || d.KnownHosts != at(t, "/etc/dropferry/known_sftp.acme.example") || d.ConnectTimeout != 7*time.Second ||
		d.BindAddress != "192.0.2.7" || d.Certificate != at(t, "/c") || d.SshAgent != "" {
		t.Errorf("%+v", d)
	}
	if want := []string{"diffie-hellman-group14-sha1", "aes128-cbc"}; !slices.Equal(d.LegacyAlgorithms, want) {
		t.Errorf("legacy algorithms %v, want %v", d.LegacyAlgorithms, want)
	}
	want := []string{"ControlMaster", "StrictHostKeyChecking", "Compression", "Match exec", "ServerAliveInterval", "UserKnownHostsFile but for the first"}
	if !slices.Equal(d.ignored, want) {
		t.Errorf("ignored %q, want %q", d.ignored, want)
	}
	c := parse(t, withSSH(dir, "acme", ""))
	faults := c.CheckPaths()
	if !slices.ContainsFunc(faults, func(f Fault) bool {
		return f.Warning && f.Line == 4 && strings.Contains(f.Text, "what ssh_config says of acme is used, but for: ControlMaster, StrictHostKeyChecking")
	}) {
		t.Errorf("check: %v", faults)
	}

	// What stands in the file itself counts more.
	d = parse(t, withSSH(dir, "acme", "host = \"h\"\nport = 22\nuser = \"u\"\npassword = { env = \"P\" }\nlegacy_algorithms = [\"ssh-rsa\"]\n"+
		"connect_timeout = \"3s\"\nhost_key = [\"SHA256:PUT+THE+FINGERPRINT+OF+YOUR+SERVER+HERE+++A\"]\nproxy = \"socks5://p\"\nssh_agent = true")).Destinations[0]
	if d.Host != "h" || d.Port != 22 || d.User != "u" || d.KeyFile != "" || d.KnownHosts != "" || d.ConnectTimeout != 3*time.Second ||
		!slices.Equal(d.LegacyAlgorithms, []string{"ssh-rsa"}) || d.BindAddress != "" {
		t.Errorf("%+v", d)
	}
	if d := parse(t, withSSH(dir, "elsewhere", "password = { env = \"P\" }")).Destinations[0]; d.Host != "last.example" || d.User != "everybody" {
		t.Errorf("%+v", d)
	}
}

func TestSSHConfigWithJumps(t *testing.T) {
	dir := sshFiles(t, map[string]string{"config": "Host acme\n HostName 10.0.0.5\n ProxyJump bastion,inner\nHost direct\n ProxyJump none\n ProxyCommand none\n" +
		"Host command\n ProxyCommand ssh -W %h:%p bastion\nHost named\n ProxyJump contoso@gate.example:2222\nHost *\n User u\n IdentityFile /k\n"})
	with := func(host, more string) string { return withSSH(dir, host, more) }
	const others = "[[destination]]\nname = \"bastion\"\nhost = \"b\"\nuser = \"u\"\nkey_file = \"k\"\n[[destination]]\nname = \"inner\"\nhost = \"i\"\nuser = \"u\"\nkey_file = \"k\"\n"
	if d := parse(t, with("acme", others)).Destinations[0]; !slices.Equal(d.Jump, []string{"bastion", "inner"}) {
		t.Errorf("jump %v", d.Jump)
	}
	if d := parse(t, with("direct", "")).Destinations[0]; len(d.Jump) != 0 || d.Host != "direct" {
		t.Errorf("%+v", d)
	}
	if d := parse(t, with("command", "proxy = \"socks5://p\"")).Destinations[0]; !d.Proxy.IsSet() {
		t.Errorf("%+v", d)
	}
	checkBadFiles(t, []badFile{
		{"a command", with("command", ""), []string{
			`4: destination "acme": ssh_config: the host is reached by a ProxyCommand, and no commands are run for that: jump = ["NAME"] or proxy = "socks5://HOST:1080" says it here`,
		}},
		{"unknown jump hosts", with("named", ""), []string{
			`4: destination "acme": ssh_config: ProxyJump names "contoso@gate.example:2222", which is no destination: ` +
				`add a [[destination]] with name = "gate.example" and ssh_config = "contoso@gate.example:2222", or write jump = ["NAME"] here`,
		}},
	})
}

func TestFaultsOfSSHConfig(t *testing.T) {
	dir := sshFiles(t, map[string]string{
		"config": "Host acme\n User u\n IdentityFile /k\n Port many\nHost quote\n User \"u\nHost loop\n Include config\nHost empty\n User\n",
	})
	file := filepath.Join(dir, "config")
	const bare = "version = 1\n[[destination]]\nname = \"acme\"\nhost = \"h\"\nuser = \"u\"\nkey_file = \"k\"\n"
	checkBadFiles(t, []badFile{
		{"a file for no host", bare + "ssh_config_file = \"c\"", []string{`7: destination "acme": ssh_config_file is given without ssh_config: ssh_config = "HOST"`}},
		{"a quote without an end", withSSH(dir, "quote", ""), []string{
			`4: destination "acme": ssh_config: ` + file + `:6: a quote has no end`,
		}},
	})
	for name, text := range map[string]string{"port": " User u\n Port many\n", "loop": " User u\n Include config\n", "empty": " User\n"} {
		dir := sshFiles(t, map[string]string{"config": "Host acme\n IdentityFile /k\n" + text})
		_, err := Parse(filepath.Join(dir, "agent.toml"), []byte(withSSH(dir, "acme", "")))
		want := map[string]string{"port": `port = "many" is no number`, "loop": "include each other more than 16 deep", "empty": "User has no value"}[name]
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

func TestSSHWords(t *testing.T) {
	for line, want := range map[string]string{
		"  Host a b  ":                `Host ["a" "b"]`,
		"Port = 22":                   `Port ["22"]`,
		"Port=22 # ours":              `Port ["22"]`,
		`IdentityFile "a b" c`:        `IdentityFile ["a b" "c"]`,
		`User="x y"`:                  `User ["x y"]`,
		"# Host":                      " []",
		"":                            " []",
		"Match":                       "Match []",
		"Host\ta":                     `Host ["a"]`,
		"ProxyCommand ssh -W %h:%p b": `ProxyCommand ["ssh" "-W" "%h:%p" "b"]`,
	} {
		keyword, args, err := sshWords(line)
		if got := fmt.Sprintf("%s %q", keyword, args); got != want || err != nil {
			t.Errorf("%q: %s, %v, want %s", line, got, err, want)
		}
	}
}

// TestSSHConfigAsSSHReadsIt compares with what the real client makes of a file.
func TestSSHConfigAsSSHReadsIt(t *testing.T) {
	ssh := sftptest.Program(t, "ssh", "openssh-client")
	dir := sshFiles(t, map[string]string{
		"config": `User=first
Host a* !ab*
  HostName %h.one.example
  Port 2201
Host *b
  HostName two.example
  Port 2202
  User second
Match host two.example
  HostKeyAlias "two keys"
Match originalhost cc,dd
  BindAddress 192.0.2.9
Host "quoted one" c? d#d
  Port 2203
Include DIR/more
Match all
  ConnectTimeout 9
Match !all
  ConnectTimeout 8
Host *
  Port 2299
  HostKeyAlias last
`,
		"more": "Host cc\n  HostName three.example\nHost dd\n  HostName four.example\n",
	})
	config := filepath.Join(dir, "config")
	for _, alias := range []string{"a", "aa", "abb", "b", "AB", "cc", "dd", "d", "zz"} {
		out, err := exec.Command(ssh, "-G", "-F", config, alias).CombinedOutput()
		if err != nil {
			t.Fatalf("ssh -G %s: %v\n%s", alias, err, out)
		}
		said := map[string]string{}
		for line := range strings.Lines(string(out)) {
			keyword, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			said[keyword] = value
		}
		h, err := readSSHHost(alias, dir, config)
		if err != nil {
			t.Fatal(err)
		}
		if h.host() != said["hostname"] {
			t.Errorf("%s: host %s, want %s", alias, h.host(), said["hostname"])
		}
		for _, keyword := range []string{"port", "user", "hostkeyalias", "bindaddress", "connecttimeout"} {
			if got, want := h.values[keyword], said[keyword]; got != want && (got != "" || want != "none") {
				t.Errorf("%s: %s %q, want %q", alias, keyword, got, want)
			}
		}
	}
}

func TestLikeHost(t *testing.T) {
	for _, test := range []struct {
		pattern, host string
		want          bool
	}{
		{"*", "", true},
		{"*", "a", true},
		{"", "", true},
		{"", "a", false},
		{"?", "", false},
		{"a?c", "abc", true},
		{"a*c", "abbc", true},
		{"a*c", "abcd", false},
		{"*.acme.example", "sftp.acme.example", true},
		{"*.acme.example", "acme.example", false},
		{"*a*b*", "xaxbx", true},
		{"a**", "a", true},
		{"*aab", "aaab", true},
		{strings.Repeat("*a", 1000) + "b", strings.Repeat("a", 10000), false},
	} {
		if got := likeHost(test.pattern, test.host); got != test.want {
			t.Errorf("%.20q, %.20q: %v", test.pattern, test.host, got)
		}
	}
}

func FuzzSSHWords(f *testing.F) {
	f.Add("Host a \"b c\"")
	f.Add("Port=22 # x")
	f.Fuzz(func(t *testing.T, line string) {
		keyword, args, err := sshWords(line)
		if strings.ContainsAny(keyword, " \t=\"") || err != nil && len(args) > 0 {
			t.Errorf("%q: %q, %q, %v", line, keyword, args, err)
		}
	})
}
