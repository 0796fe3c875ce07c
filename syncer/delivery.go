package syncer

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/dropferry/dropferry/chunk"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// delivery takes one intent from where it stands to its end.
type delivery struct {
	store   Store
	session Session
	folder  *Folder
	intent  state.Intent
	now     func() time.Time
	observe Observer
	arrived func() // is told when an upload's bytes are all at the server, nil: nobody is
	began   time.Time

	careful  bool  // see remote.Upload
	sent     bool  // the temp was asked to be opened for writing
	resumed  bool  // the upload has gone on from a checkpoint
	reached  int64 // the last checkpoint of this attempt
	direct   bool  // the upload writes at the final name, and has begun
	aside    bool  // the earlier version was moved aside, or was about to be
	familiar bool  // the server and the account were seen before this session
	looked   bool  // what stands at the final name was looked at
	free     bool  // nothing did

	occupied *atomic.Bool // something stood at the last new name that was looked at; nil: nobody remembers

	alikes  *odds // of finding the content at the destination under another name; nil: none is looked for in vain
	growths *odds // of finding that a file that is larger begins with what it was; likewise

	whole    bool         // less than all of it is not tried to send: see delta.go, as for what follows
	cut      bool         // the connection was lost with it under way
	ours     bool         // what stands at the final name is the version that we have left there
	together bool         // the temp was put together at the server, and nothing was uploaded to it
	retemped bool         // an earlier temp waits to be swept
	index    *chunk.Index // of the source, where it is known
	indexing *indexing    // which is making one; nil: nothing is
	replaces []byte       // the content whose place this one takes, where that is known
	spared   int64        // bytes of the source that the server had already
	speeds   *speeds      // of the destination; nil: nothing is learned of it

	sum       []byte      // of the source, once it was needed: see sumOf
	comparing *comparison // of the source with the version before: see delta.go; nil: none is made

	names *turns // of final names: what is looked at under one does not go until that is done; nil: nothing is removed
}

// turn keeps the final name from being removed until it is given back.
func (d *delivery) turn() (end func()) {
	if d.names == nil {
		return func() {}
	}
	return d.names.wait(d.session.Capabilities().Folding().Key(d.intent.Final))
}

// errSuperseded says that the store has given the file to a newer intent meanwhile.
var errSuperseded = errors.New("superseded by a newer version")

// run does what is left of the protocol up to T3. Any error leaves the intent where it stands in the store.
func (d *delivery) run(ctx context.Context) error {
	fresh := false
	if d.intent.Phase == state.Planned {
		ended, err := d.send(ctx)
		if err != nil || ended {
			return err
		}
		fresh = true
	}
	return d.finish(ctx, fresh)
}

// finish does what is left from T2 on: see publish for fresh.
func (d *delivery) finish(ctx context.Context, fresh bool) error {
	defer d.turn()()
	proof, err := d.publish(ctx, fresh)
	if err != nil {
		return err
	}
	crashpoint("published")
	if fresh && !near(proof.RemoteModTime, d.intent.Fingerprint.Modified(), mtimeSlack) {
		// The server sets times by itself, and some do so when they rename: by its time we shall know our file again.
		if final, err := d.stands(ctx, d.intent.Final); err == nil && final != nil && final.Size == d.intent.Fingerprint.Size {
			proof.RemoteModTime = final.ModTime
		}
	}
	return d.receipt(ctx, proof)
}

// send uploads and verifies the temp and records T2. ended says that there was nothing to send after all.
func (d *delivery) send(ctx context.Context) (ended bool, err error) {
	if err := d.store.Begin(ctx, d.intent.ID, d.began); err != nil {
		return false, err
	}
	src, err := d.open()
	if err != nil {
		return false, err
	}
	defer src.Close() //nolint:errcheck // opened for reading: nothing is lost
	defer d.conclude()
	opened := d.now()
	if same, err := d.sameAsKnown(ctx, src, opened); err != nil || same {
		return same, err
	}
	if done, err := d.takeSpelling(ctx, src); err != nil || done {
		return false, err
	}
	if !d.mayLookMeanwhile() {
		if ended, err := d.lookFirst(ctx, src, opened); err != nil || ended {
			return ended, err
		}
	}
	d.tell(EventStarted)
	crashpoint("started")
	if done, err := d.moveOrCopy(ctx, src); err != nil || done {
		return false, err
	}
	if done, err := d.sendLess(ctx, src); err != nil || done {
		return false, err
	}
	if err := d.sendWhole(ctx); err != nil {
		return false, err
	}
	if err := d.beginDirect(ctx); err != nil {
		return false, err
	}
	sum, err := d.upload(ctx, src)
	if errors.Is(err, errStands) {
		if ended, err := d.lookFirst(ctx, src, opened); err != nil || ended {
			return ended, err
		}
		sum, err = d.upload(ctx, src)
	}
	if err != nil {
		if changed := src.Unchanged(); changed != nil && d.session.Err() == nil { // which is why
			err = changed
		}
		return false, err
	}
	if d.arrived != nil {
		d.arrived()
	}
	crashpoint("uploaded")
	if err := src.Unchanged(); err != nil {
		return false, err
	}
	proof, err := d.verify(ctx, sum)
	if err != nil {
		return false, err
	}
	crashpoint("verified")
	proof.Spared = d.spared
	if err := d.keepIndex(ctx, sum); err != nil {
		return false, err
	}
	return false, d.commit(ctx, proof)
}

