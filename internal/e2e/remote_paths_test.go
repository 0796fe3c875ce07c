package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// TestRemotePaths writes the same place in each way in which it can be written: absolute, relative to the login directory, with
// ~, and with a drive as servers on Windows have it.
func TestRemotePaths(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, root, to, lands string }{
		{"the login directory", "", "in", "in"},
		{"the login directory as ~", "~", "in", "in"},
		{"below it", "deep/er", "in", "deep/er/in"},
		{"below ~", "~/deep/er", "in", "deep/er/in"},
		{"absolute", "/deep", "er/in", "deep/er/in"},
		{"absolute past the root", "deep", "/deep/er/in", "deep/er/in"},
		{"a drive", "/C:/inbox", "in", "C:/inbox/in"},
		{"a drive past the root", "", "/C:/inbox/in", "C:/inbox/in"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			server := sftptest.StartServer(t, sftptest.ServerOptions{Exec: true})
			for _, dir := range []string{"deep/er", "C:/inbox"} {
				if err := os.MkdirAll(filepath.Join(server.Dir, dir), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			r := bareRig(t)
			r.outboxTo(replaced(t, server.TOML("acme"), `root = "/"`, "root = \""+row.root+"\"")+patient, "to = [\"acme:"+row.to+"\"]")
			r.drop("sub/a.txt", "one")
			r.deliver(1)
			wantTree(t, server.Dir, map[string]string{row.lands + "/sub/a.txt": "one"})
		})
	}
}

// TestRemotePathsThatAreMistakes are told before anything is sent, with the path that is meant.
func TestRemotePathsThatAreMistakes(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.outboxTo(replaced(t, r.acme(), "root = ", "temp_dir = 'D:\\up'\nroot = \"C:/inbox\"\n# "), `to = ["acme:c:\\in"]`)
	contains(t, r.expect(5, "check").text(), `root = "/C:/inbox"`, `temp_dir = "/D:/up"`, `"acme:/c:/in"`)
	r.outboxTo(r.acme(), `to = ["acme:~/in"]`)
	contains(t, r.expect(5, "check").text(), "~ stands in root only")
	r.outboxTo(r.acme(), `to = ["acme"]`)
	r.drop("a.txt", "a")
	contains(t, r.expect(4, "put", r.outbox+"/a.txt", "acme:~/a.txt").text(), "~ stands in root only")
	wantTree(t, r.sshd.Dir, map[string]string{})
}

// TestRemotePathsInAJail are those that the account sees.
func TestRemotePathsInAJail(t *testing.T) {
	t.Parallel()
	r := bareRig(t)
	r.sshd = sftptest.StartSSHD(t, sftptest.SSHDOptions{Jail: true, NoExec: true})
	r.outboxTo(r.acme()+replaced(t, r.acme(), `name = "acme"`, `name = "other"`), `to = ["acme:in", "other:/dir/other"]`)
	r.drop("a.txt", "a")
	r.deliver(2)
	wantTree(t, r.sshd.Dir, map[string]string{"in/a.txt": "a", "other/a.txt": "a"})
}
