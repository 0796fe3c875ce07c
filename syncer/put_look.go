package syncer

import (
	"context"
	"errors"
	"fmt"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// takeOver finds what is left of earlier Puts to the destination: what this one goes on with, what is to be brought to its
// end, and what nobody can go on with, which is dropped.
func (p *putting) takeOver(ctx context.Context) error {
	left, err := p.Store.Intents(ctx, "", p.Destination.Name, 0)
	if err != nil {
		return err
	}
	for i := range left {
		if left[i].Final == p.Final {
			err = p.takeOverOurs(ctx, &left[i])
		} else {
			err = p.takeOverOther(ctx, left[i].Final)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *putting) takeOverOurs(ctx context.Context, i *state.Intent) error {
	switch {
	case p.goesOn(i) && (i.Phase == state.Planned || i.Phase == state.Committing):
		temp, err := renewTemp(ctx, p.Store, i, p.link.clock()) // whatever has cut it off
		if err != nil {
			return err
		}
		i.Temp, i.Overwrite = temp, p.Overwrite
		p.intent = *i
	case i.Phase == state.Committing:
		p.before = append(p.before, *i)
	default:
		return p.abandon(ctx, i)
	}
	return nil
}

// takeOverOther drops what was left at another name, unless another process works there, or the same file may be put
// again.
func (p *putting) takeOverOther(ctx context.Context, final string) error {
	release, err := p.Hold(final)
	if err != nil {
		return nil //nolint:nilerr // somebody else sees to it
	}
	defer release() //nolint:errcheck // it ends with the process at the latest
	left, err := p.Store.Intents(ctx, "", p.Destination.Name, 0)
	if err != nil {
		return err
	}
	for i := range left { // again, since it may have ended meanwhile
		if left[i].Final != final || left[i].Phase == state.Committing || p.mayBePutAgain(&left[i]) {
			continue
		}
		if err := p.abandon(ctx, &left[i]); err != nil {
			return err
		}
	}
	return nil
}

func (p *putting) mayBePutAgain(i *state.Intent) bool {
	if i.Source == streamSource || p.Now().Sub(i.ReadyAt) > leftAlone {
		return false
	}
	print, _, err := file.Lstat(i.Source)
	return err == nil && print == i.Fingerprint
}

// endEarlier brings earlier Puts to this name to their end that were cut off when they may have been published. One that
// the server does not let end is dropped: what stands at the final name is looked at next.
func (p *putting) endEarlier(ctx context.Context, session Session, familiar bool) error {
	for len(p.before) > 0 {
		d := p.delivery(p.Store, session, familiar)
		d.intent = p.before[0]
		if err := d.run(ctx); err != nil {
			if ctx.Err() != nil || session.Err() != nil || isLocal(err) {
				return err
			}
			if err := p.abandon(ctx, &p.before[0]); err != nil {
				return err
			}
		}
		p.before = p.before[1:]
	}
	return nil
}

// isLocal tells whether an attempt has failed on this side, as where the store cannot be written.
func isLocal(err error) bool {
	return !errors.As(err, new(*remote.Error)) && !errors.As(err, new(*errConflict)) && !errors.As(err, new(*errNotPublished)) &&
		!errors.Is(err, errAmbiguous) && !errors.Is(err, errSuperseded)
}

// look looks at the final name before anything is sent. there says that the content stands there already.
func (p *putting) look(ctx context.Context, d *delivery) (there bool, err error) {
	d.intent.Final, d.intent.Destination = p.Final, p.Destination.Name
	d.intent.Overwrite, d.intent.Temp = p.Overwrite, p.temp(d)
	standing, final, err := d.standing(ctx)
	if err != nil || standing == Free {
		return false, err
	}
	there, err = p.holds(ctx, d.session, final)
	if there && d.intent.Temp == "" { // an attempt that was cut off has written it all
		err = p.Store.ClearUnfinished(ctx, p.Destination.Name, p.Final)
	}
	if err != nil || there || standing == Ours || standing == Unseen && d.intent.Temp != "" || d.mayReplace(final) {
		return there, err
	}
	return false, &OccupiedError{Final: p.Final, What: conflict(p.Final, final, nil).theirs, IsFile: final.Mode.IsRegular()}
}

// temp is the intent's, or of the kind that one is going to have.
func (p *putting) temp(d *delivery) string {
	if d.intent.ID != "" {
		return d.intent.Temp
	}
	return p.Publishing.temp(p.Final, "")
}

// holds tells whether the file at the final name has the content that is to be sent, by proof of it.
func (p *putting) holds(ctx context.Context, session Session, final *remote.Info) (bool, error) {
	if !final.Mode.IsRegular() {
		return false, nil
	}
	sum, size, err := p.content(ctx, final)
	if err != nil || sum == nil || final.Size != size && final.Size != remote.Untold {
		return false, err
	}
	info, evidence, err := session.Verify(ctx, p.Final, size, sum, remote.Content)
	if err != nil {
		switch remote.KindOf(err) {
		case remote.Integrity, remote.Permission, remote.Missing, remote.Refused, remote.Unsupported: // other, or not to be read
			return false, nil
		}
		return false, err
	}
	p.result = PutResult{Delivery: state.Delivery{
		Route: state.Route{Folder: putFolder, Destination: p.Destination.Name}, Path: p.Path, RemotePath: p.Final, Size: size,
		Proof: state.Proof{
			SHA256: sum, Evidence: evidence.Kind, Command: evidence.Command, RemoteModTime: info.ModTime, HostKey: session.HostKey(),
		},
	}}
	if p.intent.ID != "" { // somebody else was faster
		return true, p.abandon(ctx, &p.intent)
	}
	return true, nil
}

// content returns the hash and size of what is to be sent, nil where they are not known before it is sent. The file is
// only read where something of its size stands at the final name.
func (p *putting) content(ctx context.Context, final *remote.Info) ([]byte, int64, error) {
	switch {
	case p.Stream != nil && final.Size == remote.Untold && p.Expect.Size < 0:
		return nil, 0, nil
	case p.Stream != nil && final.Size == remote.Untold:
		return p.Expect.SHA256, p.Expect.Size, nil
	case p.Stream != nil:
		return p.Expect.SHA256, final.Size, nil
	case p.sum != nil || final.Size != p.print.Size && final.Size != remote.Untold:
		return p.sum, p.print.Size, nil
	}
	src, print, err := OpenCopy(p.Source)
	if err != nil {
		return nil, 0, err
	}
	defer src.Close() //nolint:errcheck // opened for reading
	sum, err := SumOf(ctx, src)
	if err != nil {
		return nil, 0, err
	}
	if print != p.print {
		return nil, 0, fmt.Errorf("read %s: %w", p.Source, watcher.ErrChanged)
	}
	if err := p.Expect.meets(print.Size, sum); err != nil {
		return nil, 0, err
	}
	p.sum = sum
	return sum, print.Size, nil
}
