//go:build unix

package e2e

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/state"
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
	// A link of another site signs in too.
	b.open("data:text/html," + url.PathEscape(`<a href="`+s.address+"/signin?token="+s.token+`">sign in</a>`))
	b.shows("sign in")
	b.click("sign in")
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
	b.shows("Overwrite: done", "All is well")
	r.arrives("held.txt", "ours")

	r.write(r.at("other/x.txt"), "x") // nobody listens there
	b.shows("Destination away cannot be used now", "Try away now")

	b.click("Deliveries")
	b.shows(evil, "2 deliveries")
	b.picture("deliveries")
	b.eval(`document.querySelector('input[name=path]').value = 'held*'; document.querySelector('form').requestSubmit()`)
	b.shows("1 delivery,")
	if strings.Contains(b.eval("document.body.innerText"), evil) {
		t.Error("the search finds what does not match")
	}
	b.click("held.txt")
	b.shows("SHA-256", "Host key", "Send again", "What happened", "planned", "held for a person: ", "published: ", "by the last of 2 attempts")
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
		{"", "Destination away cannot be used now"}, {"deliveries", evil}, {"destinations", "posix-rename"}, {"explain", "Why was a file"}, {"configuration", `"stable_for"`}, {"log", "msg=delivered"},
	} {
		b.wide(390, "light")
		b.open(s.address + "/#/" + view.name)
		b.shows(view.shows)
		b.fits(view.name)
		b.picture("phone-" + cmp.Or(view.name, "overview"))
	}

	b.isContent(s.address)
	r.secrets = append(r.secrets, s.token, "hunter2hunter2")
	if code := a.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestButtonsOfThePage presses each that a person may need, and looks at what has become of it.
