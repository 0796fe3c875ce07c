package reference

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dropferry/dropferry/config"
)

// judge has documents in TOML judged by the schema, with another program's eyes: of each it says what is wrong, "" for nothing.
const judge = `
import json, sys, tomllib
import jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)
faults = []
for text in json.load(sys.stdin):
    found = list(validator.iter_errors(tomllib.loads(text)))
    faults.append("; ".join("/".join(map(str, f.absolute_path)) + ": " + f.message[:200] for f in found))
json.dump(faults, sys.stdout)
`

// judged returns what is wrong with each document.
func judged(t *testing.T, documents []string) []string {
	t.Helper()
	if out, err := exec.Command("python3", "-c", "import jsonschema, tomllib").CombinedOutput(); err != nil {
		text := "no python3 with jsonschema and tomllib here, which is what looks at the schema: apt-get install python3-jsonschema: " + string(out)
		if os.Getenv("DROPFERRY_REQUIRE_SSHD") == "1" {
			t.Fatal(text)
		}
		t.Skip(text)
	}
	in, err := json.Marshal(documents)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "python3", "-c", judge, filepath.Join("..", "..", SchemaName))
	command.Stdin = strings.NewReader(string(in))
	var said strings.Builder
	command.Stderr = &said
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	var faults []string
	if err := json.Unmarshal(out, &faults); err != nil || len(faults) != len(documents) {
		t.Fatalf("%v: %s", err, out)
	}
	return faults
}

const whole = `version = 1
[agent]
max_transfers = 8
bandwidth = "20MiB"
[log]
max_size = "1.5 MiB"
[defaults]
stable_for = "auto"
retry = { initial = "1s", max = "1m30s" }
[[destination]]
name = "acme"
host = "h"
user = "u"
password = { env = "P" }
ssh_agent = true
answers = [{ prompt = "*code*", env = "C" }]
schedule = { windows = ["Mon-Fri 06:00-20:00"] }
[[folder]]
name = "in"
path = "/in"
to = ["acme"]
[[folder]]
name = "mirror"
mode = "mirror"
path = "/mirror"
delete = true
max_delete = 0
trash = ""
to = ["acme:m"]
[[notify]]
type = "webhook"
url = { file = "/hook" }
on = ["parked", "expiring", "recovered"]
repeat = "never"
[[notify]]
type = "smtp"
host = "mail"
security = "tls"
from = "a@example.net"
to = ["b@example.net"]
[[notify]]
type = "command"
command = ["/bin/true", "--now"]
`

