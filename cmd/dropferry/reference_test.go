package main

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/internal/manual"
	"github.com/dropferry/dropferry/internal/reference"
	"github.com/dropferry/dropferry/service"
)

var writeReference = flag.Bool("write-reference", false, "write docs/reference and agent.schema.json")

// answers is what commands print with --json.
func answers() []reference.Answer {
	return []reference.Answer{
		{Command: "dropferry status --json", Value: control.Status{}},
		{Command: "dropferry history --json", About: "With `--failed`, `failed` in place of `deliveries`.", Value: control.History{}},
		{Command: "dropferry explain FILE --json", Value: control.Explanation{}},
		{Command: "dropferry plan --json", Value: control.Plan{}},
		{Command: "dropferry once --json", About: "A line for each event, also of `run --json`.", Value: eventLine{}},
		{Command: "dropferry once --json, its last line", Value: summaryLine{}},
		{Command: "dropferry pause, resume, retry, cancel, resend, reload --json", Value: control.Outcome{}},
		{Command: "dropferry resend X --since T --json", Value: resent{}},
		{Command: "dropferry verify --json", About: "A line for each finding that is not `ok` or `taken`.", Value: control.Finding{}},
		{Command: "dropferry verify --json, its last line", Value: control.Checked{}},
		{Command: "dropferry put --json", About: "`type` is `delivered`.", Value: putDelivered{}},
		{Command: "dropferry put --json, where the content was there already", About: "`type` is `adopted`.", Value: putAdopted{}},
		{Command: "dropferry put --json, where nothing was published", About: "`type` is `held` or `failed`.", Value: putFailure{}},
		{Command: "dropferry check --json", Value: checkResult{}},
		{Command: "dropferry doctor --json", Value: doctorResult{}},
		{Command: "dropferry page --json", Value: pageJSON{}},
		{Command: "dropferry service status --json", Value: service.State{}},
		{Command: "any command with --json that fails as a whole", Value: errorLine{}},
	}
}

// TestReference holds docs/reference and the schema to what they are made of.
func TestReference(t *testing.T) {
	t.Parallel()
	tree := filepath.Join("..", "..")
	example, err := os.ReadFile(filepath.Join(tree, "agent.toml.example"))
	if err != nil {
		t.Fatal(err)
	}
	root := (&program{}).command()
	root.InitDefaultCompletionCmd()
	files, err := reference.Files(reference.Source{Root: root, Example: string(example), Answers: answers(), Tree: tree})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		file := filepath.Join(tree, filepath.FromSlash(name))
		if *writeReference {
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s is not what it is made of: go test ./cmd/dropferry -run TestReference -write-reference", name)
		}
	}
	for _, name := range []string{"commands.md", "configuration.md", "exit-codes.md", "json.md", "metrics.md"} {
		if len(files["docs/reference/"+name]) < 500 {
			t.Errorf("%s holds next to nothing", name)
		}
	}
}

// The manual and the reference have the exit codes of the program.
func TestExitCodesOfTheManual(t *testing.T) {
	t.Parallel()
	var listed []int
	for _, c := range manual.ExitCodes() {
		n, err := strconv.Atoi(c.Code)
		if err != nil || c.Meaning == "" {
			t.Errorf("%+v", c)
		}
		listed = append(listed, n)
	}
	want := []int{
		exitOK, exitFailure, exitUndelivered, exitUsage, exitConfig, exitNewer, exitNoAgent, exitLocked, exitAuth, exitHostKey, exitUnreachable,
		exitInterrupted,
	}
	if !slices.Equal(listed, want) {
		t.Errorf("listed are %v, want %v", listed, want)
	}
}
