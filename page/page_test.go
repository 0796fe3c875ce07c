package page

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"testing"
)

func get(name string) (code int, kind, text string) {
	w := httptest.NewRecorder()
	Pages().ServeHTTP(w, httptest.NewRequest("GET", name, nil))
	return w.Code, w.Header().Get("Content-Type"), w.Body.String()
}

// All that the page and its scripts name is there, and nothing of it is elsewhere or written into it: the content security policy
// would refuse that.
func TestPagesAreWhole(t *testing.T) {
	code, kind, index := get("/")
	if code != 200 || !strings.HasPrefix(kind, "text/html") {
		t.Fatal(code, kind)
	}
	named := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?:src|href)="([^"#]+)"`).FindAllStringSubmatch(index, -1) {
		named[m[1]] = true
	}
	scripts, err := fs.Glob(site, "site/*.js")
	if err != nil || len(scripts) < 5 {
		t.Fatal(scripts, err)
	}
	whole := map[string]string{"the page": index}
	for _, name := range append(scripts, "site/page.css") {
		_, _, text := get("/" + path.Base(name))
		whole[name] = text
		for _, m := range regexp.MustCompile(`(?m)^import .* from '\./([^']+)';$`).FindAllStringSubmatch(text, -1) {
			named[m[1]] = true
		}
	}
	for name := range named {
		if code, kind, text := get("/" + name); code != 200 || text == "" || strings.HasPrefix(kind, "text/plain") {
			t.Errorf("%s: %d, %s", name, code, kind)
		}
	}
	for _, name := range scripts {
		if !named[path.Base(name)] {
			t.Errorf("nobody asks for %s", name)
		}
	}
	for name, text := range whole {
		for _, unwanted := range []string{"http://", "https://", "innerHTML", "document.write", "eval(", "<style", "onclick=\"", "@import"} {
			if strings.Contains(text, unwanted) {
				t.Errorf("%s holds %s", name, unwanted)
			}
		}
	}
	if code, _, _ := get("/nothing"); code != 404 {
		t.Error(code)
	}
}

// What draws the charts is what its makers have released, with its licence beside it.
func TestForeignFilesAreUnchanged(t *testing.T) {
	_, _, about := get("/uplot/about.txt")
	lines := regexp.MustCompile(`(?m)^([0-9a-f]{64})  (\S+)$`).FindAllStringSubmatch(about, -1)
	if len(lines) != 3 {
		t.Fatalf("%d files are named", len(lines))
	}
	for _, m := range lines {
		_, _, text := get("/uplot/" + m[2])
		if sum := sha256.Sum256([]byte(text)); hex.EncodeToString(sum[:]) != m[1] {
			t.Errorf("%s is another file: %x", m[2], sum)
		}
	}
	version := regexp.MustCompile(`^uPlot (\S+),`).FindStringSubmatch(about)
	if _, _, script := get("/uplot/uPlot.iife.min.js"); version == nil || !strings.Contains(script[:100], "(v"+version[1]+")") {
		t.Errorf("it is not the version %q", version)
	}
	if _, _, licence := get("/uplot/LICENSE"); !strings.Contains(licence, "MIT License") {
		t.Error("the licence is not beside it")
	}
}