// commit records T2: from here on the file may be visible.
func (d *delivery) commit(ctx context.Context, proof state.Proof) error {
	ok, err := d.store.Commit(ctx, d.intent.ID, proof)
	if err != nil {
		return err
	}
	if !ok {
		return errSuperseded
	}
	crashpoint("committed")
	d.intent.Phase, d.intent.Proof = state.Committing, proof
	d.intent.Attempts++
	return nil
}

// sameAsKnown compares a file that was touched with what the destination has, by hash, before anything is sent.
func (d *delivery) sameAsKnown(ctx context.Context, src *watcher.Source, opened time.Time) (bool, error) {
	if d.intent.Reason != string(ReasonChanged) {
		return false, nil
	}
	defer d.turn()()
	record, err := d.store.Lookup(ctx, d.intent.Folder, d.intent.Path)
	if err != nil {
		return false, err
	}
	known := knownOf(record, d.intent.Destination)
	if known != nil && d.intent.Temp == "" { // else an earlier attempt has written over what is known
		if _, begun, err := d.store.Unfinished(ctx, d.intent.Destination, d.intent.Final); err != nil || begun {
			return false, err
		}
	}
	if known == nil || !mayBeKnown(known, d.intent.Fingerprint, d.folder.endsStory()) {
		return false, nil
	}
	if same, err := d.isKnown(ctx, src, known); err != nil || !same {
		return false, err
	}
	if err := src.Unchanged(); err != nil {
		return false, err
	}
	ok, err := d.store.Unchanged(ctx, d.intent.ID, d.intent.Fingerprint, d.intent.Fingerprint.Racy(opened))
	if err == nil && ok {
		d.tell(EventUnchanged)
	}
	return true, err
}

// lookFirst looks at the final name before anything is sent: a conflict should not cost an upload, and a file that is
// there already is adopted.
func (d *delivery) lookFirst(ctx context.Context, src *watcher.Source, opened time.Time) (ended bool, err error) {
	defer d.turn()()
	d.looked = true
	standing, final, err := d.standing(ctx)
	d.free, d.ours = err == nil && standing == Free, err == nil && standing == Ours
	d.remember(!d.free)
	if err == nil && !d.free {
		err = d.collides(ctx)
	}
	if err != nil || standing == Free || standing == Ours {
		return false, err
	}
	if standing == Unseen && d.intent.Temp != "" {
		return false, nil // the rename shows it
	}
	sum, same, err := d.adoptable(ctx, src, standing, final)
	if err == nil && same {
		same, err = d.isAnotherFile(ctx)
	}
	switch {
	case err != nil:
		return false, err
	case !same && d.mayReplace(final):
		return false, nil
	case !same && d.mayMoveAside(final):
		if d.intent.Temp == "" { // it is written there at once
			err = d.moveAside(ctx)
		}
		return false, err
	case !same:
		ours, err := d.sumToTell(ctx, src)
		if err != nil {
			return false, err
		}
		return false, d.conflict(ctx, final, sum, ours)
	}
	if err := src.Unchanged(); err != nil {
		return false, err
	}
	ok, err := d.store.Adopt(ctx, d.intent.ID, state.Known{
		Route: d.intent.Route, Path: d.intent.Path, Fingerprint: d.intent.Fingerprint,
		Racy: d.intent.Fingerprint.Racy(opened), SHA256: sum, RemotePath: d.intent.Final,
	})
	if err == nil && ok {
		d.tell(EventAdopted)
	}
	return true, err
}

// adoptable tells whether the file at the final name is the one that is to be sent: by content, which also gives its hash, as the
// server tells it or as it is read back, else by size and time. An outbox that takes its files away once they are
// delivered adopts nothing: it must not do so for a file that it never sent.
func (d *delivery) adoptable(ctx context.Context, src *watcher.Source, standing Standing, final *remote.Info) (sum []byte, same bool, err error) {
	if d.folder.endsStory() || d.intent.Source != "" || !final.Mode.IsRegular() {
		return nil, false, nil
	}
	if final.Size == remote.Untold {
		return d.compareSource(ctx, src)
	}
	if final.Size != src.Size() {
		return nil, false, nil
	}
	believed := standing == Same && d.folder.demand() != remote.Content && !d.intent.Overwrite // a person who lets it be replaced takes it for another
	sum, _, err = contentOf(ctx, d.session, d.intent.Final, final.Size, d.readToAdopt(believed))
	switch {
	case err != nil:
		return nil, false, err
	case sum == nil:
		return nil, believed, nil
	}
	local, err := d.sumOf(ctx, src)
	return sum, bytes.Equal(sum, local), err
}

