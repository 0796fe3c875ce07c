package wine

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// suite is a package whose own tests run under wine.
type suite struct {
	name   string
	limit  time.Duration
	least  int               // so many tests have to pass: a suite that runs nothing has shown nothing
	skip   map[string]string // tests that wine makes impossible, and why
	system []string          // of a suite that takes many minutes, the tests that differ by system: they can be run alone
	core   int               // so many of system have to pass
}

// TestPackages runs the tests of packages that speak to the system. They are built one after the other, and wait for most of their time
// then: they run beside each other.
func TestPackages(t *testing.T) {
	p := needsWine(t)
	dir := filepath.Join(p.dir, "suites")
	changed := overlay(t, dir)
	for _, s := range suites() {
		t.Run(s.name, func(t *testing.T) {
			program := filepath.Join(dir, path.Base(s.name)+".test.exe")
			if err := goTool("test", "-vet=off", "-overlay", changed, "-c", "-o", program, "github.com/dropferry/dropferry/"+s.name); err != nil {
				t.Fatal(err)
			}
			t.Parallel()
			if len(s.system) == 0 {
				s.run(t, p, program)
				return
			}
			t.Run("system", func(t *testing.T) {
				t.Parallel()
				s.systemPart().run(t, p, program)
			})
			t.Run("rest", func(t *testing.T) {
				t.Parallel()
				s.rest().run(t, p, program)
			})
		})
	}
}

// systemPart is the part of a suite that differs by system.
func (s suite) systemPart() suite {
	s.least = s.core
	return s
}

// rest is a suite without that part.
func (s suite) rest() suite {
	s.skip = maps.Clone(s.skip)
	for _, name := range s.system {
		s.skip[name] = "it is of the part that differs by system"
	}
	s.system = nil
	return s
}

func (s suite) run(t *testing.T, p *prefix, program string) {
	args := []string{"-test.v", "-test.short", "-test.parallel=4", fmt.Sprintf("-test.timeout=%v", s.limit)}
	if len(s.skip) > 0 {
		var names []string
		for name, why := range s.skip {
			names = append(names, "^"+regexp.QuoteMeta(name)+"$")
			t.Logf("left out: %s: %s", name, why)
		}
		slices.Sort(names)
		args = append(args, "-test.skip="+strings.Join(names, "|"))
	}
	if len(s.system) > 0 {
		args = append(args, "-test.run=^("+strings.Join(s.system, "|")+")$")
	}
	if some := os.Getenv(askedFor); some != "" {
		args, s.least = append(args, strings.Fields("-test.run="+some)...), 0
	}
	begun := time.Now()
	r := s.once(t, p, program, args)
	passed, failed := results(r.text)
	if len(failed) > 0 && len(failed) <= mayRepeat {
		// What two programs do to one file at once ends in other ways under wine than under Windows, now and then.
		t.Logf("once more, alone: %s:\n%s", strings.Join(failed, " "), r.text[max(0, len(r.text)-2000):])
		r = s.once(t, p, program, append(slices.Clone(args), "-test.run=^("+strings.Join(failed, "|")+")$"))
		again, still := results(r.text)
		passed, failed = passed+again, still
	}
	t.Logf("%d passed, %d failed, in %v", passed, len(failed), time.Since(begun).Round(time.Second))
	if r.err != nil || len(failed) > 0 {
		log := filepath.Join(os.TempDir(), "dropferry-wine-"+path.Base(s.name)+".log")
		_ = os.WriteFile(log, []byte(r.text), 0o644) // for a closer look
		t.Errorf("%v; failed: %s; all of it is in %s; it ends:\n%s", r.err, strings.Join(failed, " "), log, r.text[max(0, len(r.text)-4000):])
	}
	if passed < s.least {
		t.Errorf("only %d tests passed, of at least %d", passed, s.least)
	}
}

// askedFor is the environment variable that names the tests of a suite that are run, for a closer look, with further flags behind:
// "TestScan -test.count=9". Else all are.
const askedFor = "DROPFERRY_WINE_RUN"

// mayRepeat is how many failures of one suite may be wine's.
const mayRepeat = 3

func (s suite) once(t *testing.T, p *prefix, program string, args []string) outcome {
	return p.run(s.limit+20*time.Second, filepath.Join(repository(t), s.name), "", program, args...)
}

// results counts the tests that have passed, and names those that have failed.
func results(text string) (passed int, failed []string) {
	for line := range strings.Lines(text) {
		switch fields := strings.Fields(line); {
		case strings.HasPrefix(line, "--- PASS: "):
			passed++
		case strings.HasPrefix(line, "--- FAIL: ") && len(fields) > 2:
			failed = append(failed, fields[2])
		}
	}
	return passed, failed
}

// overlay returns a file for `go test -overlay` that has os.RemoveAll, which every t.TempDir() ends with, use the older of
// its two ways to delete: wine does not know the newer one, and says so with an error that Go does not expect.
func overlay(t *testing.T, dir string) string {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(strings.TrimSpace(string(root)), "src", "internal", "syscall", "windows", "at_windows.go")
	text, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	const before, after = "var TestDeleteatFallback bool", "var TestDeleteatFallback = true"
	if strings.Count(string(text), before) != 1 {
		t.Fatalf("%s has changed: look there how RemoveAll deletes under Windows", source)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	changed := filepath.Join(dir, "at_windows.go")
	if err := os.WriteFile(changed, []byte(strings.Replace(string(text), before, after, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := json.Marshal(map[string]any{"Replace": map[string]string{source: changed}})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(name, list, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
