package syncer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// PutStore is what a Put needs of the state.
type PutStore interface {
	Store
	Intents(ctx context.Context, folder, destination string, limit int, phases ...state.Phase) ([]state.Intent, error)
	Measure(ctx context.Context, id string, print file.Fingerprint) (bool, error)
}

// Put is one upload that a person or a script asks for, outside any folder. It goes through the same protocol as every
// delivery: an intent, a temp, its verification, the rename, a receipt. What differs is whose wish it is: each Put is a
// new one, so that nothing but what stands at the final name decides whether anything is sent.
//
// Its store may be shared with other Puts at work at the same moment. Each works on one final name of one destination,
// which Hold keeps to it.
type Put struct {
	Store       PutStore
	Destination Destination // by the name under which the store keeps what it knows of the server
	Publishing  Publishing
	Final       string // remote path

	Path   file.Path // what receipts call the source
	Source string    // operating system's path of a regular file, absolute and with no link in it; "" with Stream
	Stream io.Reader // what is sent where that is no file

	Overwrite  bool // replace what stands at the final name
	AllowEmpty bool // a stream without a byte is meant
	Expect     Expectation

	Verify          remote.Demand
	CheckpointBytes int64 // of a file; a stream's are bounded by its window
	CheckpointEvery time.Duration
	Retry           Retry
	Patience        time.Duration // without progress that the server has acknowledged, from the first failure on

	// Hold keeps a final name to this process. An error says that another has it.
	Hold    func(final string) (release func() error, err error)
	Observe Observer // nil hears nothing
	Now     func() time.Time
}

// Expectation is what is known beforehand of what is sent. Anything else is not published.
type Expectation struct {
	Size   int64  // bytes; below 0: not known
	SHA256 []byte // nil: not known
}

// PutResult is how a Put has succeeded.
type PutResult struct {
	Sent     bool           // else the same content stood at the final name
	Delivery state.Delivery // the receipt; without id and times where nothing was sent
}

// Errors of a Put besides those of the server, the store and the file.
var (
	ErrEmptyStream = errors.New("the stream is empty")
	ErrUnexpected  = errors.New("not what was expected")
	// ErrMayBePublished comes with the error of a Put that was given up between its rename and its receipt.
	ErrMayBePublished = errors.New("it may be published already: put it again, and what became of it is found out")
)

// OccupiedError says that something else stands at the final name.
type OccupiedError struct {
	Final  string
	What   string // with size and time
	IsFile bool   // it could be replaced
}

func (e *OccupiedError) Error() string { return fmt.Sprintf("%s holds %s", e.Final, e.What) }

const (
	// A stream's checkpoint is due after so many bytes, so that the window, which holds more, never fills before it.
	streamCheckpoint = 16 << 20
	streamWindow     = 24 << 20
	// leftAlone is how long a file whose upload was cut off may be put again and go on.
	leftAlone = 7 * 24 * time.Hour
	// interruptGrace is for requests under way when a Put is interrupted.
	interruptGrace = 2 * time.Second
)

// putFolder stands for the folder in intents and receipts.
const putFolder = "put"

// putting is a Put at work.
type putting struct {
	*Put
	link   *link
	folder *Folder
	random *rand.Rand

	print  file.Fingerprint // of the source
	sum    []byte           // of the source, once it was needed
	window *Window          // of the stream
	mark   remote.Mark      // of the stream
	intent state.Intent     // without an id as long as there is none
	before []state.Intent   // cut off between T2 and T3, to be brought to their end first
	result PutResult

	furthest int64         // that a checkpoint of the file has been
	failures int           // in a row, without progress between them
	since    time.Time     // of the first of them, later by what was waited for the stream since
	starved  time.Duration // that was waited for the stream, at the last failure

	trouble         trouble // what failed so far since it has come further
	resumed, sent   bool    // the last attempt: see delivery
	own, mismatches int     // failures of the file's own, and of them those where the server had other bytes
}

