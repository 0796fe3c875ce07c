package page

import (
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// All that the page names is there, and nothing of it is elsewhere or written into it: the content security policy would refuse that.
func TestPagesAreWhole(t *testing.T) {
	get := func(path string) (int, string, string) {
		w := httptest.NewRecorder()
		Pages().ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		return w.Code, w.Header().Get("Content-Type"), w.Body.String()
	}
	code, kind, index := get("/")
	if code != 200 || !strings.HasPrefix(kind, "text/html") {
		t.Fatal(code, kind)
	}
	for _, m := range regexp.MustCompile(`(?:src|href)="([^"#]+)"`).FindAllStringSubmatch(index, -1) {
		if code, kind, text := get("/" + m[1]); code != 200 || text == "" || strings.HasPrefix(kind, "text/plain") {
			t.Errorf("%s: %d, %s", m[1], code, kind)
		}
	}
	_, _, script := get("/page.js")
	_, _, style := get("/page.css")
	for name, text := range map[string]string{"the page": index, "the script": script, "the style": style} {
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
