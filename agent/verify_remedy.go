package agent

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/syncer"
	"github.com/dropferry/dropferry/watcher"
)

// fault is a file that is not as it should be, with what is to be told of it.
type fault struct {
	*verified
	finding control.Finding
}

// fault words what was found of a file, and what a repair does about it.
func (v *verifier) fault(ctx context.Context, r *checkedRoute, f *verified) (fault, error) {
	x := f.expected
	finding := control.Finding{
		Type: f.kind, At: time.Now().UTC(), Folder: r.Folder, Destination: r.Destination, Path: string(x.Path), PathB64: raw(x.Path),
		RemotePath: x.RemotePath, Expected: expectedCopy(x, f.seen.want), Found: foundCopy(&f.seen), Reason: f.reason,
	}
	if x.Last != nil {
		finding.Delivery = x.Last.ID
	}
	if len(x.Intents) > 0 {
		finding.ID = x.Intents[0].ID
	}
	finding.Repair, finding.Hint = v.remedy(ctx, r, f)
	if f.kind == control.FoundTruncated && finding.Repair == control.RemedyUpload && v.options.Repair && f.seen.info.Size > 0 {
		// A smaller file may be somebody's, too.
		ours, err := r.begins(ctx, x, f.seen.info.Size)
		switch {
		case ctx.Err() != nil:
			return fault{}, ctx.Err()
		case err != nil:
			finding.Repair, finding.Hint = control.RemedyNone, "whether it is the beginning of ours could not be told: "+err.Error()
		case !ours:
			finding.Type, finding.Repair, finding.Hint = control.FoundDifferent, control.RemedyHold, ""
			finding.Reason += ", and they are not the beginning of ours"
		}
	}
	return fault{f, finding}, nil
}

// remedy tells what a repair does about a file, and what a person can do where it does nothing.
func (v *verifier) remedy(ctx context.Context, r *checkedRoute, f *verified) (remedy control.Remedy, hint string) {
	x := f.expected
	damaged := f.kind == control.FoundTruncated || f.kind == control.FoundDifferent
	switch {
	case f.kind == control.FoundUnreadable:
		return control.RemedyNone, "ask the server's owner to let the account read it"
	case !damaged && f.kind != control.FoundMissing:
		return control.RemedyNone, ""
	case x.Dir:
		return remedyOfDir(f.kind)
	case !keeps(r.folder):
		return control.RemedyNone, fmt.Sprintf("dropferry resend %s sends it again, if the source or its archived copy still holds it", x.Last.ID)
	case len(x.Intents) > 0:
		if x.Intents[0].Phase == state.Held && damaged && v.options.Overwrite && regular(f) {
			return control.RemedyOverwrite, ""
		}
		return control.RemedyNone, aboutIntent(&x.Intents[0])
	}
	local := r.watcher.Explain(x.Path)
	if why := notSendable(&local); why != "" {
		if f.kind == control.FoundMissing && hasLeft(ctx, v.store, r.folder, x, &local) {
			return control.RemedyForget, "it is gone here too: --repair forgets it"
		}
		return control.RemedyNone, "there is nothing to repair it from: " + why
	}
	switch {
	case f.kind == control.FoundMissing && r.folder.Mode == config.Outbox && !slices.Contains(v.named, r.Folder):
		return control.RemedyNone, "somebody may have taken it; --repair sends it again where the folder is named: folder:" + r.Folder
	case f.kind == control.FoundMissing:
		return control.RemedyUpload, ""
	case regular(f) && (v.options.Overwrite || syncer.OnConflict(r.folder.OnConflict) == syncer.OverwriteConflict):
		return control.RemedyOverwrite, ""
	case f.kind == control.FoundTruncated:
		return control.RemedyUpload, ""
	}
	return control.RemedyHold, ""
}

func regular(f *verified) bool { return f.seen.err == nil && f.seen.info.Mode.IsRegular() }

// aboutIntent says why a file is not repaired that waits for a person already.
func aboutIntent(i *state.Intent) string {
	switch i.Phase {
	case state.Held:
		return "it is held" + heldHint(i.ID)
	case state.Parked:
		return "it was given up: dropferry retry " + i.ID + " tries it again"
	case state.Cancelled:
		return "a person has cancelled what is here: it is sent when it changes"
	}
	return ""
}

// notSendable says why a local file cannot be sent, "" where it can.
func notSendable(local *watcher.Explanation) string {
	word, sentence := fate(*local)
	switch {
	case local.Err != nil:
		return local.Err.Error()
	case !local.Exists:
		return "the local file is gone"
	case word == "settling":
		return "" // it is waited for like any other
	}
	return sentence
}

// hasLeft tells whether a known file is gone from its folder, and not only out of sight.
func hasLeft(ctx context.Context, store *state.Store, f *config.Folder, x *state.Expected, local *watcher.Explanation) bool {
	return !local.Exists && local.Err == nil && local.Reason == "" && x.Known != nil &&
		syncer.HasLeft(ctx, store, &syncer.Folder{Name: f.Name, Root: f.Path, FollowLinks: f.Symlinks == config.FollowLinks},
			x.Path, x.Known.Fingerprint)
}

func expectedCopy(x *state.Expected, sum []byte) *control.Copy {
	if x.Dir {
		return &control.Copy{Kind: "directory"}
	}
	c := &control.Copy{Kind: "file", Size: x.Size, SHA256: hex.EncodeToString(x.SHA256)}
	if x.SHA256 == nil {
		c.SHA256 = hex.EncodeToString(sum)
	}
	switch {
	case x.Last != nil:
		c.ModTime = moment(x.Last.Proof.RemoteModTime)
	case x.Known != nil:
		c.ModTime = moment(x.Known.Fingerprint.Modified())
	}
	return c
}

func foundCopy(s *seen) *control.Copy {
	if s.err != nil && s.info == (remote.Info{}) {
		return nil
	}
	return &control.Copy{Kind: kindOf(s.info.Mode), Size: s.info.Size, ModTime: moment(s.info.ModTime), SHA256: hex.EncodeToString(s.sum)}
}
