//go:build unix

package e2e

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestEvilNamesOnThePage delivers a file of such a name, has another one held, and looks at each view that names them.
func TestEvilNamesOnThePage(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	r := newRig(t, `to = ["acme"]`)
	r.write(r.inbox("b"+evil), "theirs")
	r.drop(evil, "content")
	r.drop("b"+evil, "ours")
	a, s := r.seen()
	b.open(s.address + "/signin?token=" + s.token)
	const spelt, ends = `\u001b[2J\u009b31m\u202egpj`, `msg=forged\u007f.txt`
	for _, view := range []struct {
		path  string
		shows []string
	}{
		{"", []string{"1 file waits for a person", "ba" + spelt, ends}},
		{"#/deliveries", []string{"1 delivery", "a" + spelt, ends}},
		{"#/explain?path=" + url.QueryEscape(r.outbox+"/"+evil), []string{"Receipts", "a" + spelt, ends}},
		{"#/log", []string{"msg=delivered", `\u202egpj`}},
	} {
		b.open(s.address + "/" + view.path)
		var text string
		eventually(t, fmt.Sprintf("the page shows %q", view.shows), time.Minute, func() bool {
			text = b.eval("document.body.innerText + [...document.querySelectorAll('[title]')].map(e => e.title).join('')")
			return !slices.ContainsFunc(view.shows, func(want string) bool { return !strings.Contains(text, want) })
		})
		harmless(t, fmt.Sprintf("%q of the page", view.path), text)
	}
	if code := a.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
