package notify

import (
	"slices"
	"time"
)

// The bounds of what is kept for one receiver.
const (
	mostQueued  = 100  // alerts that wait; then the least important one gives way
	mostOpen    = 1000 // troubles of which the end is told
	mostAtOnce  = 50   // alerts of one message
	longestText = 2000 // bytes of one text
)

// trouble is one that has not ended.
type trouble struct {
	Alert Alert     `json:"alert"`
	Told  time.Time `json:"told,omitzero"` // when it was last sent; zero: never yet

	over *Alert // it has ended while it was on its way
}

// desk decides what one receiver is told. It has no clock and no lock of its own.
type desk struct {
	on     []Event
	repeat time.Duration // an open trouble is told again after so long; 0 is never

	Open    map[string]*trouble `json:"open"`
	Queue   []Alert             `json:"queue"`
	Omitted int                 `json:"omitted"`

	out        []Alert // on their way
	outOmitted int
}

func (d *desk) wants(e Event) bool { return slices.Contains(d.on, e) }

// raise takes an alert, and tells whether there is something to send.
func (d *desk) raise(a Alert, now time.Time) bool {
	if !d.wants(a.Event) {
		return false
	}
	a.Text, a.Hint = shortened(a.Text), shortened(a.Hint)
	if a.Key == "" {
		return d.enqueue(a)
	}
	t, isOpen := d.Open[a.Key]
	switch {
	case isOpen && t.Alert.Event != a.Event: // it has become another one
		t.Alert, t.over = a, nil
	case isOpen && t.over != nil: // it has come back meanwhile
		t.over = nil
		return false
	case isOpen && (d.isUnderWay(a.Key) || !t.Told.IsZero() && (d.repeat <= 0 || now.Sub(t.Told) < d.repeat)):
		return false
	case isOpen && !a.Since.IsZero():
		a.Since = t.Alert.Since
	case !isOpen:
		if len(d.Open) >= mostOpen {
			d.forgetOne()
		}
		d.Open[a.Key] = &trouble{Alert: a}
	}
	return d.enqueue(a)
}

// forgetOne makes room for another trouble, of whose end people are to be told: of a single file's that matters least. What is not
// known to be open would be told anew at each look.
func (d *desk) forgetOne() {
	least, isFile := "", false
	for key, t := range d.Open {
		file := t.Alert.Event == Held || t.Alert.Event == Parked
		if least == "" || file && !isFile || file == isFile && t.Told.Before(d.Open[least].Told) {
			least, isFile = key, file
		}
	}
	delete(d.Open, least)
}

// clear ends a trouble, if it is open, and tells whether there is something to send. What was never sent is taken back.
func (d *desk) clear(key string, end Alert) bool {
	t, isOpen := d.Open[key]
	if !isOpen {
		return false
	}
	end.Event, end.Of, end.Key = Recovered, t.Alert.Event, key
	end.Folder, end.Destination, end.Path, end.PathB64 = t.Alert.Folder, t.Alert.Destination, t.Alert.Path, t.Alert.PathB64
	end.RemotePath, end.ID, end.Since = t.Alert.RemotePath, t.Alert.ID, t.Alert.Since
	d.Queue = slices.DeleteFunc(d.Queue, func(a Alert) bool { return a.Key == key && a.Event != Recovered })
	if slices.ContainsFunc(d.out, func(a Alert) bool { return a.Key == key }) {
		t.over = &end
		return false
	}
	delete(d.Open, key)
	return !t.Told.IsZero() && d.wants(Recovered) && d.enqueue(end)
}

func (d *desk) isUnderWay(key string) bool {
	is := func(a Alert) bool { return a.Key == key && a.Event != Recovered }
	return slices.ContainsFunc(d.Queue, is) || slices.ContainsFunc(d.out, is)
}

// enqueue makes room by what matters least: a delivery, which has its receipt, or else the oldest.
func (d *desk) enqueue(a Alert) bool {
	if len(d.Queue) >= mostQueued {
		i := max(0, slices.IndexFunc(d.Queue, func(a Alert) bool { return a.Event == Delivered }))
		d.Queue = slices.Delete(d.Queue, i, i+1)
		d.Omitted++
	}
	d.Queue = append(d.Queue, a)
	return true
}

// has tells whether something waits to be sent.
func (d *desk) has() bool { return len(d.Queue) > 0 || d.Omitted > 0 }

// take returns the oldest of what waits. They are on their way until sent or failed is called.
func (d *desk) take() (alerts []Alert, omitted int) {
	n := min(len(d.Queue), mostAtOnce)
	d.out = slices.Clone(d.Queue[:n])
	d.Queue = slices.Delete(d.Queue, 0, n)
	d.outOmitted, d.Omitted = d.Omitted, 0
	return d.out, d.outOmitted
}

// sent notes that what was taken has arrived.
func (d *desk) sent(now time.Time) {
	out := d.out
	d.out, d.outOmitted = nil, 0
	for i := range out {
		t := d.Open[out[i].Key]
		if t == nil || out[i].Event == Recovered {
			continue
		}
		t.Told = now
		if end := t.over; end != nil {
			delete(d.Open, out[i].Key)
			if d.wants(Recovered) {
				d.enqueue(*end)
			}
		}
	}
}

// failed puts back what was taken, but for what has ended meanwhile.
func (d *desk) failed() {
	out := d.out
	d.out = nil
	d.Omitted += d.outOmitted
	d.outOmitted = 0
	back := out[:0]
	for _, a := range out {
		t := d.Open[a.Key]
		if t == nil || t.over == nil || a.Event == Recovered {
			back = append(back, a)
			continue
		}
		if end := *t.over; !t.Told.IsZero() && d.wants(Recovered) { // an earlier message had it
			back = append(back, end)
		}
		delete(d.Open, a.Key)
	}
	queue := slices.Concat(back, d.Queue)
	d.Queue = nil
	for _, a := range queue {
		d.enqueue(a)
	}
}

// shortened cuts what would make a message too long.
func shortened(text string) string {
	if len(text) <= longestText {
		return text
	}
	n := longestText
	for n > 0 && text[n]&0xc0 == 0x80 { // not in the middle of a letter
		n--
	}
	return text[:n] + "..."
}
