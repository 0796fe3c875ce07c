//go:build unix

package e2e

import (
	"database/sql"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/samples"
	"github.com/dropferry/dropferry/state"
)

// past gives an agent that has not run yet the deliveries and the queues of the month before, and returns how many files that is.
func (r *rig) past(now time.Time) (files int) {
	r.t.Helper()
	store, err := state.Open(r.t.Context(), r.mkdir("state"))
	if err == nil {
		err = store.Close()
	}
	if err != nil {
		r.t.Fatal(err)
	}
	var rows []string
	busy := func(at time.Time) float64 { return 1 - math.Cos(float64(at.Hour())/24*2*math.Pi) } // at noon more than by night
	for at := now.Add(-30*24*time.Hour + 2*time.Hour); at.Before(now.Add(-time.Minute)); at = at.Add(23 * time.Minute) {
		size := int64(1<<20) + int64(6e6*busy(at)*(1.5+math.Sin(float64(len(rows)))))
		rows = append(rows, fmt.Sprintf("('past-%d', 'invoices', 'acme', 'past/%[1]d.xml', '/past/%[1]d.xml', %d, zeroblob(32), 'read-back', '', 0, '%s', 1, %d, %d)",
			len(rows), size, r.sshd.Fingerprints[0], at.Add(-time.Minute).UnixNano(), at.UnixNano()))
	}
	alter(r.t, filepath.Join(r.state, "dropferry.db"), `INSERT INTO deliveries (id, folder, destination, path, remote_path, size, sha256, evidence, command,
		remote_mtime, host_key, attempts, started_at, delivered_at) VALUES `+strings.Join(rows, ", "))
	keeper, err := samples.Open(filepath.Join(r.state, "samples"))
	step := time.Hour
	for at := now.Add(-30*24*time.Hour + 2*time.Hour); at.Before(now.Add(-time.Minute)) && err == nil; at = at.Add(step) {
		if now.Sub(at) < 25*time.Hour {
			step = 10 * time.Minute
		}
		n := float64(at.Unix() / 600)
		s := samples.Sample{At: at, Queued: int(busy(at) * (4 + 3*math.Sin(n*n/7)))}
		if hours := now.Sub(at).Hours(); hours > 3 && hours < 6 {
			s.Aside = 2
		}
		err = keeper.Note(s)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return len(rows)
}

// alter changes a store that nobody has open.
func alter(t *testing.T, store, query string) {
	t.Helper()
	db, err := sql.Open("sqlite", store)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), query)
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestPageCharts draws what was delivered and how much waited, over a day and over thirty, and tells it in numbers too.
func TestPageCharts(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	r := newRig(t, "to = [\"acme\"]")
	r.outbox = r.mkdir("invoices")
	r.configure(r.acme() + r.impostor("partner") + r.folder("invoices", r.outbox, "to = [\"acme\", \"partner:theirs\"]"))
	r.edit(`name = "rig"`, `name = "erp-prod-01"`)
	files := r.past(time.Now())
	r.write(r.inbox("2026-4711.xml"), "theirs")
	r.drop("2026-4712.xml", "twelve bytes")
	r.drop("2026-4711.xml", "ours")
	a, s := r.seen()
	a.wait("delivered")
	a.wait("held: a person has to decide")
	b.open(s.address + "/signin?token=" + s.token)
	b.wide(1200, "light")
	b.shows("Throughput", "Queue", "In the last 24 hours", "Destination partner is blocked", "at most ")
	b.eval(drawn)
	day := b.eval(`document.querySelector('figcaption').textContent`)
	b.wide(1100, "light")
	b.tidy(r)
	b.picture("page")
	b.wide(1200, "light")
	if n := b.eval(pixels); !isAbove(n, 100) {
		t.Errorf("the charts show %s pixels of their own colour", n)
	}
	b.click("30 days")
	b.shows("In the last 30 days " + fmt.Sprintf("%d files", files+1))
	if month := b.eval(`document.querySelector('figcaption').textContent`); month == day {
		t.Errorf("of a day and of a month it says: %s", day)
	}
	b.wide(1200, "dark")
	b.tidy(r)
	b.picture("page-dark")
	// Under the pointer it says what was then.
	b.eval(`document.querySelector('.charts').scrollIntoView()`) // what needs a person may take all of the screen above
	x := 300
	eventually(t, "the pointer shows a moment", time.Minute, func() bool { // a chart that is being drawn anew does not feel it
		x = 601 - x
		b.call("Input.dispatchMouseEvent", map[string]any{"type": "mouseMoved", "x": x, "y": b.number(`document.querySelector('.u-over').getBoundingClientRect().y + 50`)}, nil)
		return regexp.MustCompile(`:\d\d to .*/s, \d+ file`).MatchString(b.eval(`document.querySelector('figcaption').textContent`))
	})
	// The same in numbers, as a table with a header, which a screen reader reads.
	b.eval(`document.querySelector('details.numbers').open = true`)
	b.shows("Most for a person")
	if rows := b.eval(`document.querySelectorAll('details.numbers tbody tr').length`); rows != "31" && rows != "30" && rows != "32" {
		t.Errorf("%s days are told of", rows)
	}
	if label := b.eval(`document.querySelector('.canvas').getAttribute('aria-label')`); !regexp.MustCompile(`^Throughput: In the last 30 days \d+ files`).MatchString(label) {
		t.Errorf("who cannot see it is told %q", label)
	}
	b.wide(390, "dark")
	eventually(t, "the charts have the width of a phone", time.Minute, func() bool {
		wide := b.number(`Math.max(...[...document.querySelectorAll('.uplot')].map(x => x.getBoundingClientRect().width))`)
		return 250 <= wide && wide <= 390
	})
	b.fits("the charts")
	b.eval(`document.querySelector('details.numbers').open = false`)
	b.eval(`document.querySelector('.charts').scrollIntoView()`)
	b.tidy(r)
	b.picture("page-phone")
	b.eval("window.confirm = () => true")
	b.click("Try partner now")
	b.shows("Try partner now: done")
	b.click("Deliveries")
	b.shows("200 deliveries", "the newest 200")
	b.click("Show more")
	b.shows("400 deliveries", "the newest 400", "Show more")
	b.isContent(s.address)
	if code := a.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// impostor is the [[destination]] table of the rig's server under a key that it does not have.
func (r *rig) impostor(name string) string {
	r.t.Helper()
	table := replaced(r.t, r.acme(), `name = "acme"`, fmt.Sprintf("name = %q", name))
	return regexp.MustCompile(`(?m)^host_key = .*$`).ReplaceAllString(table, `host_key = ["SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"]`)
}

// tidy has a picture look alike each time that it is made: what is random in the texts of a rig stands for what people have.
func (b *browser) tidy(r *rig) {
	b.t.Helper()
	for _, c := range [][2]string{{r.sshd.Root, "/incoming"}, {r.dir, "/srv/erp"}, {fmt.Sprintf("%s:%d", r.sshd.Host, r.sshd.Port), "sftp.partner.example:22"}, {"(devel)", ""}} {
		b.eval(fmt.Sprintf(`(() => { const all = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT); while (all.nextNode()) all.currentNode.data = all.currentNode.data.replaceAll(%q, %q) })()`, c[0], c[1]))
	}
}

// drawn waits until the charts are there, and on the screen.
const drawn = `new Promise(done => { const look = () => document.querySelectorAll('.uplot canvas').length === 2 ? requestAnimationFrame(() => requestAnimationFrame(done)) : setTimeout(look, 20); look() })`

// pixels is how many pixels of the first chart are as blue as its line.
const pixels = `(() => { const c = document.querySelector('.uplot canvas'); const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0; for (let i = 0; i < d.length; i += 4) if (d[i + 2] > d[i] + 60 && d[i + 3] > 200) n++; return n })()`

// number returns the value of an expression in the page that is a number.
func (b *browser) number(expression string) float64 {
	b.t.Helper()
	n, err := strconv.ParseFloat(b.eval(expression), 64)
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return n
}

func isAbove(text string, least float64) bool {
	n, err := strconv.ParseFloat(text, 64)
	return err == nil && n > least
}
