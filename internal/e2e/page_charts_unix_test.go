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
	for hours := 30*24 - 2; hours > 0; hours -= 1 + hours/36 {
		at := now.Add(-time.Duration(hours) * time.Hour)
		size := int64(8<<20) + int64(24e6*(1+math.Sin(float64(at.Hour())/24*2*math.Pi-2)))
		rows = append(rows, fmt.Sprintf("('past-%d', 'outbox', 'acme', 'past/%[1]d.csv', '/past/%[1]d.csv', %d, zeroblob(32), 'read-back', '', 0, '%s', 1, %d, %d)",
			hours, size, r.sshd.Fingerprints[0], at.Add(-time.Minute).UnixNano(), at.UnixNano()))
	}
	alter(r.t, filepath.Join(r.state, "dropferry.db"), `INSERT INTO deliveries (id, folder, destination, path, remote_path, size, sha256, evidence, command,
		remote_mtime, host_key, attempts, started_at, delivered_at) VALUES `+strings.Join(rows, ", "))
	keeper, err := samples.Open(filepath.Join(r.state, "samples"))
	for minutes := 30*24*60 - 90; minutes > 0 && err == nil; minutes -= 1 + minutes/60 {
		at := now.Add(-time.Duration(minutes) * time.Minute)
		s := samples.Sample{At: at, Queued: int(9 * (1 + math.Sin(float64(at.Unix()/600)/7)))}
		if hour := minutes / 60; hour > 3 && hour < 6 {
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
	r.outboxTo(r.acme()+r.impostor("partner"), "to = [\"acme\", \"partner:theirs\"]")
	files := r.past(time.Now())
	r.write(r.inbox("held.txt"), "theirs")
	r.drop("fresh.txt", "twelve bytes")
	r.drop("held.txt", "ours")
	a, s := r.seen()
	a.wait("delivered")
	a.wait("held: a person has to decide")
	b.open(s.address + "/signin?token=" + s.token)
	b.wide(1200, "light")
	b.shows("Throughput", "Queue", "In the last 24 hours", "Destination partner is blocked", "at most ")
	b.eval(drawn)
	day := b.eval(`document.querySelector('figcaption').textContent`)
	b.picture("charts")
	if n := b.eval(pixels); !isAbove(n, 100) {
		t.Errorf("the charts show %s pixels of their own colour", n)
	}
	b.click("30 days")
	b.shows("In the last 30 days " + fmt.Sprintf("%d files", files+1))
	if month := b.eval(`document.querySelector('figcaption').textContent`); month == day {
		t.Errorf("of a day and of a month it says: %s", day)
	}
	b.wide(1200, "dark")
	b.picture("charts-month-dark")
	// Under the pointer it says what was then.
	b.call("Input.dispatchMouseEvent", map[string]any{"type": "mouseMoved", "x": 300, "y": b.number(`document.querySelector('.u-over').getBoundingClientRect().y + 50`)}, nil)
	eventually(t, "the pointer shows a moment", time.Minute, func() bool {
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
	b.wide(390, "light")
	b.fits("the charts")
	b.eval(`document.querySelector('details.numbers').open = false`)
	b.eval(`document.querySelector('.charts').scrollIntoView()`)
	b.picture("charts-phone")
	if wide := b.number(`Math.max(...[...document.querySelectorAll('.uplot')].map(x => x.getBoundingClientRect().width))`); wide > 390 || wide < 250 {
		t.Errorf("at the width of a phone a chart is %g pixels wide", wide)
	}
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