// What the schema says of a document is what loading says, as far as a schema can tell.
func TestSchemaAgreesWithLoading(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, old, becomes string
		valid              bool
	}{
		{"nothing", "", "", true},
		{"a number with a word", "max_transfers = 8", `max_transfers = "auto"`, true},
		{"no limit", `"20MiB"`, `"0"`, true},
		{"an agent's socket", "ssh_agent = true", `ssh_agent = "/run/agent"`, true},
		{"nowhere", "[defaults]", "[control]\nlisten = \"\"\n[defaults]", true},
		{"host and user from elsewhere", "host = \"h\"\nuser = \"u\"\n", "ssh_config = \"no-such-host\"\nhost = \"h\"\nuser = \"u\"\n", true},

		{"no version", "version = 1\n", "", false},
		{"another version", "version = 1", "version = 2", false},
		{"an unknown table", "[agent]", "[agents]\n[agent]", false},
		{"an unknown key of a table", "max_transfers = 8", "max_transfer = 8", false},
		{"an unknown key of a destination", `host = "h"`, "host = \"h\"\nhostname = \"h\"", false},
		{"an unknown key of a folder", `path = "/in"`, "path = \"/in\"\npaths = \"/in\"", false},
		{"an unknown key of retry", "initial = ", "initialy = ", false},
		{"a number out of bounds", "max_transfers = 8", "max_transfers = 0", false},
		{"a port out of bounds", `host = "h"`, "host = \"h\"\nport = 70000", false},
		{"text for a number", "max_transfers = 8", `max_transfers = "8"`, false},
		{"another word", "max_transfers = 8", `max_transfers = "many"`, false},
		{"a number for a duration", `"auto"`, "5", false},
		{"no unit", `"1m30s"`, `"90"`, false},
		{"another unit", `"1m30s"`, `"2d"`, false},
		{"no size", `"1.5 MiB"`, `"1.5 MB"`, false},
		{"no rate", `"20MiB"`, `"fast"`, false},
		{"another choice", `mode = "mirror"`, `mode = "mirrored"`, false},
		{"text for a flag", "delete = true", `delete = "true"`, false},
		{"no name", "name = \"acme\"\n", "", false},
		{"no host", "host = \"h\"\n", "", false},
		{"no path", "path = \"/in\"\n", "", false},
		{"no routes", "to = [\"acme\"]\n", "", false},
		{"text for a list", `to = ["acme"]`, `to = "acme"`, false},
		{"numbers in a list", `to = ["acme"]`, `to = [1]`, false},
		{"an empty name", `name = "in"`, `name = ""`, false},
		{"a secret in the file", `password = { env = "P" }`, `password = "secret"`, false},
		{"a secret in two places", `password = { env = "P" }`, `password = { env = "P", file = "/p" }`, false},
		{"a secret nowhere", `password = { env = "P" }`, `password = {}`, false},
		{"an answer without a prompt", `prompt = "*code*", `, "", false},
		{"an unknown event", `"parked"`, `"parking"`, false},
		{"an unknown way", `type = "command"`, `type = "pager"`, false},
		{"no way", "type = \"command\"\n", "", false},
		{"a key of another way", `type = "command"`, "type = \"command\"\nformat = \"json\"", false},
		{"a webhook without a URL", "url = { file = \"/hook\" }\n", "", false},
		{"mail without a sender", "from = \"a@example.net\"\n", "", false},
		{"a single table for several", "[[notify]]\ntype = \"webhook\"", "[[notify]]\ntype = \"command\"\ncommand = [\"x\"]\n[folders]\n[[notify]]\ntype = \"webhook\"", false},
	}
	var documents []string
	for _, c := range cases {
		if !strings.Contains(whole, c.old) {
			t.Fatalf("%s: nothing to replace", c.name)
		}
		documents = append(documents, strings.Replace(whole, c.old, c.becomes, 1))
	}
	faults := judged(t, documents)
	for i, c := range cases {
		if (faults[i] == "") != c.valid {
			t.Errorf("%s: the schema says %q", c.name, faults[i])
		}
		_, err := config.Parse(filepath.Join(t.TempDir(), "agent.toml"), []byte(documents[i]))
		if (err == nil) != c.valid {
			t.Errorf("%s: loading says %v", c.name, err)
		}
	}
}

// What people copy is without a fault, also with every key that it shows behind a #.
func TestExampleFitsTheSchema(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile(filepath.Join("..", "..", "agent.toml.example"))
	if err != nil {
		t.Fatal(err)
	}
	documents := []string{string(example)}
	guides, err := filepath.Glob(filepath.Join("..", "..", "docs", "guides", "*.md"))
	if err != nil || len(guides) == 0 {
		t.Fatal(guides, err)
	}
	names := []string{"the example"}
	for _, g := range guides {
		text, err := os.ReadFile(g)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range strings.Split(string(text), "```toml\n")[1:] {
			if block, _, _ = strings.Cut(block, "```"); strings.Contains(block, "version = 1\n") {
				documents, names = append(documents, block), append(names, g)
			}
		}
	}
	lines := strings.Split(string(example), "\n")
	for i, line := range lines { // some of those contradict each other, which a schema does not see
		if rest, ok := strings.CutPrefix(line, "# "); ok && strings.Contains(rest, " = ") && !strings.HasPrefix(rest, "was = ") {
			if name, _, _ := strings.Cut(rest, " = "); strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") == "" {
				lines[i] = rest
			}
		}
	}
	documents, names = append(documents, strings.Join(lines, "\n")), append(names, "all that the example shows")
	for i, f := range judged(t, documents) {
		if f != "" {
			t.Errorf("%s: %s", names[i], f)
		}
	}
}
