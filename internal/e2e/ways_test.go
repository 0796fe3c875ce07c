package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// TestThroughAJumpHost delivers to a server that another one stands in front of, and tells whose login was refused.
func TestThroughAJumpHost(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme:in"]`)
	bastion := sftptest.StartSSHD(t, sftptest.SSHDOptions{NoExec: true})
	configure := func(key string) {
		front := replaced(t, bastion.TOML("bastion"), bastion.KeyFile, key) + patient
		r.outboxTo(r.acme()+"jump = [\"bastion\"]\n"+front, `to = ["acme:in"]`)
	}
	stranger := r.keyFile("stranger")
	configure(stranger)
	r.drop("a.txt", "through it")

	refused := r.expect(12, "once")
	contains(t, refused.text(), "jump host bastion: the server refused publickey of", "destination bastion")
	tries := strings.Count(bastion.Log(), "userauth_pubkey") + strings.Count(bastion.Log(), "Failed publickey")
	contains(t, r.expect(12, "once").text(), "bastion")
	if n := strings.Count(bastion.Log(), "userauth_pubkey") + strings.Count(bastion.Log(), "Failed publickey"); n != tries {
		t.Errorf("a refused login was tried again")
	}
	if strings.Contains(r.sshd.Log(), "publickey") {
		t.Errorf("the server behind was asked:\n%s", r.sshd.Log())
	}

	configure(bastion.KeyFile) // which ends the block
	r.expect(0, "once")
	wantTree(t, r.sshd.Dir, map[string]string{"in/a.txt": "through it"})
	got := r.expect(0, "check", "--connect")
	contains(t, got.stdout, "through bastion", "destination bastion", "posix-rename@openssh.com")
	j := decode[checkJSON](t, r.expect(0, "check", "--connect", "--json").stdout)
	if len(j.Destinations) != 2 || fmt.Sprint(j.Destinations[0].Way) != "[bastion]" || j.Destinations[1].Capabilities != nil ||
		j.Destinations[1].HostKey != bastion.Fingerprints[0] {
		t.Errorf("JSON: %+v", j)
	}
	wantTree(t, bastion.Dir, map[string]string{}) // nothing is written where others are only reached through
	contains(t, r.expect(0, "doctor").text(), "lies behind bastion")

	// The server behind is trusted through the jump host too.
	r.outboxTo(replaced(t, r.acme(), "host_key = ", "# ")+"jump = [\"bastion\"]\n"+bastion.TOML("bastion")+patient, `to = ["acme:in"]`)
	contains(t, r.expect(0, "trust", "acme", "--fingerprint", r.sshd.Fingerprints[0]).text(), "is trusted for acme")
	r.drop("b.txt", "and again")
	r.expect(0, "once")
	wantTree(t, r.sshd.Dir, map[string]string{"in/a.txt": "through it", "in/b.txt": "and again"})
}

// TestTrustBehindAJumpHostIsNoticed has a running agent log in to the jump host once for a key that nobody has accepted, and again
// when somebody has.
func TestTrustBehindAJumpHostIsNoticed(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme:in"]`)
	bastion := sftptest.StartSSHD(t, sftptest.SSHDOptions{NoExec: true})
	r.outboxTo(replaced(t, r.acme(), "host_key = ", "# ")+"jump = [\"bastion\"]\n"+bastion.TOML("bastion")+patient, `to = ["acme:in"]`)
	r.drop("a.txt", "through it")
	a := r.watching()
	a.wait("is not known")
	d := r.status().Destinations[0]
	if d.State != "blocked" || d.NextAttempt == nil || time.Until(*d.NextAttempt) < 20*time.Minute {
		t.Errorf("status: %+v", d)
	}
	before := strings.Count(bastion.Log(), "Accepted publickey")
	r.expect(0, "trust", "acme", "--fingerprint", r.sshd.Fingerprints[0])
	eventually(t, "it arrives", time.Minute, func() bool { return tree(t, r.sshd.Dir)["in/a.txt"] == "through it" })
	if n := strings.Count(bastion.Log(), "Accepted publickey"); before != 1 || n != 3 { // trust, and the agent
		t.Errorf("%d logins at the jump host, and then %d", before, n)
	}
	a.stop()
}