// readToAdopt is the size in bytes up to which a file is read back that may be the one that is to be sent.
func (d *delivery) readToAdopt(believed bool) int64 {
	switch {
	case d.folder.demand() == remote.Content:
		return readAny
	case believed, d.folder.demand() == remote.Size:
		return readNone
	}
	return readToKnow
}

// verify proves the temp.
func (d *delivery) verify(ctx context.Context, sum []byte) (state.Proof, error) {
	name := written(&d.intent)
	var err error
	if d.folder.FileMode != 0 {
		err = d.session.SetMode(ctx, name, d.folder.FileMode)
	}
	var info remote.Info
	var evidence remote.Evidence
	if err == nil {
		began := time.Now()
		info, evidence, err = d.session.Verify(ctx, name, d.intent.Fingerprint.Size, sum, d.demand())
		if err == nil && evidence.Kind == remote.RemoteHash && d.speeds != nil {
			d.speeds.hash.note(d.intent.Fingerprint.Size, time.Since(began))
		}
	}
	if err == nil {
		info, err = d.setTime(ctx, name, info)
	}
	if d.taken(err) {
		return d.takenProof(sum)
	}
	if err != nil {
		return state.Proof{}, err
	}
	if info.ModTime.IsZero() { // it cannot be looked at
		info.ModTime = d.intent.Fingerprint.Modified()
	}
	return state.Proof{
		SHA256: sum, Evidence: evidence.Kind, Command: evidence.Command,
		RemoteModTime: info.ModTime, HostKey: d.session.HostKey(),
	}, nil
}

// setTime sets the time of a file that was verified, where it has not got it with the upload.
func (d *delivery) setTime(ctx context.Context, name string, info remote.Info) (remote.Info, error) {
	at := d.intent.Fingerprint.Modified()
	if near(info.ModTime, at, 0) || !d.session.Capabilities().SetTimes {
		return info, nil
	}
	if err := d.session.SetModTime(ctx, name, at); err != nil {
		return info, err
	}
	if set, err := d.session.Stat(ctx, name); err == nil {
		return set, nil
	} else if kind := remote.KindOf(err); kind == remote.Transient || kind == remote.Missing {
		return info, err
	}
	if d.session.Capabilities().SetTimes { // it was not refused, by a server that tells nothing of a file that is closed
		info.ModTime = at
	}
	return info, nil
}

// receipt records T3.
func (d *delivery) receipt(ctx context.Context, proof state.Proof) error {
	at := d.now()
	attempts := max(d.intent.Attempts, 1)
	started := d.intent.StartedAt
	if started.IsZero() {
		started = d.began
	}
	left, err := d.leftUnder(ctx)
	if err != nil {
		return err
	}
	ok, err := d.store.Deliver(ctx, d.intent.ID, state.Deliver{
		At: at, Keep: !d.folder.endsStory() || d.intent.Source != "", Racy: d.intent.Fingerprint.Racy(d.intent.ReadyAt),
		Fingerprint: d.intent.Fingerprint, Proof: proof, Attempts: attempts,
	})
	if err != nil {
		return err
	}
	if !ok {
		return errSuperseded
	}
	crashpoint("delivered")
	d.tellLeft(left)
	e := eventOf(EventDelivered, &d.intent)
	e.At = at
	e.Receipt = &state.Delivery{
		ID: d.intent.ID, Route: d.intent.Route, Path: d.intent.Path, RemotePath: d.intent.Final,
		Size: d.intent.Fingerprint.Size, Proof: proof, Attempts: attempts, StartedAt: started, DeliveredAt: at,
	}
	d.observe(e)
	return nil
}

func (d *delivery) tell(t EventType) {
	e := eventOf(t, &d.intent)
	e.At = d.now()
	d.observe(e)
}

// A progress event comes after so many bytes, and on a slow way after so much time.
const (
	progressStep  = 1 << 20
	progressEvery = time.Second
)

func (d *delivery) progress() func(int64) {
	told, at := int64(0), time.Now()
	return func(sent int64) {
		now := time.Now()
		if sent-told < progressStep && sent != d.intent.Fingerprint.Size && now.Sub(at) < progressEvery {
			return
		}
		crashpoint("uploading")
		told, at = sent, now
		e := eventOf(EventProgress, &d.intent)
		e.At, e.Sent = d.now(), sent
		d.observe(e)
	}
}