// Run sends the source and returns when it is published, or when that is given up. What was sent of a file is kept at the
// server where the next Put of the same file could go on from it; of a stream it is removed.
func (p *Put) Run(ctx context.Context) (PutResult, error) {
	if p.Now == nil {
		p.Now = time.Now
	}
	if p.Observe == nil {
		p.Observe = func(Event) {}
	}
	w := &putting{
		Put: p, random: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
		folder: &Folder{
			Name: putFolder, After: Keep, Verify: p.Verify, Retry: p.Retry, CheckpointBytes: p.CheckpointBytes,
			CheckpointEvery: p.CheckpointEvery, Delta: DeltaOff, Hint: func(file.Path) {},
		},
		link: &link{
			name: p.Destination.Name, dial: p.Destination.Dial, account: p.Destination.Account, secrets: p.Destination.Secrets,
			neverProbe: p.Destination.NeverProbe, shared: true, store: p.Store, now: p.Now, clock: newSteady(p.Now).now, observe: p.Observe,
		},
	}
	if err := w.start(ctx); err != nil {
		return PutResult{}, err
	}
	if p.Stream != nil {
		filling, stop := context.WithCancel(ctx)
		defer stop()
		w.window = NewWindow(streamWindow)
		go w.window.Fill(filling, p.Stream) // ends with its next read, which nobody can interrupt
	}
	err := w.run(ctx)
	return w.result, err
}

// start looks at the source and at what earlier Puts have left.
func (p *putting) start(ctx context.Context) error {
	if p.Stream == nil {
		src, print, err := OpenCopy(p.Source)
		if err != nil {
			return err
		}
		if err := src.Close(); err != nil {
			return err
		}
		if p.Expect.Size >= 0 && p.Expect.Size != print.Size {
			return fmt.Errorf("%s has %d bytes: %w", p.Source, print.Size, ErrUnexpected)
		}
		p.print = print
	}
	return p.takeOver(ctx)
}

