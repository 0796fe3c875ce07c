package notify

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func newDesk(on ...Event) *desk {
	if len(on) == 0 {
		on = Events()
	}
	return &desk{on: on, repeat: 24 * time.Hour, Open: map[string]*trouble{}}
}

// send takes what waits and has it arrive.
func (d *desk) send(now time.Time) []string {
	alerts, _ := d.take()
	said := words(alerts)
	d.sent(now)
	return said
}

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

func TestATroubleIsToldOnceAndItsEndToo(t *testing.T) {
	d := newDesk()
	d.raise(blocked("acme"), moment)
	d.raise(blocked("acme"), moment)
	want(t, d.send(moment), "blocked: destination acme")
	if d.raise(blocked("acme"), moment.Add(time.Hour)) {
		t.Error("it is told again")
	}
	if !d.clear("destination:acme", Alert{At: moment.Add(2 * time.Hour), Text: "connected"}) {
		t.Error("its end is not told")
	}
	alerts, _ := d.take()
	want(t, words(alerts), "recovered (blocked): destination acme")
	if a := alerts[0]; a.Since != moment || a.Destination != "acme" || a.Text != "connected" {
		t.Errorf("%+v", a)
	}
	d.sent(moment)
	if d.clear("destination:acme", Alert{}) || d.has() {
		t.Error("its end is told twice")
	}
	d.raise(blocked("acme"), moment.Add(3*time.Hour))
	want(t, d.send(moment), "blocked: destination acme")
}

func TestATroubleThatGoesOnIsToldAgain(t *testing.T) {
	d := newDesk()
	d.raise(blocked("acme"), moment)
	d.send(moment)
	if d.raise(blocked("acme"), moment.Add(24*time.Hour-1)) {
		t.Error("too early")
	}
	d.raise(blocked("acme"), moment.Add(24*time.Hour))
	want(t, d.send(moment.Add(24*time.Hour)), "blocked: destination acme")
	d.repeat = 0
	if d.raise(blocked("acme"), moment.Add(240*time.Hour)) {
		t.Error("it is told again without repeat")
	}
}

func TestATroubleThatBecomesAnother(t *testing.T) {
	d := newDesk()
	d.raise(blocked("acme"), moment)
	d.send(moment)
	changed := blocked("acme")
	changed.Event = HostKeyChanged
	d.raise(changed, moment)
	want(t, d.send(moment), "host key changed: destination acme")
	d.clear("destination:acme", Alert{})
	want(t, d.send(moment), "recovered (host key changed): destination acme")
}

func TestWhatEndsBeforeItWasSentIsNeverTold(t *testing.T) {
	d := newDesk()
	d.raise(blocked("acme"), moment)
	d.clear("destination:acme", Alert{})
	if d.has() || len(d.Open) > 0 {
		t.Errorf("%+v", d)
	}
}

func TestWhatEndsOnItsWay(t *testing.T) {
	d := newDesk()
	d.raise(blocked("acme"), moment)
	d.take()
	d.clear("destination:acme", Alert{})
	d.failed()
	if d.has() || len(d.Open) > 0 {
		t.Errorf("it did not arrive, and waits again: %+v", d)
	}

	d.raise(blocked("acme"), moment)
	d.take()
	d.clear("destination:acme", Alert{})
	d.sent(moment)
	want(t, d.send(moment), "recovered (blocked): destination acme")

	d.raise(blocked("acme"), moment)
	d.take()
	d.clear("destination:acme", Alert{})
	d.raise(blocked("acme"), moment) // it has come back
	d.sent(moment)
	if d.has() || len(d.Open) != 1 {
		t.Errorf("it is open, and was told: %+v", d)
	}
}

func TestWhatFailedGoesFirst(t *testing.T) {
	d := newDesk()
	d.raise(parked("a"), moment)
	d.take()
	d.raise(parked("b"), moment)
	d.failed()
	want(t, d.send(moment), "parked: in/a to acme", "parked: in/b to acme")
}

func TestOnlyWhatIsWanted(t *testing.T) {
	d := newDesk(Parked)
	if d.raise(blocked("acme"), moment) || d.raise(Alert{Event: Delivered}, moment) || d.has() {
		t.Error("it takes what it does not want")
	}
	d.raise(parked("a"), moment)
	d.send(moment)
	if d.clear("file:a", Alert{}) || len(d.Open) > 0 {
		t.Error("it wants no ends")
	}
}

// A receiver that is dead for a year costs as much memory as one that is dead for a day.
func TestTheDeskHasABound(t *testing.T) {
	d := newDesk()
	long := strings.Repeat("ö", longestText)
	for i := range 5 * mostOpen {
		a := parked(fmt.Sprint(i))
		a.Text = long
		d.raise(a, moment)
		d.raise(Alert{Event: Delivered, Path: fmt.Sprint(i)}, moment)
	}
	if len(d.Queue) > mostQueued || len(d.Open) > mostOpen || d.Omitted != 10*mostOpen-mostQueued {
		t.Fatalf("%d wait, %d are open, %d are omitted", len(d.Queue), len(d.Open), d.Omitted)
	}
	if slices.ContainsFunc(d.Queue[:mostQueued-1], func(a Alert) bool { return a.Event == Delivered }) {
		t.Error("deliveries take the place of troubles")
	}
	if text := d.Queue[0].Text; len(text) > longestText+3 || !strings.HasSuffix(text, "ö...") {
		t.Errorf("a text of %d bytes: ...%q", len(text), text[len(text)-8:])
	}
	_, omitted := d.take()
	d.failed()
	if d.Omitted != omitted {
		t.Errorf("%d omitted, then %d", omitted, d.Omitted)
	}
	for d.has() {
		d.send(moment)
	}
	// However many files wait for a person: what is looked for again and again is told once.
	d.raise(blocked("acme"), moment)
	want(t, d.send(moment), "blocked: destination acme")
	for range 3 {
		if d.raise(blocked("acme"), moment.Add(time.Minute)) {
			t.Error("it is told at each look")
		}
	}
	d.clear("destination:acme", Alert{})
	want(t, d.send(moment), "recovered (blocked): destination acme")
	// What gave way is told when it is raised the next time.
	if !d.raise(parked("0"), moment) {
		t.Error("what was never told is not told any more")
	}
}

func TestPace(t *testing.T) {
	p := pace{interval: time.Minute, asked: moment}
	due := func(want time.Duration) {
		t.Helper()
		if got := p.due().Sub(moment); got != want {
			t.Errorf("due after %s, want %s", got, want)
		}
	}
	due(gather)
	p.sent(moment)
	due(time.Minute)
	p.asked = moment.Add(time.Hour)
	due(time.Hour + gather)
	for _, want := range []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second} {
		p.failed(moment, errTest)
		if got := p.again.Sub(moment); got != want {
			t.Errorf("again after %s, want %s", got, want)
		}
	}
	for range 100 {
		p.failed(moment, errTest)
	}
	if got := p.again.Sub(moment); got != longestRetry {
		t.Errorf("again after %s, want %s", got, longestRetry)
	}
	p.failed(moment, &laterError{errTest, 24 * time.Hour})
	if got := p.again.Sub(moment); got != longestAsked {
		t.Errorf("again after %s, want %s", got, longestAsked)
	}
	p.asked = moment
	due(longestAsked)
	p.sent(moment)
	p.failed(moment, &laterError{errTest, time.Millisecond})
	if got := p.again.Sub(moment); got != firstRetry {
		t.Errorf("again after %s, want %s", got, firstRetry)
	}
}