// TestThroughAProxy takes the proxy's password from where secrets are, and shows it nowhere.
func TestThroughAProxy(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme:in"]`)
	proxy := sftptest.StartProxy(t, sftptest.Tinyproxy, "contoso", "hunter2")
	r.secrets = append(r.secrets, "hunter2", "hunter3")
	way := fmt.Sprintf("proxy = \"http://%s\"\nproxy_user = \"contoso\"\nproxy_password = { file = %q }\n", proxy, r.at("secret"))
	r.outboxTo(r.acme()+way, `to = ["acme:in"]`)
	r.drop("a.txt", "through it")
	r.write(r.at("secret"), "hunter3\n")
	contains(t, r.expect(12, "once").text(), "proxy http://"+proxy, "it refuses the account", "check proxy_user and proxy_password")
	r.write(r.at("secret"), "hunter2\n") // a secret that changes ends the block
	r.expect(0, "once")
	wantTree(t, r.sshd.Dir, map[string]string{"in/a.txt": "through it"})
	contains(t, r.expect(0, "check", "--connect").stdout, "through http://"+proxy)
	contains(t, r.expect(0, "doctor").text(), "its host key is the right one")
}

// TestAJumpHostThatChanges has a running agent dial anew where only the jump host's table has changed.
func TestAJumpHostThatChanges(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme:in"]`)
	one, two := sftptest.StartSSHD(t, sftptest.SSHDOptions{}), sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	through := func(bastion *sftptest.SSHD) {
		r.outboxTo(r.acme()+"jump = [\"bastion\"]\n"+bastion.TOML("bastion")+patient, `to = ["acme:in"]`)
	}
	through(one)
	a := r.watching()
	r.drop("a.txt", "first")
	r.arrives("in/a.txt", "first")
	through(two)
	r.reload("destination acme: changed jump", "destination bastion: changed ")
	r.drop("b.txt", "second")
	r.arrives("in/b.txt", "second")
	if !strings.Contains(two.Log(), "Accepted publickey") {
		t.Error("the new jump host was not used")
	}
	a.stop()
}

// TestAPuTTYKey does what `check` says to do with one.
func TestAPuTTYKey(t *testing.T) {
	t.Parallel()
	puttygen := sftptest.Program(t, "puttygen", "putty-tools")
	r := newRig(t, `to = ["acme:in"]`)
	if out, err := exec.Command(puttygen, r.sshd.KeyFile, "-O", "private", "-o", r.at("acme.ppk")).CombinedOutput(); err != nil {
		t.Fatalf("puttygen: %v\n%s", err, out)
	}
	r.outboxTo(replaced(t, r.acme(), r.sshd.KeyFile, r.at("acme.ppk")), `to = ["acme:in"]`)
	said := r.expect(5, "check").text()
	command := regexp.MustCompile(`puttygen (\S+) -O private-openssh -o (\S+)`).FindStringSubmatch(said)
	if command == nil {
		t.Fatalf("no command in:\n%s", said)
	}
	if out, err := exec.Command(puttygen, command[1], "-O", "private-openssh", "-o", command[2]).CombinedOutput(); err != nil {
		t.Fatalf("%q: %v\n%s", command, err, out)
	}
	r.outboxTo(replaced(t, r.acme(), r.sshd.KeyFile, command[2]), `to = ["acme:in"]`)
	r.drop("a.txt", "with a converted key")
	r.expect(0, "once")
	wantTree(t, r.sshd.Dir, map[string]string{"in/a.txt": "with a converted key"})
}

// TestWeakAlgorithms types what the error says, and is warned from then on.
func TestWeakAlgorithms(t *testing.T) {
	t.Parallel()
	r := bareRig(t)
	r.sshd = sftptest.StartSSHD(t, sftptest.SSHDOptions{HostKeys: []string{"rsa"}, Config: []string{
		"KexAlgorithms diffie-hellman-group14-sha1", "Ciphers 3des-cbc", "HostKeyAlgorithms ssh-rsa",
	}})
	r.outboxTo(r.acme(), `to = ["acme:in"]`)
	r.drop("a.txt", "old")
	said := r.expect(14, "once").text()
	line := regexp.MustCompile(`legacy_algorithms = \[.*?\]`).FindString(strings.ReplaceAll(said, `\"`, `"`))
	if line == "" {
		t.Fatalf("no line in:\n%s", said)
	}
	r.outboxTo(r.acme()+line+"\n", `to = ["acme:in"]`)
	contains(t, r.expect(0, "once").text(), "weak algorithms are allowed")
	wantTree(t, r.sshd.Dir, map[string]string{"in/a.txt": "old"})
	contains(t, r.expect(0, "check").text(), "legacy_algorithms allows", "3des-cbc", "warning")
	a := r.watching()
	contains(t, a.text(), "weak algorithms are allowed")
	a.stop()
}

