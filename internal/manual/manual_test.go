package manual

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

var about = About{Version: "1.2.3", Date: time.Date(2026, 11, 29, 23, 0, 0, 0, time.UTC)}

// formatted is a page as a person sees it. The formatter must have nothing to say against it.
func formatted(t *testing.T, source string) string {
	t.Helper()
	if _, err := exec.LookPath("groff"); err != nil {
		t.Skip("groff is not installed")
	}
	file := filepath.Join(t.TempDir(), "page")
	if err := os.WriteFile(file, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	command := exec.Command("groff", "-man", "-ww", "-Tutf8", "-P-c", "-P-b", "-P-u", "-rLL=100n", file)
	var complaints strings.Builder
	command.Stderr = &complaints
	out, err := command.Output()
	if err != nil || complaints.Len() > 0 {
		t.Fatalf("groff: %v\n%s", err, complaints.String())
	}
	return string(out)
}

// spaced has any white space as one space: the formatter breaks lines where it likes.
func spaced(text string) string { return strings.Join(strings.Fields(text), " ") }

func TestCommands(t *testing.T) {
	root := &cobra.Command{Use: "dropferry", Long: "It delivers.\n\n.Not a request\\n, nor 'this."}
	root.PersistentFlags().StringP("config", "c", "", "configuration `file`")
	check := &cobra.Command{Use: "check [DESTINATION...]", Short: "Look", Run: func(*cobra.Command, []string) {}}
	check.Flags().Bool("connect", false, "log in")
	secret := &cobra.Command{Use: "secret", Short: "Keep"}
	secret.AddCommand(&cobra.Command{Use: "set NAME", Short: "Read one", Long: "It reads one:\n  - from here\n  - or there", Run: check.Run})
	root.AddCommand(check, secret, &cobra.Command{Use: "man", Short: "Unseen", Hidden: true, Run: check.Run})
	page := spaced(formatted(t, Commands(root, about)))
	for _, want := range []string{
		"DROPFERRY(1)", "dropferry 1.2.3", "2026-11-29", `.Not a request\n, nor 'this.`, "dropferry check [DESTINATION...]", "--connect log in",
		"dropferry secret set NAME", "-c, --config FILE configuration file", "- from here - or there", "130 interrupted",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	if strings.Contains(page, "Unseen") {
		t.Error("the page has a hidden command")
	}
}

// Every key, every table and every sentence of the example stands in the page, in the same order.
func TestConfigSaysWhatTheExampleSays(t *testing.T) {
	example, err := os.ReadFile("../../agent.toml.example")
	if err != nil {
		t.Fatal(err)
	}
	page := spaced(formatted(t, Config(string(example), about)))
	rest := page
	comment := regexp.MustCompile(`(^|  )# ?`)
	for line := range strings.Lines(string(example)) {
		if strings.HasPrefix(line, "#") && !isKey(strings.TrimPrefix(line, "# ")) {
			line = strings.TrimPrefix(line, "#")
		} else {
			line = comment.ReplaceAllString(strings.TrimRight(line, "\n"), " ")
		}
		want := spaced(line)
		if strings.HasPrefix(want, "[") { // what stands in front of a table in the example stands in its section
			if !strings.Contains(page, want) {
				t.Errorf("the page lacks %s", want)
			}
			continue
		}
		at := strings.Index(rest, want)
		if at < 0 {
			t.Fatalf("the page lacks %q behind %q", want, page[:len(page)-len(rest)])
		}
		rest = rest[at+len(want):]
	}
}
