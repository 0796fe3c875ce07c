// Command notices prints the licences of everything that is linked into the program: of the modules that go.mod names, of
// Go itself, and of what is embedded that others have made.
package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

func main() {
	if err := write(os.Stdout, []string{"linux", "windows", "darwin"}); err != nil {
		fmt.Fprintln(os.Stderr, "notices:", err)
		os.Exit(1)
	}
}

// module is one that is linked.
type module struct{ path, version, dir string }

func write(w io.Writer, systems []string) error {
	modules, err := linked(systems)
	if err != nil {
		return err
	}
	root, err := goRoot()
	if err != nil {
		return err
	}
	embedded, err := embeddedModules()
	if err != nil {
		return err
	}
	modules = append(append(modules, embedded...), module{path: "Go's standard library", dir: root})
	_, err = fmt.Fprintf(w, "dropferry is under the Apache License 2.0, see LICENSE. It holds the following, each under its own licence.\n")
	for _, m := range modules {
		if err == nil {
			err = writeModule(w, m)
		}
	}
	return err
}

// embeddedModules returns what lies in a directory of its own with an about.txt, whose first words are its name and version.
func embeddedModules() ([]module, error) {
	out, err := exec.Command("go", "list", "-f", "{{.Dir}}", "github.com/dropferry/dropferry/page").Output()
	if err != nil {
		return nil, fmt.Errorf("find what is embedded: %w", err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "site", "*", "about.txt"))
	if err != nil {
		return nil, err
	}
	var modules []module
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		words, _, _ := strings.Cut(string(text), ",")
		product, version, _ := strings.Cut(words, " ")
		modules = append(modules, module{product, version, filepath.Dir(name)})
	}
	return modules, nil
}

func goRoot() (string, error) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	return strings.TrimSpace(string(out)), err
}

// linked returns the modules, other than our own, of which any system's program holds a package.
func linked(systems []string) ([]module, error) {
	const format = `{{with .Module}}{{if not .Main}}{{.Path}}	{{.Version}}	{{.Dir}}{{end}}{{end}}`
	all := map[module]bool{}
	for _, system := range systems {
		list := exec.Command("go", "list", "-deps", "-f", format, "github.com/dropferry/dropferry/cmd/dropferry")
		list.Env = append(os.Environ(), "GOOS="+system, "GOARCH=amd64", "CGO_ENABLED=0")
		list.Stderr = os.Stderr
		out, err := list.Output()
		if err != nil {
			return nil, fmt.Errorf("list the packages for %s: %w", system, err)
		}
		for line := range strings.Lines(string(out)) {
			if f := strings.Split(strings.TrimSpace(line), "\t"); len(f) == 3 {
				all[module{f[0], f[1], f[2]}] = true
			}
		}
	}
	var modules []module
	for m := range all {
		modules = append(modules, m)
	}
	slices.SortFunc(modules, func(a, b module) int { return cmp.Compare(a.path, b.path) })
	return modules, nil
}

// licenceFile finds what a module says of its licence: LICENSE, LICENSE-MIT, COPYING.txt, NOTICE, PATENTS.
var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)([-._].*)?$`)

func writeModule(w io.Writer, m module) error {
	entries, err := os.ReadDir(m.dir)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "\n%s\n%s\n", strings.Repeat("=", 100), strings.TrimSpace(m.path+" "+m.version)); err != nil {
		return err
	}
	found := false
	for _, e := range entries {
		if e.IsDir() || !licenceFile.MatchString(e.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(m.dir, e.Name()))
		if err != nil {
			return err
		}
		found = true
		text = bytes.TrimSpace(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")))
		if _, err := fmt.Fprintf(w, "\n--- %s\n\n%s\n", e.Name(), text); err != nil {
			return err
		}
	}
	if !found {
		return fmt.Errorf("%s %s has no licence: it must not be given away", m.path, m.version)
	}
	return nil
}