// TestAHostKeyThatIsGoingToChange is told of beforehand, accepted beforehand, and then changes without anybody noticing.
func TestAHostKeyThatIsGoingToChange(t *testing.T) {
	t.Parallel()
	r := bareRig(t)
	now, next := r.keyFile("now"), r.keyFile("next")
	r.sshd = sftptest.StartSSHD(t, sftptest.SSHDOptions{HostKeys: []string{"rsa"}, Config: []string{"HostKey " + now, "HostKey " + next}})
	r.outboxTo(replaced(t, r.acme(), "host_key = ", "# "), `to = ["acme:in"]`)
	print := func(name string) string {
		t.Helper()
		out, err := exec.Command(sftptest.Program(t, "ssh-keygen", "openssh-client"), "-lf", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(string(out))[1]
	}
	old, fresh := print(now), print(next)
	r.expect(0, "trust", "acme", "--fingerprint", old)
	a := r.watching()
	r.drop("a.txt", "one")
	r.arrives("in/a.txt", "one")
	eventually(t, "the new key is told of", 20*time.Second, func() bool {
		d := r.status().Destinations
		return len(d) == 1 && len(d[0].Warnings) == 1 && strings.Contains(d[0].Warnings[0], "dropferry trust acme --fingerprint "+fresh)
	})
	contains(t, a.text(), "a host key is going to change", fresh)
	lacks(t, a.text(), r.sshd.Fingerprints[0]) // another type is no change
	contains(t, r.expect(0, "status").text(), "warning: ", fresh)
	contains(t, r.expect(0, "doctor").text(), "will change to it", fresh)

	said := r.expect(0, "trust", "acme", "--fingerprint", fresh).text()
	contains(t, said, "announced in an earlier session", "is trusted for acme")
	lacks(t, r.expect(0, "status").text(), "warning: ")
	key, err := os.ReadFile(next)
	if err != nil {
		t.Fatal(err)
	}
	r.sshd.Stop()
	r.write(now, string(key))
	r.sshd.Start()
	r.drop("b.txt", "two")
	r.arrives("in/b.txt", "two")
	a.stop()
}

// TestSSHConfig delivers with little more than the name of a host that ssh knows.
func TestSSHConfig(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme:in"]`)
	bastion := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	read := func(name string) string {
		t.Helper()
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	known := strings.ReplaceAll(read(r.sshd.KnownHosts)+read(bastion.KnownHosts), fmt.Sprintf("[127.0.0.1]:%d", r.sshd.Port), "acme-cluster")
	r.write(r.at("home/.ssh/known_hosts"), known)
	host := func(alias string, s *sftptest.SSHD, more string) string {
		return fmt.Sprintf("Host %s\n  HostName %s\n  Port %d\n  User %s\n  IdentityFile %s\n  UserKnownHostsFile ~/.ssh/known_hosts\n%s", alias, s.Host, s.Port, s.User, s.KeyFile, more)
	}
	r.write(r.at("home/.ssh/config"), host("acme", r.sshd, "  ProxyJump bastion\n  HostKeyAlias acme-cluster\n  ControlMaster auto\n")+host("bastion", bastion, ""))
	table := func(name string) string {
		return fmt.Sprintf("[[destination]]\nname = %q\nssh_config = %q\n", name, name) + patient
	}
	r.outboxTo(table("bastion")+table("acme")+fmt.Sprintf("root = %q\n", r.sshd.Dir), `to = ["acme:in"]`)
	r.drop("a.txt", "as ssh does")
	r.expect(0, "once")
	wantTree(t, r.sshd.Dir, map[string]string{"in/a.txt": "as ssh does"})
	contains(t, r.expect(0, "check").text(), "but for: ControlMaster")
	contains(t, r.expect(0, "check", "--connect").stdout, "through bastion")
}
