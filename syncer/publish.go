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
	if fresh {
		return d.rename(ctx)
	}
	proof, done, err := d.recover(ctx)
	if err == nil && !done {
		proof, err = d.rename(ctx)
	}
	if err == nil && !d.session.Capabilities().PosixRename {
		// A replacement in two steps may have been cut off between them.
		err = d.session.Remove(ctx, remote.BackupName(d.intent.Temp))
	}
	return proof, err
}

// rename publishes the temp over nothing or over our own earlier version, and over nothing else.
func (d *delivery) rename(ctx context.Context) (state.Proof, error) {
	standing, final, err := d.standing(ctx)
	if err != nil {
		return state.Proof{}, err
	}
	switch standing {
	case Same, Foreign:
		return state.Proof{}, conflict(d.intent.Final, final)
	}
	err = d.session.Publish(ctx, d.intent.Temp, d.intent.Final, standing == Ours)
	if err != nil && remote.KindOf(err) == remote.Exists {
		if info, statErr := d.session.Stat(ctx, d.intent.Final); statErr == nil {
			return state.Proof{}, conflict(d.intent.Final, &info)
		}
	}
	return d.intent.Proof, err
}

// recover finds out how far an interrupted publication came. The private temp is the witness: only our rename makes it
// vanish. done says that the file is published.
func (d *delivery) recover(ctx context.Context) (proof state.Proof, done bool, err error) {
	proof = d.intent.Proof
	_, tempErr := d.session.Stat(ctx, d.intent.Temp)
	if tempErr != nil && remote.KindOf(tempErr) != remote.Missing {
		return proof, false, tempErr
	}
	final, finalErr := d.session.Stat(ctx, d.intent.Final)
	if finalErr != nil && remote.KindOf(finalErr) != remote.Missing {
		return proof, false, finalErr
	}
	published := false
	if finalErr == nil {
		if published, err = d.isProof(ctx, final); err != nil {
			return proof, false, err
		}
	}
	switch {
	case tempErr == nil && published:
		// OpenSSH's plain rename is a link and an unlink: the crash came between them.
		return proof, true, d.session.Remove(ctx, d.intent.Temp)
	case tempErr == nil:
		_, _, err := d.session.Verify(ctx, d.intent.Temp, d.intent.Fingerprint.Size, proof.SHA256, d.folder.demand())
		return proof, false, err
	case published:
		return proof, true, nil
	case finalErr == nil:
		return proof, false, conflict(d.intent.Final, &final)
	case d.folder.HoldAmbiguous:
		return proof, false, errAmbiguous
	}
	proof.Evidence, proof.Command = remote.Inferred, ""
	return proof, true, nil
}

// isProof tells whether the final file is the one that T2 speaks of: by size and time, and by content where the server
// can tell. An earlier version of ours with the same content has its own time, unless the server keeps none.
func (d *delivery) isProof(ctx context.Context, final remote.Info) (bool, error) {
	proof := d.intent.Proof
	if final.Size != d.intent.Fingerprint.Size || !near(final.ModTime, proof.RemoteModTime, 0) {
		return false, nil
	}
	sum, _, err := d.session.Hash(ctx, d.intent.Final, final.Size)
	if err != nil {
		if remote.KindOf(err) == remote.Unsupported {
			return true, nil
		}
		return false, err
	}
	return bytes.Equal(sum, proof.SHA256), nil
}