func TestButtonsOfThePage(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	r := newRig(t, `to = ["acme"]`)
	mirror := "mode = \"mirror\"\ndelete = true\ndelete_delay = \"100ms\"\nto = [\"acme:%s\"]"
	r.configure(r.acme() + r.folder("outbox", r.outbox, `to = ["acme"]`) + r.folder("kept", r.mkdir("kept"), strings.ReplaceAll(mirror, "%s", "kept")) +
		r.folder("wiped", r.mkdir("wiped"), strings.ReplaceAll(mirror, "%s", "wiped")))
	r.write(r.at("kept/a.txt"), "a")
	r.write(r.at("wiped/a.txt"), "a")
	r.drop("usb/known.txt", "known")
	r.expect(0, "once")
	r.lose("../kept/a.txt", "../wiped/a.txt")
	names := []string{"asked.txt", "beside.txt", "left.txt"}
	for _, name := range names {
		r.write(r.inbox(name), "theirs")
		r.drop(name, "ours")
	}
	r.leave("former", "away")
	if runtime.GOOS == "linux" { // else nobody knows what is mounted
		alter(t, filepath.Join(r.state, "dropferry.db"), fmt.Sprintf("INSERT INTO mounts (folder, root, path) VALUES ('outbox', '%s', 'usb')", r.outbox))
	}
	a, s := r.seen()
	a.wait("held: a person has to decide")
	b.open(s.address + "/signin?token=" + s.token)
	b.eval("window.confirm = () => true")
	b.shows("Folder kept is halted", "Folder wiped is halted", "3 files wait for a person", "former to away has left the configuration")
	b.picture("needs")
	press := func(card, button string, shows ...string) {
		t.Helper()
		const find = `(() => { const c = [...document.querySelectorAll('.card, .buttons')].find(c => c.innerText.includes(%q) && [...c.querySelectorAll('button')].some(x => x.textContent === %q));
			[...c?.querySelectorAll('button') ?? []].find(x => x.textContent === %q)?.click(); return !!c })()`
		eventually(t, card+" has the button "+button, time.Minute, func() bool { return b.eval(fmt.Sprintf(find, card, button, button)) == "true" })
		b.shows(shows...)
	}
	press("former to away has left", "Do not send them", "Do not send them: done")
	if runtime.GOOS == "linux" {
		press("In outbox something is not mounted", "It is gone from outbox", "It is gone from outbox: done")
	}
	eventually(t, "both are over", time.Minute, func() bool {
		text := b.eval("document.body.innerText")
		return !strings.Contains(text, "has left the configuration") && !strings.Contains(text, "something is not mounted")
	})
	r.write(r.at("kept/a.txt"), "a")
	press("Folder kept is halted", "Look again at kept", "Look again at kept: done")
	press("Folder wiped is halted", "Remove 1 file", "Remove 1 file: done")
	eventually(t, "it is removed", time.Minute, func() bool { return tree(t, r.sshd.Dir)["wiped/a.txt"] == "" })
	press("asked.txt is held", "Try again", "Try again: done")
	press("beside.txt is held", "Keep both", "Keep both: done; it goes to "+r.sshd.Dir+"/beside.conflict-")
	press("left.txt is held", "Do not send", "Do not send: done", "1 file waits for a person")
	eventually(t, "it is published beside", time.Minute, func() bool {
		return len(slices.DeleteFunc(slices.Collect(maps.Keys(tree(t, r.sshd.Dir))), func(name string) bool { return !strings.HasPrefix(name, "beside.conflict-") })) == 1
	})
	press("outbox", "Pause outbox", "Pause outbox: done", "paused")
	r.drop("later.txt", "later")
	press("outbox", "Resume outbox", "Resume outbox: done")
	r.arrives("later.txt", "later")
	press("acme", "Pause acme", "Pause acme: done", "Resume acme")
	press("acme", "Resume acme", "Resume acme: done")

	// What a person reads about one file has the remedies, too.
	b.open(s.address + "/#/explain?path=" + url.QueryEscape(r.outbox+"/asked.txt"))
	b.shows("What can be done about it for acme")
	b.eval("window.confirm = () => true")
	b.click("Overwrite")
	b.shows("Overwrite: done", "Receipts")
	r.arrives("asked.txt", "ours")

	b.click("Deliveries")
	b.shows("later.txt")
	b.click("later.txt")
	b.shows("Send again", "seen for the first time", "had settled", "planned", "published: ")
	before := lines(a.text(), "msg=delivered")
	b.click("Send again")
	b.shows("Send again: done; it goes to " + r.sshd.Dir + "/later.txt")
	eventually(t, "it is sent again", time.Minute, func() bool { return lines(a.text(), "msg=delivered") == before+1 })
	b.click("Configuration")
	b.click("Load the file anew")
	b.shows("Load the file anew: done; nothing in it has changed")
	r.edit(`stable_for = "200ms"`, `stable_for = "300ms"`)
	b.click("Load the file anew")
	b.shows("Load the file anew: done; folder ")
	r.edit(`stable_for = "300ms"`, `stable_for = "300"`)
	b.click("Load the file anew")
	b.shows("Load the file anew: ", "is not a duration")
	b.isContent(s.address, "409 (Conflict)") // which is what it was answered
	if code := a.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// leave gives an agent that does not run a file which may be published on a route that is not in its configuration any more.
func (r *rig) leave(folder, destination string) {
	r.t.Helper()
	store, err := state.Open(r.t.Context(), r.state)
	if err != nil {
		r.t.Fatal(err)
	}
	in := state.Intent{
		ID: "left-behind", Version: "left-behind", Route: state.Route{Folder: folder, Destination: destination},
		Path: "a.txt", Reason: "new", Final: "/a.txt", Temp: "/.a.txt.part", ReadyAt: time.Now(),
	}
	_, err = store.Plan(r.t.Context(), []state.Plan{{Intent: in}})
	if err == nil {
		_, err = store.Commit(r.t.Context(), in.ID, state.Proof{SHA256: make([]byte, 32), Evidence: "read-back"})
	}
	if err = errors.Join(err, store.Close()); err != nil {
		r.t.Fatal(err)
	}
}

// TestPageMoves shows a transfer while it is under way.
func TestPageMoves(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	r := newRig(t, "to = [\"acme\"]")
	r.outboxTo(r.acme()+"bandwidth = \"1MiB\"\n", "to = [\"acme\"]")
	a, s := r.seen()
	b.open(s.address + "/signin?token=" + s.token)
	b.shows("All is well")
	r.drop("large.bin", strings.Repeat("x", 32<<20)) // which goes on until the end
	b.shows("Under way", "large.bin", "of 32.0 MiB", "/s", "left")
	first := b.eval("document.querySelector('progress').value")
	eventually(t, "the bar moves", time.Minute, func() bool { return b.eval("document.querySelector('progress')?.value ?? 'gone'") != first })
	b.picture("transfer")

	// A page that stands open for months finds the agent again, and says so where it may not ask any more.
	r.edit(`listen = "127.0.0.1:0"`, fmt.Sprintf("listen = %q", strings.TrimPrefix(s.address, "http://")))
	a.kill()
	b.shows("The agent does not answer: what is shown may be old.")
	a = r.watching()
	eventually(t, "the page follows again", time.Minute, func() bool { return b.eval(`document.getElementById('connection').textContent`) == "" })
	a.kill()
	b.shows("The agent does not answer: what is shown may be old.")
	b.call("Network.clearBrowserCookies", map[string]any{}, nil)
	r.watching()
	b.shows("This browser is not signed in any more: `dropferry page` prints the address")
}
