package syncer

import (
	"bytes"
	"context"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// publish renames the verified temp to its final name. fresh says that the temp was verified in this session a moment
// ago; otherwise the intent comes from before a crash or a lost connection, and nobody knows whether the rename
// took place.
func (d *delivery) publish(ctx context.Context, fresh bool) (state.Proof, error) {
	if fresh && d.intent.Temp == "" { // it was written where it is to be
		return d.intent.Proof, nil
	}
	if k, err := d.respelled(ctx); err != nil || k != nil {
		if err != nil {
			return state.Proof{}, err
		}
		return d.respell(ctx, k)
	}
	temp, err := d.temp(ctx)
	if err != nil {
		return state.Proof{}, err
	}
	if fresh {
		proof, err := d.rename(ctx, temp, true)
		if err == nil && d.aside {
			err = d.clearAside(ctx)
		}
		return proof, err
	}
	found, err := d.recover(ctx, temp)
	if err != nil {
		return found.proof, err
	}
	proof := found.proof
	if !found.done {
		if proof, err = d.renameAgain(ctx, temp, &found); err != nil {
			return proof, err
		}
	}
	if d.aside || d.intent.Temp != "" && !d.session.Capabilities().PosixRename {
		// A replacement in two steps may have been cut off between them.
		err = d.clearAside(ctx)
	}
	return proof, err
}

// clear removes what a published file has left behind. A server that forbids that keeps it: the file is published.
func (d *delivery) clear(ctx context.Context, name string) error {
	err := d.session.Remove(ctx, name)
	if err != nil && remote.KindOf(err) == remote.Transient {
		return err
	}
	return nil
}

// rename publishes the temp over nothing or over our own earlier version, and over nothing else. fresh says that no other
// connection can have renamed it meanwhile: then a temp that is gone was not published.
func (d *delivery) rename(ctx context.Context, temp string, fresh bool) (state.Proof, error) {
	if fresh && d.free && d.session.Capabilities().RenameRefuses {
		// Nothing stood there, and should something by now, the server refuses: it need not be looked at again.
		err := d.session.Publish(ctx, temp, d.intent.Final, false)
		if err == nil || remote.KindOf(err) != remote.Exists {
			return d.intent.Proof, d.vanished(ctx, temp, err)
		}
	}
	standing, final, err := d.standing(ctx)
	if err == nil && standing != Free {
		err = d.collides(ctx)
	}
	if err != nil {
		return state.Proof{}, err
	}
	replace := standing == Ours
	if standing == Same || standing == Foreign || standing == Unseen {
		switch {
		case d.mayReplace(final):
			replace = true
		case standing == Unseen && d.session.Capabilities().RenameRefuses: // it shows whether anything is there
		case d.mayMoveAside(final):
			if err := d.moveAside(ctx); err != nil {
				return state.Proof{}, err
			}
		default:
			return state.Proof{}, d.conflict(ctx, final, nil, d.intent.Proof.SHA256)
		}
	}
	if replace {
		if err := d.saveAside(ctx); err != nil {
			return state.Proof{}, err
		}
	}
	err = d.session.Publish(ctx, temp, d.intent.Final, replace)
	if replace && !d.aside && remote.KindOf(err) == remote.Unsupported && !d.session.Capabilities().PosixRename {
		// A posix-rename has turned out to be missing: the other way has to be on record first.
		if err := d.saveAside(ctx); err != nil {
			return state.Proof{}, err
		}
		err = d.session.Publish(ctx, temp, d.intent.Final, replace)
	}
	if fresh || d.intent.MovedFrom != "" {
		err = d.vanished(ctx, temp, err)
	}
	if err != nil && remote.KindOf(err) == remote.Exists {
		info, statErr := d.session.Stat(ctx, d.intent.Final)
		if isRefusal(statErr) {
			info, statErr = remote.Info{Size: remote.Untold}, nil
		}
		if statErr == nil {
			return state.Proof{}, d.conflict(ctx, &info, nil, d.intent.Proof.SHA256)
		}
	}
	return d.intent.Proof, err
}

// vanished returns the error of a rename, or that its temp is gone where that is why. A move whose new directory cannot be
// had is not made either: the file is sent.
func (d *delivery) vanished(ctx context.Context, temp string, err error) error {
	if err == nil || remote.KindOf(err) != remote.Missing {
		return err
	}
	if d.intent.MovedFrom != "" {
		return &errNotPublished{temp, err}
	}
	if left, statErr := d.stands(ctx, temp); statErr == nil && left == nil {
		return &errNotPublished{temp, errVanished}
	}
	return err
}

// renameAgain publishes what an interrupted attempt has not.
func (d *delivery) renameAgain(ctx context.Context, temp string, found *recovery) (state.Proof, error) {
	proof, err := d.rename(ctx, temp, false)
	if err != nil {
		if found.witness == tempHidden && remote.KindOf(err) == remote.Missing { // which is what it could not be asked
			proof, _, err = d.withoutTemp(ctx, found.finding, found.final)
		}
		return proof, err
	}
	// Where temp and final are two names of one file already, a rename does nothing. What stands at an old name by
	// now may be anybody's.
	if d.intent.MovedFrom == "" {
		err = d.clear(ctx, temp)
	}
	return proof, err
}

// recovery is how far an interrupted publication came.
type recovery struct {
	proof state.Proof
	done  bool // the file is published
	witness
	finding
	final *remote.Info // nil where nothing is there that could be looked at
}

// recover finds out how far an interrupted publication came. The private temp is the witness: only our rename makes it
// vanish.
func (d *delivery) recover(ctx context.Context, name string) (r recovery, err error) {
	r.proof = d.intent.Proof
	if r.witness, err = d.look(ctx, name); err != nil {
		return r, err
	}
	if r.finding, r.final, err = d.find(ctx); err != nil {
		return r, err
	}
	if r.witness == tempGone {
		r.proof, r.done, err = d.withoutTemp(ctx, r.finding, r.final)
		return r, err
	}
	if err := d.collides(ctx); err != nil {
		return r, err
	}
	switch {
	case r.finding == published: // OpenSSH's plain rename is a link and an unlink: the crash came between them
		r.proof, r.done = d.publishedAs(r.final), true
		return r, d.clear(ctx, name)
	case r.witness == tempStands:
		err = d.verifyAgain(ctx, name)
		r.proof = d.intent.Proof
	case r.witness == tempDamaged:
		err = &errNotPublished{name, errOtherContent}
	}
	return r, err
}

// withoutTemp says what follows where the temp is gone.
func (d *delivery) withoutTemp(ctx context.Context, found finding, final *remote.Info) (proof state.Proof, done bool, err error) {
	proof = d.intent.Proof
	switch found {
	case published, republished:
		return d.publishedAs(final), true, nil
	case earlier:
		return proof, false, &errNotPublished{d.intent.Temp, errVanished}
	case foreign:
		return proof, false, d.conflict(ctx, final, nil, proof.SHA256)
	}
	if d.intent.MovedFrom != "" { // anybody may have removed the old name
		return proof, false, &errNotPublished{d.intent.Temp, errVanished}
	}
	if d.folder.HoldAmbiguous || !d.familiar || proof.HostKey != d.session.HostKey() {
		return proof, false, errAmbiguous
	}
	proof.Evidence, proof.Command = remote.Inferred, ""
	return proof, true, nil
}

// publishedAs is the proof of a file that is found published. Its time may be another, as where a server sets it.
func (d *delivery) publishedAs(final *remote.Info) state.Proof {
	proof := d.intent.Proof
	if final.Size != remote.Untold {
		proof.RemoteModTime = final.ModTime
	}
	return proof
}

// witness is what a recovery finds at the temp's name.
type witness int

const (
	tempGone    witness = iota
	tempStands          // and is to be verified again
	tempProved          // it has been, since it could not be looked at otherwise
	tempDamaged         // likewise
	tempHidden          // it cannot be told whether it is there
)

// look asks for the witness.
func (d *delivery) look(ctx context.Context, name string) (witness, error) {
	if name == "" {
		return tempGone, nil
	}
	temp, err := d.stands(ctx, name)
	moved := d.intent.MovedFrom != ""
	switch {
	case isRefusal(err) && moved: // then it is sent
		return tempGone, nil
	case isRefusal(err):
		like, err := d.compare(ctx, name, d.intent.Fingerprint.Size, d.intent.Proof.SHA256)
		return map[likeness]witness{likeNothing: tempGone, likeSame: tempProved, likeOther: tempDamaged, likeUnknown: tempHidden}[like], err
	case err != nil || temp == nil:
		return tempGone, err
	case moved && (temp.Size != d.intent.Fingerprint.Size || !near(temp.ModTime, d.intent.Proof.RemoteModTime, 0)):
		return tempGone, nil // another file has got the old name
	}
	return tempStands, nil
}

// verifyAgain proves a temp that was verified before a crash or a cut, which may have been one of the server's power: see
// demand. One that cannot be proved any more is sent again.
func (d *delivery) verifyAgain(ctx context.Context, temp string) error {
	proof, demand := &d.intent.Proof, d.folder.demand()
	if d.intent.MovedFrom == "" && (d.intent.Patched || !d.session.Capabilities().Fsync) { // else it lies at the server for long
		demand = remote.Content
	}
	_, evidence, err := d.session.Verify(ctx, temp, d.intent.Fingerprint.Size, proof.SHA256, demand)
	switch kind := remote.KindOf(err); {
	case err == nil && proof.Evidence == remote.SizeOnly:
		proof.Evidence, proof.Command = evidence.Kind, evidence.Command
	case kind == remote.Integrity, demand != d.folder.demand() && (kind == remote.Permission || kind == remote.Refused || kind == remote.Unsupported):
		return &errNotPublished{temp, err}
	}
	return err
}

// finding is what a recovery finds at the final name.
type finding int

const (
	absent      finding = iota
	published           // the file that T2 speaks of, and no earlier one
	republished         // the file that T2 speaks of, or an earlier one of ours with the same content
	earlier             // our earlier version: the rename did not take place
	foreign             // anything else
)

// find asks for what stands at the final name.
func (d *delivery) find(ctx context.Context) (finding, *remote.Info, error) {
	final, err := d.stands(ctx, d.intent.Final)
	switch {
	case isRefusal(err):
		return d.recogniseUnseen(ctx)
	case err != nil || final == nil:
		return absent, nil, err
	}
	found, err := d.recognise(ctx, final)
	return found, final, err
}

// recognise tells whether the final file is the one that T2 speaks of. The content must be the same, as far as the server
// shows it; yesterday's file may have had the same content, and then only the time tells them apart.
func (d *delivery) recognise(ctx context.Context, final *remote.Info) (finding, error) {
	proof := d.intent.Proof
	before, err := d.before(ctx)
	if err != nil {
		return foreign, err
	}
	same, err := d.isProof(ctx, final, before)
	if err != nil {
		return foreign, err
	}
	if !same {
		standing, err := d.judge(ctx, final, before)
		if err == nil && standing == Ours {
			return earlier, nil
		}
		return foreign, err
	}
	timeOfEarlier, repeated := before.with(proof.SHA256)
	switch ofThis, ofEarlier := near(final.ModTime, proof.RemoteModTime, 0), near(final.ModTime, timeOfEarlier, 0); {
	case !repeated, ofThis && !ofEarlier:
		return published, nil
	case ofEarlier && !ofThis:
		return earlier, nil
	}
	return republished, nil
}

// isProof tells whether the final file has the content that T2 speaks of. Where the server does not hash, size and time
// suffice; it is read back where the time is another, as where a server sets it anew, and where the version before looks
// the same: two of a second may. So it is where the server does not sync: a power cut there may have kept the name and lost
// the bytes. Size and time have to do if it may not be read there.
func (d *delivery) isProof(ctx context.Context, final *remote.Info, before earlierVersion) (bool, error) {
	proof := d.intent.Proof
	if !final.Mode.IsRegular() || final.Size != d.intent.Fingerprint.Size {
		return false, nil
	}
	sum, _, err := d.session.Hash(ctx, d.intent.Final, final.Size)
	looksRight := near(final.ModTime, proof.RemoteModTime, 0) && !before.looksLike(final, proof.SHA256)
	switch {
	case err == nil:
		return bytes.Equal(sum, proof.SHA256), nil
	case remote.KindOf(err) != remote.Unsupported:
		return false, err
	case looksRight && d.session.Capabilities().Fsync:
		return true, nil
	}
	_, _, err = d.session.Verify(ctx, d.intent.Final, final.Size, proof.SHA256, remote.Content)
	switch remote.KindOf(err) {
	case remote.Integrity, remote.Missing:
		return false, nil
	case remote.Permission: // it may be written to and not read
		return looksRight, nil
	}
	return err == nil, err
}
