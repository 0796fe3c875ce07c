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

	// A name that is no UTF-8 is asked for by its bytes, from wherever it stands on the page.
	const odd = "odd\xff.txt"
	r.drop(odd, "odd")
	r.arrives(odd, "odd")
	r.write(r.inbox("b"+odd), "theirs")
	r.drop("b"+odd, "ours")
	b.open(s.address + "/#/deliveries")
	const told = "odd\ufffd.txt"
	eventually(t, "it is among the deliveries", time.Minute, func() bool {
		b.eval(`document.querySelector('form').requestSubmit()`)
		return strings.Contains(b.eval("document.body.innerText"), told)
	})
	b.click(told)
	b.shows("SHA-256", "published: ", "All that is known of this file")
	b.click("All that is known of this file")
	b.shows("Receipts", "What happened on the way to acme", "seen for the first time")
	b.eval(`document.querySelector('form').requestSubmit()`) // the same once more
	b.shows("Receipts", "What happened on the way to acme")
	b.open(s.address + "/")
	b.shows("b"+told+" is held", "2 files wait for a person")
	b.eval(`[...document.querySelectorAll('.card')].find(c => c.innerText.includes('b` + told + `')).querySelector('a').click()`)
	b.shows("What can be done about it for acme", "held for a person: ")
	b.eval("window.confirm = () => true")
	b.click("Overwrite")
	b.shows("Overwrite: done", "Receipts")
	r.arrives("b"+odd, "ours")
	b.isContent(s.address)
	if code := a.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