// run makes attempts until one succeeds or no other is worth it.
func (p *putting) run(ctx context.Context) error {
	for {
		wait, err := p.attempt(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		if wait < 0 || ctx.Err() != nil {
			return p.leave(ctx, err)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// leave ends a Put that has failed for err. The intent of a stream is dropped, since nobody can go on with it, unless the
// stream may be published: what became of that is for the next Put to the name to find out.
func (p *putting) leave(ctx context.Context, err error) error {
	switch {
	case p.intent.ID == "":
		return err
	case p.intent.Phase == state.Committing && ctx.Err() == nil:
		return fmt.Errorf("%w; %w", err, ErrMayBePublished)
	case p.intent.Phase == state.Committing || p.Stream == nil:
		return err
	}
	return errors.Join(err, p.abandon(context.WithoutCancel(ctx), &p.intent))
}

// attempt makes one. It returns how long to wait before the next, below 0 where there shall be none.
func (p *putting) attempt(ctx context.Context) (wait time.Duration, err error) {
	if err := p.Store.Room(LeastRoom); err != nil {
		return noMore, err
	}
	session, familiar, err := p.link.connect(ctx)
	if err != nil {
		return p.afterConnect(ctx, err)
	}
	defer session.Close()
	err = p.use(ctx, session, familiar)
	if err == nil {
		return 0, nil
	}
	wait = p.after(ctx, session, err)
	cause := err
	if conflict, ok := errors.AsType[*errConflict](err); ok {
		err = &OccupiedError{Final: conflict.final, What: conflict.theirs, IsFile: conflict.ours != ""}
	}
	if wait < 0 && p.intent.ID != "" && (p.Stream != nil || ctx.Err() == nil && !mayGoOn(err)) && p.isUnpublished(ctx, session, cause) {
		err = errors.Join(err, p.clear(ctx, session))
	}
	return wait, err
}

// mayGoOn tells whether the next Put of the same file goes on where this one has given up for err.
func mayGoOn(err error) bool {
	e, ok := errors.AsType[*remote.Error](err)
	return ok && e.Kind == remote.Transient
}

// clear removes what this Put has left at the server, and forgets it.
func (p *putting) clear(ctx context.Context, session Session) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), interruptGrace)
	defer cancel()
	if p.intent.Temp == "" {
		_, begun, err := p.Store.Unfinished(ctx, p.intent.Destination, p.intent.Final)
		if err != nil {
			return err
		}
		p.link.removeWritten(ctx, session, &outcome{intent: p.intent, direct: begun})
	}
	if err := p.abandon(ctx, &p.intent); err != nil {
		return err
	}
	return p.sweep(ctx, session)
}

// abandon drops an intent; its temp is queued to be swept.
func (p *putting) abandon(ctx context.Context, i *state.Intent) error {
	if i.Phase == state.Committing {
		f := state.Failure{Err: "abandoned", At: p.link.clock(), Phase: state.Held}
		if err := p.Store.Fail(ctx, i.ID, f); err != nil {
			return err
		}
	}
	_, err := p.Store.Drop(ctx, i.ID)
	*i = state.Intent{}
	return err
}

func (p *putting) sweep(ctx context.Context, session Session) error {
	if err := p.link.putBack(ctx, session, nil); err != nil {
		return err
	}
	for more := true; more; {
		var err error
		if more, err = p.link.sweep(ctx, session, nil); err != nil {
			return err
		}
	}
	return nil
}

// use does what is to be done over one session. An interruption is heeded until T2: from then on the file may be visible,
// and is brought to its end.
func (p *putting) use(ctx context.Context, session Session, familiar bool) error {
	under, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	store := &puttingStore{PutStore: p.Store, putting: p, interrupted: ctx.Err}
	stop := context.AfterFunc(ctx, func() {
		if !store.mayStop() {
			return
		}
		cancel()
		timer := time.NewTimer(interruptGrace)
		defer timer.Stop()
		select {
		case <-timer.C:
			session.Close() // a request hangs
		case <-session.Done():
		}
	})
	defer stop()
	if err := p.endEarlier(under, session, familiar); err != nil {
		return err
	}
	if err := p.sweep(under, session); err != nil {
		return err
	}
	d := p.delivery(store, session, familiar)
	d.intent = p.intent
	err := p.deliver(under, store, d)
	p.trouble.refused, p.resumed, p.sent = isRefusedUpload(err), d.resumed, d.sent
	if p.intent.ID != "" {
		p.intent = d.intent
	}
	return err
}

func (p *putting) delivery(store Store, session Session, familiar bool) *delivery {
	return &delivery{
		store: store, session: session, folder: p.folder, now: p.Now, observe: p.heard, began: p.Now(), familiar: familiar,
		careful: p.trouble.refused,
	}
}

// heard keeps the receipt on its way to the observer.
func (p *putting) heard(e Event) {
	if e.Type == EventDelivered && e.ID == p.intent.ID {
		p.result = PutResult{Sent: true, Delivery: *e.Receipt}
	}
	p.Observe(e)
}

// deliver takes the source from where its intent stands to its end.
func (p *putting) deliver(ctx context.Context, store *puttingStore, d *delivery) error {
	if d.intent.Phase == state.Committing {
		store.passed() // it may be visible
		return d.run(ctx)
	}
	if there, err := p.look(ctx, d); err != nil || there {
		return err
	}
	if p.Stream != nil {
		if some, err := p.begun(ctx, d.session); err != nil {
			return err
		} else if !some && !p.AllowEmpty {
			return ErrEmptyStream
		}
	}
	if p.intent.ID == "" {
		if err := p.plan(ctx); err != nil {
			return err
		}
		d.intent = p.intent
	}
	if p.Stream == nil {
		return d.run(ctx)
	}
	if err := p.send(ctx, d); err != nil {
		return err
	}
	return d.finish(ctx, true)
}

// plan records T1.
func (p *putting) plan(ctx context.Context) error {
	now := p.Now()
	id := file.NewID(now)
	i := state.Intent{
		ID: id, Version: file.NewID(now), Route: state.Route{Folder: putFolder, Destination: p.Destination.Name}, Path: p.Path,
		Fingerprint: p.print, Reason: string(ReasonNew), Final: p.Final, Temp: p.Publishing.temp(p.Final, id),
		Source: p.source(), ReadyAt: now, Phase: state.Planned, Overwrite: p.Overwrite,
	}
	results, err := p.Store.Plan(ctx, []state.Plan{{Intent: i}})
	if err != nil {
		return err
	}
	if !results[0].OK { // nobody else works on this name
		return fmt.Errorf("put %s: %s is at it", p.Final, results[0].Other)
	}
	p.intent = i
	return nil
}

// streamSource stands for the source of a stream's intent.
const streamSource = "-"

func (p *putting) source() string {
	if p.Stream != nil {
		return streamSource
	}
	return p.Source
}

// goesOn tells whether an intent is about the very file that is to be put.
func (p *putting) goesOn(i *state.Intent) bool {
	return p.Stream == nil && i.Source == p.Source && i.Fingerprint.Same(p.print)
}
