package wine

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// asked is the environment variable that has these tests run.
const asked = "DROPFERRY_WINE"

// machine is the prefix of all tests; nil where they are not asked for.
var machine *prefix

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runTests(m *testing.M) (code int, err error) {
	if os.Getenv(asked) != "1" {
		return m.Run(), nil // each says why it is skipped
	}
	dir, err := os.MkdirTemp("", "dropferry-wine-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // what stays lies in the system's directory for that
	if machine, err = makePrefix(dir); machine != nil {
		defer machine.close()
	}
	if err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// needsWine returns the machine, or skips the test.
func needsWine(t *testing.T) *prefix {
	t.Helper()
	if machine == nil {
		t.Skipf("`make test-windows` installs wine and sets %s=1", asked)
	}
	return machine
}

// goTool runs the Go command for Windows.
func goTool(args ...string) error {
	command := exec.Command("go", args...)
	command.Env = append(os.Environ(), "GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0")
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("go %v: %w: %s", args, err, out)
	}
	return nil
}

// repository is the directory of all packages.
func repository(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
