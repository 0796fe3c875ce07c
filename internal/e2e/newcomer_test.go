package e2e

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// newcomers are the servers at which somebody begins who has a partner's host, account and fingerprint, and nothing else; by the
// names of TestServers. amend is what he has to change in the file that `init` writes.
var newcomers = []struct {
	server string
	amend  func(toml, file string) string
	way    string // what was in the way
}{
	{"OpenSSH", nil, "nothing"},
	{"OpenSSH, SFTP only, in a chroot", nil, "nothing; the size is all that tells of larger files, as `check --connect` says"},
	{"ProFTPD mod_sftp", nil, "nothing"},
	{"dropbear, with OpenSSH's sftp-server", nil, "nothing"},
	{"OpenSSH, key, password and code by PAM", withProofs, "`init` knows keys alone: `password` and `answers` are written by hand, in the words of the error"},
}

// withProofs has a configuration name the secrets of an account's own.
func withProofs(toml, file string) string {
	lines := regexp.MustCompile(`(?m)^(password|answers) = .*\n`).FindAllString(toml, -1)
	return strings.Replace(file, "key_file = ", strings.Join(lines, "")+"key_file = ", 1)
}

// firstSteps is how one came to his first verified file.
type firstSteps struct {
	commands []string
	evidence string
	took     time.Duration
}

// TestNewcomers come to their first verified file by `init` and `once`.
func TestNewcomers(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	seen := map[string]firstSteps{}
	t.Run("each", func(t *testing.T) {
		for _, n := range newcomers {
			t.Run(n.server, func(t *testing.T) {
				t.Parallel()
				for _, server := range servers {
					if server.name != n.server {
						continue
					}
					steps := begin(t, server.start(t), n.amend)
					mu.Lock()
					defer mu.Unlock()
					if !t.Failed() {
						seen[n.server] = steps
					}
				}
			})
		}
	})
	if !t.Failed() {
		compareNewcomers(t, seen)
	}
}

// begin takes the steps at one server.
func begin(t *testing.T, a account, amend func(toml, file string) string) firstSteps {
	t.Helper()
	r := bareRig(t)
	r.env = append(r.env, "XDG_STATE_HOME="+r.at("state"))
	value := func(key string) string {
		t.Helper()
		found := regexp.MustCompile(`(?m)^` + key + ` = \[?"?([^"\n]*)`).FindStringSubmatch(a.toml)
		if found == nil {
			t.Fatalf("no %s in\n%s", key, a.toml)
		}
		return found[1]
	}
	var steps firstSteps
	began := time.Now()
	do := func(code int, args ...string) result {
		t.Helper()
		steps.commands = append(steps.commands, "`"+args[0]+"`")
		if slices.Contains(args, "--connect") {
			steps.commands[len(steps.commands)-1] = "`check --connect`"
		}
		return r.expect(code, args...)
	}
	code := 0
	if amend != nil {
		code = 12 // the key alone does not do
	}
	init := do(code, "init", "--host", value("host"), "--port", value("port"), "--user", value("user"), "--key", value("key_file"),
		"--fingerprint", value("host_key"), "--root", value("root"), "--folder", r.outbox, "--to", "in")
	if amend != nil {
		contains(t, init.text(), "accepted publickey", "wants")
		steps.commands = append(steps.commands, "an editor")
		r.write(r.config, amend(a.toml, r.configuration()))
		do(0, "check", "--connect")
	}
	r.drop("first.txt", "the first file")
	do(0, "once")
	steps.took = time.Since(began)
	wantTree(t, filepath.Join(a.dir, "in"), map[string]string{"first.txt": "the first file"})
	h := r.history()
	if len(h) != 1 || h[0].Evidence == "size" || h[0].SHA256 == "" {
		t.Fatalf("receipts: %+v", h)
	}
	steps.evidence = h[0].Evidence
	return steps
}

// The lines between which the newcomers' table stands.
const (
	newcomersBegin = "<!-- what TestNewcomers has seen -->"
	newcomersHead  = "| server | steps | seconds | the first file is proved by | in the way |\n|---|---|---|---|---|"
)

// compareNewcomers compares the steps with the page, or writes it there; the time is the machine's, and only written.
func compareNewcomers(t *testing.T, seen map[string]firstSteps) {
	t.Helper()
	page, table := pageTable(t, newcomersBegin)
	lines := []string{"", newcomersHead}
	for _, n := range newcomers {
		s, ok := seen[n.server]
		if !ok {
			lines = append(lines, table.line(n.server))
			continue
		}
		line := func(took string) string {
			return fmt.Sprintf("| %s | %s | %s | %s | %s |", n.server, strings.Join(s.commands, ", "), took, s.evidence, n.way)
		}
		if before := table.line(n.server); !*writeMatrix && before != line(strings.Trim(cell(before, 3), " ")) {
			t.Errorf("docs/compatibility.md says\n%s\nand here it is\n%s", before, line("..."))
		}
		lines = append(lines, line(fmt.Sprintf("%.1f", s.took.Seconds())))
	}
	if *writeMatrix {
		page.write(t, table, strings.Join(lines, "\n")+"\n")
	}
}

// cell returns the n-th cell of a table's row, from 1; "" where there is none.
func cell(row string, n int) string {
	if cells := strings.Split(row, "|"); n < len(cells) {
		return cells[n]
	}
	return ""
}
