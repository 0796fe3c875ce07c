//go:build unix

package e2e

import (
	"strings"
	"testing"
	"time"
)

// TestPage looks at a running agent with a browser: what is going on, what needs a person and its remedy, each view, at the width
// of a phone too, and nothing from elsewhere.
func TestPage(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	r := newRig(t, "to = [\"acme\"]")
	const evil = "evil <img src=x onerror=fail()> é.txt"
	r.write(r.inbox("held.txt"), "theirs")
	r.write(r.at("private/secret"), "hunter2hunter2\n")
	r.outboxTo(r.acme()+r.dead("away"), "to = [\"acme\"]")
	r.write(r.config, r.configuration()+"\n[[notify]]\ntype = \"webhook\"\nurl = { file = \"private/secret\" }\n"+
		r.folder("other", r.mkdir("other"), "to = [\"away\"]"))
	r.drop(evil, "whatever")
	r.drop("held.txt", "ours")
	a, s := r.seen()

	// Without the token there is nothing.
	b.open(s.address + "/")
	b.shows("the token is missing or wrong")
	b.mu.Lock()
	b.troubles = nil // that it was refused
	b.mu.Unlock()
	b.open(s.address + "/signin?token=" + s.token)
	b.shows("1 file waits for a person", "held.txt is held", "Overwrite", "outbox", "acme")
	b.picture("overview")
	b.wide(390, "dark")
	b.picture("overview-phone-dark")
	b.fits("the overview")
	if names := b.eval(`[...document.querySelectorAll('button, input, select, summary, a, progress')].filter(x => !(x.textContent.trim() || x.getAttribute('aria-label') || x.labels?.length)).length`); names != "0" {
		t.Errorf("%s things have no name that could be read aloud", names)
	}
	b.wide(1200, "light")

	b.eval("window.confirm = () => true")
	b.click("Overwrite")
	b.shows("Overwrite: done, 1 changed", "All is well")
	r.arrives("held.txt", "ours")

	r.write(r.at("other/x.txt"), "x") // nobody listens there
	b.shows("Destination away is waiting", "Try away now")

	b.click("Deliveries")
	b.shows(evil, "2 deliveries")
	b.eval(`document.querySelector('input[name=path]').value = 'held*'; document.querySelector('form').requestSubmit()`)
	b.shows("1 delivery,")
	if strings.Contains(b.eval("document.body.innerText"), evil) {
		t.Error("the search finds what does not match")
	}
	b.click("held.txt")
	b.shows("SHA-256", "Host key", "Send again", "What happened", "found ready", "held for a person: ", "published: ", "by the last of 2 attempts")
	b.picture("delivery")
	b.wide(390, "light")
	b.fits("a delivery")
	b.wide(1200, "light")
	b.click("All that is known of this file")
	b.shows("What happened on the way to acme")
	b.click("Deliveries")
	b.shows("2 deliveries")
	b.eval(`document.querySelector('select[name=destination]').value = 'away'; document.querySelector('form').requestSubmit()`)
	b.shows("Nothing was delivered that matches")
	b.eval(`document.querySelector('select[name=failed]').value = 'true'; document.querySelector('form').requestSubmit()`)
	b.shows("Nothing that matches has failed")
	// By the keyboard: the first that Tab reaches leads over the head of the page, and leaves the view.
	b.call("Page.reload", map[string]any{}, nil)
	b.shows("Nothing that matches has failed")
	b.press("Tab", 9, "")
	b.press("Enter", 13, "\r")
	if at := b.eval(`document.activeElement.id + ' ' + location.hash.split('?')[0]`); at != "main #/deliveries" {
		t.Errorf("the keyboard is at %q", at)
	}
	b.press("Tab", 9, "")
	if at := b.eval(`document.activeElement.name`); at != "path" {
		t.Errorf("what follows is %q", at)
	}
	b.click("Destinations")
	b.shows("acme", "away", "posix-rename", "by its banner", "Nothing is known of the server yet", "Extensions that it announces", "asks the server anew")
	b.picture("destinations")
	b.open(s.address + "/#/explain?path=" + r.outbox + "/held.txt")
	b.shows("delivered", "Receipts", "What happened on the way to acme", "held for a person: ")
	b.picture("explain")
	b.click("Configuration")
	b.shows(`"stable_for": "200ms"`, "private/secret")
	b.click("Log")
	b.shows("msg=delivered")
	b.eval(`document.querySelector('input[name=only]').value = 'no such thing'; document.querySelector('input[name=only]').dispatchEvent(new Event('input'))`)
	b.shows("No line has that")
	b.eval(`document.querySelector('input[name=only]').value = ''; document.querySelector('input[name=only]').dispatchEvent(new Event('input'))`)
	b.picture("log")
	for _, view := range []struct{ name, shows string }{
		{"", "Destination away is waiting"}, {"deliveries", evil}, {"destinations", "posix-rename"}, {"explain", "Why was a file"}, {"configuration", `"stable_for"`}, {"log", "msg=delivered"},
	} {
		b.wide(390, "light")
		b.open(s.address + "/#/" + view.name)
		b.shows(view.shows)
		b.fits(view.name)
	}

	b.isContent(s.address)
	r.secrets = append(r.secrets, s.token, "hunter2hunter2")
	if code := a.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestPageMoves shows a transfer while it is under way.
func TestPageMoves(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	r := newRig(t, "to = [\"acme\"]")
	r.outboxTo(r.acme()+"bandwidth = \"1MiB\"\n", "to = [\"acme\"]")
	r.drop("large.bin", strings.Repeat("x", 8<<20))
	_, s := r.seen()
	b.open(s.address + "/signin?token=" + s.token)
	b.shows("Under way", "large.bin", "of 8.0 MiB", "/s", "left")
	first := b.eval("document.querySelector('progress').value")
	eventually(t, "the bar moves", time.Minute, func() bool { return b.eval("document.querySelector('progress')?.value ?? 'gone'") != first })
	b.picture("transfer")
}
