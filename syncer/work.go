package syncer

import (
	"context"
	"errors"
	"maps"
	"sync/atomic"
	"time"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

const (
	// queueAhead is how many intents are fetched from the store at once.
	queueAhead = 256
	// fileCost bounds what one file can take of the memory budget: its packets in flight.
	fileCost = 4 << 20
	// indexCost is about what the index of a file takes that is kept until it is published.
	indexCost = 512 << 10
	// memoryBudget bounds the packets in flight of all files of a link, in bytes: small files go up many at a time,
	// large ones few. Over a long line, where each spends its time waiting, farBudget does.
	memoryBudget = 32 << 20
	farBudget    = 64 << 20
)

// outcome is how a delivery has ended.
type outcome struct {
	intent   state.Intent  // as far as it came
	began    time.Time     // by the link's clock
	took     time.Duration // the attempt
	cost     int64         // see workload
	alone    bool          // nothing else was under way meanwhile
	careful  bool          // it asks for one thing at a time: see remote.Upload
	tight    bool          // the server had no room for it, or for the last file
	unfit    bool          // it was not begun, since the server says that it does not fit
	direct   bool          // see delivery, as for the next
	aside    bool
	sent     bool
	resumed  bool
	retemped bool
	whole    bool // see delivery, as for the next two
	cut      bool
	indexing *indexing
	reached  int64
	further  bool // than all attempts before it
	err      error
}

// workload is the deliveries of one session.
type workload struct {
	session  Session
	familiar bool // see delivery

	busy    map[string]bool // ids under way, in queue, or nothing for this run
	queue   []state.Intent  // fetched, not begun
	most    int             // files at once that a person wants, besides what all links share; 0 is any number
	passed  time.Time       // when small files behind large ones were last asked for in vain; zero: there may be some
	active  int
	large   int           // of them, files that are not small
	cost    atomic.Int64  // of them, in memory
	cheaper chan struct{} // has a token when it has become less
	results chan outcome

	// solo sends one file at a time until one has arrived: the last sessions were lost, and one file may be why.
	solo bool
	// oneFile sends one file at a time because the server may allow no more than one that is open: it denied suspect,
	// which shows alone whether that was the reason.
	oneFile   bool
	suspect   string
	manyFiles bool // that was not the reason

	// alone is the file that is sent with nothing beside it, since it was under way when several connections were lost.
	alone string

	full  bool  // the server had no room, and nothing has arrived since: one file at a time
	noFit error // why the last file was not begun that does not fit; nil since one has arrived
	unfit int   // how many were not begun so

	occupied atomic.Bool // see delivery

	sending context.Context  //nolint:containedctx // of the deliveries: it ends where they are broken off, to go on later
	swept   chan sweepResult // of the sweep under way; nil where there is none

	begun    bool // something
	rested   bool // there was nothing to do
	progress progress
	pause    error // why the destination can take nothing for now
	lost     error // what failed when the session was lost; nil too where nothing was under way
}

// work delivers over one session until it is lost, ctx ends, the destination cannot take anything, or nothing is left
// with once. Deliveries under way when ctx ends get the grace to finish.
func (l *link) work(ctx context.Context, session Session, familiar bool) *workload {
	deliveries, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	w := &workload{
		session: session, familiar: familiar, busy: maps.Clone(l.skip), results: make(chan outcome), cheaper: make(chan struct{}, 1), most: l.transfers, solo: l.cuts > 0, full: l.full != nil,
	}
	sending, stopSending := context.WithCancel(deliveries)
	defer stopSending()
	w.sending = sending
	l.sweepWanted, l.asides, l.ops.wanted = true, true, true
	ended, lost := ctx.Done(), session.Done()
	var grace <-chan time.Time
	old, keep := l.aging()
	defer keep()
	aged := false
	for {
		l.pulse.work()
		open, _ := l.gate.at(l.now())
		if !open && l.gate.schedule.StopAtEnd {
			stopSending()
		}
		draining := w.pause != nil || ctx.Err() != nil || session.Err() != nil || aged || !open
		finished, asked := l.noMoreComes(), l.clock()
		if !draining {
			l.startSweep(ctx, w)
			l.startOperations(ctx, session, asked)
			if err := l.fill(ctx, deliveries, asked, w); err != nil {
				w.pause = err
				continue
			}
			w.rested = w.rested || w.active == 0
		}
		if w.active == 0 && w.swept == nil && l.ops.running == nil &&
			(draining || (l.once && finished && !l.sweepWanted && !l.ops.wanted)) {
			if !w.begun && !w.rested && w.lost == nil { // there was work, and no time for any
				w.lost = session.Err()
			}
			return w
		}
		l.setBusy(w.active > 0 || l.ops.running != nil)
		next, stop, err := l.nextDue(ctx, asked, l.operationsAsked(asked))
		if err != nil && w.pause == nil {
			w.pause = err
		}
		edge, done := l.gate.edge(l.now())
		work := l.pulse.rest()
		select {
		case o := <-w.results:
			work()
			l.stopMoving(o.intent.ID)
			w.end(&o)
			if err := l.conclude(deliveries, w, &o); err != nil && w.pause == nil {
				w.pause = err
			}
		case <-w.cheaper:
		case r := <-w.swept:
			w.swept, l.sweepWanted = nil, l.sweepWanted || r.more
			l.leftWanted = l.leftWanted && session.Err() != nil
			if r.err != nil && w.pause == nil {
				w.pause = r.err
			}
		case r := <-l.ops.running:
			l.endOperations(deliveries, w, r)
		case <-l.wake:
			l.sweepWanted, l.ops.wanted, w.passed = true, true, time.Time{}
		case <-next:
			l.ops.wanted = true
		case <-l.comesNoMore(finished):
			l.ops.wanted = true
		case <-lost:
			lost = nil
		case <-ended:
			ended = nil
			timer := time.NewTimer(l.common().grace)
			defer timer.Stop()
			grace = timer.C
		case <-grace:
			cancel()
			session.Close()
		case <-old:
			aged = true
		case <-edge:
		}
		stop()
		done()
	}
}

// fill begins as many deliveries that were due at the moment asked as there is room for.
func (l *link) fill(ctx, deliveries context.Context, asked time.Time, w *workload) error {
	for {
		if w.full && w.unfit >= mostPasses {
			return w.noFit
		}
		some, err := l.queueUp(ctx, asked, w)
		if err != nil || !some {
			if ctx.Err() != nil {
				return nil
			}
			if err == nil && w.full && w.active == 0 { // nothing of what there is fits
				return w.noFit
			}
			return err
		}
		if err := l.store.Room(LeastRoom); err != nil {
			return err
		}
		if l.isSuspect(w.queue[0].ID) {
			if w.active > 0 {
				return nil // its turn comes when the others have ended
			}
			w.alone = w.queue[0].ID
		}
		l.begin(ctx, deliveries, w)
	}
}

// isSuspect tells whether a file was under way when several connections were lost in a row.
func (l *link) isSuspect(id string) bool {
	t := l.troubles[id]
	return t != nil && t.lost >= lossesBeforeWaiting
}

// begin starts the first delivery of the queue.
func (l *link) begin(ctx, deliveries context.Context, w *workload) {
	o := outcome{intent: w.queue[0], alone: w.single(), careful: l.isRefused(w.queue[0].ID)}
	o.whole = l.isSuspect(o.intent.ID)
	o.tight = w.full || remote.SaysFull(o.intent.LastError) // by an earlier run, it may be
	if t := l.troubles[o.intent.ID]; t != nil {
		o.tight = o.tight || t.full > 0
		o.cut = t.lost > 0
		o.indexing, t.indexing = t.indexing, nil
	}
	w.queue = w.queue[1:]
	w.begun = true
	w.active++
	if !isSmall(&o.intent) {
		w.large++
	}
	o.cost = costOf(&o.intent)
	w.cost.Add(o.cost)
	l.startMoving(&o.intent)
	go func() { // ends in a result, which work waits for
		l.deliver(ctx, deliveries, w, &o)
		w.results <- o
	}()
}

func costOf(i *state.Intent) int64 { return min(i.Fingerprint.Size, fileCost) }

// arrived takes a file off the books whose bytes are at the server, but for its index: others are sent while it is proved and
// published. Over a long line that takes longer than sending it.
func (w *workload) arrived(o *outcome) {
	kept := min(o.cost, indexCost)
	w.cost.Add(kept - o.cost)
	o.cost = kept
	select {
	case w.cheaper <- struct{}{}:
	default:
	}
}

// end takes a delivery off the books. Its id is free to be fetched again, if the store still holds it as due.
func (w *workload) end(o *outcome) {
	i := &o.intent
	if o.err != nil {
		w.passed = time.Time{} // it may be due again at once
	}
	if w.alone == i.ID {
		w.alone = ""
	}
	w.active--
	if !isSmall(i) {
		w.large--
	}
	w.cost.Add(-o.cost)
	delete(w.busy, i.ID)
}

// errNotBegun says that there was no session, or no time, left when a delivery's turn came.
var errNotBegun = errors.New("not begun")

// deliver runs one delivery, within the limit on files under way of all links.
func (l *link) deliver(ctx, deliveries context.Context, w *workload, o *outcome) {
	if give := l.common().slots.take(isSmall(&o.intent), ctx.Done(), w.session.Done()); give != nil {
		defer give()
	}
	l.ops.tree.RLock()
	defer l.ops.tree.RUnlock()
	if ctx.Err() != nil || w.session.Err() != nil {
		o.err = errNotBegun
		return
	}
	if o.err = l.mayBegin(ctx, &o.intent); o.err != nil {
		return
	}
	o.began = l.clock()
	if o.err = l.fits(deliveries, w, o); o.err != nil {
		o.unfit = remote.KindOf(o.err) == remote.DiskFull
		return
	}
	d := &delivery{
		store: l.store, session: w.session, folder: l.folderOf(&o.intent), intent: o.intent, now: l.now, began: l.now(),
		familiar: w.familiar, careful: o.careful, names: &l.ops.names, occupied: &w.occupied, alikes: &l.alikes, growths: &l.growths, speeds: &l.speeds,
		whole: o.whole, cut: o.cut, indexing: o.indexing,
		arrived: func() { w.arrived(o) },
		observe: func(e Event) {
			if e.Type == EventProgress {
				w.progress.note(e.ID, e.Sent, time.Now())
			}
			l.watchMoving(e)
		},
	}
	started := time.Now()
	o.err = d.run(w.sending)
	o.took = time.Since(started)
	o.intent, o.direct, o.aside = d.intent, d.direct, d.aside
	o.sent, o.resumed, o.reached, o.retemped, o.indexing = d.sent, d.resumed, d.reached, d.retemped, d.indexing
	if o.err == nil {
		l.lookAgain(&o.intent)
		l.ended(deliveries, &o.intent)
	}
}

func (l *link) setBusy(on bool) {
	if on {
		l.setState(LinkActive, nil, time.Time{})
		return
	}
	l.setState(LinkIdle, nil, time.Time{})
}
