package agent

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/syncer"
	"github.com/dropferry/dropferry/watcher"
)

// What one repairing command may hold: an agent takes no more than 64 KiB.
const (
	maxDamages     = 64
	maxDamageBytes = 24 << 10
)

// repair has the agent, or the store where none runs, repair what can be, and notes what has become of it.
func (v *verifier) repair(ctx context.Context, r *checkedRoute, faults []fault) error {
	if !v.options.Repair {
		return nil
	}
	var batch []*control.Finding
	var damages []control.Damage
	bytes := 0
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		o, err := Obey(ctx, v.config, control.Command{
			Verb: control.VerbRepair, Target: r.Folder + "/" + r.Destination, Damages: damages,
		})
		if err != nil {
			return fmt.Errorf("repair %s/%s: %w", r.Folder, r.Destination, err)
		}
		for i, done := range o.Repaired[:min(len(batch), len(o.Repaired))] {
			v.note(batch[i], done)
		}
		for _, p := range o.Pauses {
			if !slices.Contains(v.sum.Pauses, p) {
				v.sum.Pauses = append(v.sum.Pauses, p)
			}
		}
		batch, damages, bytes = nil, nil, 0
		return nil
	}
	for i := range faults {
		f := &faults[i]
		if f.finding.Repair == control.RemedyNone {
			continue
		}
		d := damageOf(f)
		n := 2 * (len(d.Path) + len(d.RemotePath) + len(d.Why))
		if len(batch) == maxDamages || len(batch) > 0 && bytes+n > maxDamageBytes {
			if err := flush(); err != nil {
				return err
			}
		}
		batch, damages, bytes = append(batch, &f.finding), append(damages, d), bytes+n
	}
	return flush()
}

func damageOf(f *fault) control.Damage {
	x := f.expected
	d := control.Damage{
		Path: []byte(x.Path), RemotePath: []byte(x.RemotePath), Size: x.Size, SHA256: x.SHA256, Remedy: f.finding.Repair,
	}
	switch {
	case d.Remedy == control.RemedyHold:
		d.Why, d.Found = bothSides(&f.finding), f.finding.Found
	case d.Remedy == control.RemedyUpload && f.kind == control.FoundTruncated: // it was found to be the beginning of ours
		d.Remedy = control.RemedyOverwrite
	}
	return d
}

// bothSides says what a person has to decide between.
func bothSides(f *control.Finding) string {
	there := article(f.Found.Kind)
	if f.Found.Kind == "file" {
		there += " of " + sized(f.Found)
	}
	return fmt.Sprintf("%s holds %s, and not what dropferry put there: %s", f.RemotePath, there, sized(f.Expected))
}

func sized(c *control.Copy) string {
	text := fmt.Sprintf("%d bytes", c.Size)
	if c.ModTime != nil {
		text += " from " + c.ModTime.Format("2006-01-02T15:04:05Z07:00")
	}
	if c.SHA256 != "" {
		text += ", SHA-256 " + c.SHA256
	}
	return text
}

// note counts and keeps what has become of a file.
func (v *verifier) note(f *control.Finding, done control.Repaired) {
	f.Outcome = done.Outcome
	if done.ID != "" {
		f.ID = done.ID
	}
	switch done.Outcome {
	case control.Planned:
		v.sum.Planned++
	case control.Held:
		v.sum.Held++
		f.Hint = "a person has to decide" + heldHint(done.ID)
	case control.Forgotten:
		v.sum.Forgotten++
	default:
		f.Hint = done.Reason
	}
}

// repair plans files again whose copies are damaged. What is known of them has to be what it was when they were looked at.
func (m *commander) repair(ctx context.Context, t target, damages []control.Damage, o *control.Outcome) error {
	folder, _ := m.config.Folder(t.Folder)
	if !keeps(folder) {
		return refused("folder %s does not keep what it has delivered: `dropferry resend ID` sends it again", t.Folder)
	}
	w, err := watcher.New(rulesOf(folder), nil)
	if err != nil {
		return fmt.Errorf("folder %s: %w", t.Folder, err)
	}
	o.Repaired = make([]control.Repaired, len(damages))
	var repairs []state.Repair
	var at []int
	for i := range damages {
		d := &damages[i]
		local := w.Explain(file.Path(d.Path))
		if d.Remedy == control.RemedyMkdir {
			if o.Repaired[i], err = m.makeAgain(ctx, t.Route, d, &local); err != nil {
				return err
			}
			continue
		}
		if d.Remedy == control.RemedyForget {
			if o.Repaired[i], err = m.forget(ctx, t.Route, d, &local); err != nil {
				return err
			}
			continue
		}
		if why := notSendable(&local); why != "" {
			o.Repaired[i] = control.Repaired{Outcome: control.NotDone, Reason: "there is nothing to repair it from: " + why}
			continue
		}
		in := syncer.Repair(t.Route, file.Path(d.Path), string(d.RemotePath), local.Fingerprint, m.now(), m.publishing(t.Destination))
		if d.Remedy == control.RemedyHold {
			in.Phase, in.LastError = state.Held, d.Why
		}
		turn, err := m.turn(t.Folder, in.Path, in.Fingerprint)
		if err != nil {
			return err
		}
		conflict, err := m.inTheWay(ctx, t.Route, d, &local)
		if err != nil {
			return err
		}
		repairs = append(repairs, state.Repair{
			Intent: in, Overwrite: d.Remedy == control.RemedyOverwrite, Size: d.Size, SHA256: d.SHA256, Turn: turn, Conflict: conflict,
		})
		at = append(at, i)
	}
	results, err := m.store.Repair(ctx, repairs)
	if err != nil {
		return err
	}
	var planned []state.Intent
	for i, result := range results {
		if result.OK {
			planned = append(planned, repairs[i].Intent)
		}
		if o.Repaired[at[i]], err = m.repaired(ctx, &repairs[i], &result); err != nil {
			return err
		}
	}
	for _, done := range o.Repaired {
		if done.Outcome != control.NotDone {
			o.Count++
		}
	}
	m.alive.Repairing(planned)
	return nil
}

// repaired words what has become of one file. One that is held is released where it may replace what is there.
func (m *commander) repaired(ctx context.Context, r *state.Repair, result *state.RepairResult) (control.Repaired, error) {
	other := &result.Other
	switch {
	case result.OK && r.Intent.Phase == state.Held:
		return control.Repaired{Outcome: control.Held, ID: r.Intent.ID}, nil
	case result.OK:
		return control.Repaired{Outcome: control.Planned, ID: r.Intent.ID}, nil
	case result.Stale:
		return control.Repaired{Outcome: control.NotDone, Reason: "it was sent or adopted meanwhile"}, nil
	case other.Phase == state.Held && other.Final == r.Intent.Final && r.Overwrite:
		_, err := m.store.Retry(ctx, state.Selection{ID: other.ID}, true)
		m.alive.Wake(other.Destination)
		return control.Repaired{Outcome: control.Planned, ID: other.ID}, err
	case aboutIntent(other) != "":
		return control.Repaired{Outcome: control.NotDone, ID: other.ID, Reason: aboutIntent(other)}, nil
	}
	return control.Repaired{Outcome: control.NotDone, ID: other.ID, Reason: "it is about to be sent"}, nil
}

// inTheWay is what stands in the way of a file that is to be held. The hash of ours is that of the known version, if that is still here.
func (m *commander) inTheWay(ctx context.Context, route state.Route, d *control.Damage, local *watcher.Explanation) (*state.Conflict, error) {
	if d.Remedy != control.RemedyHold || d.Found == nil {
		return nil, nil
	}
	x := &state.Conflict{Kind: state.ConflictOther}
	switch d.Found.Kind {
	case state.ConflictDir:
		x.Kind = state.ConflictDir
	case state.ConflictFile:
		x.Kind, x.Size = state.ConflictFile, d.Found.Size
		x.SHA256, _ = hex.DecodeString(d.Found.SHA256) // nothing where it is not known
		if d.Found.ModTime != nil {
			x.ModTime = *d.Found.ModTime
		}
	}
	known, found, err := m.store.ExpectedAt(ctx, route, file.Path(d.Path))
	if found && known.Known.Fingerprint.Same(local.Fingerprint) {
		x.Ours = known.SHA256
	}
	return x, err
}

// forget forgets a file that is gone on both sides.
func (m *commander) forget(ctx context.Context, route state.Route, d *control.Damage, local *watcher.Explanation) (control.Repaired, error) {
	folder, _ := m.config.Folder(route.Folder)
	x, found, err := m.store.ExpectedAt(ctx, route, file.Path(d.Path))
	if err == nil && found && hasLeft(ctx, m.store, folder, &x, local) && x.RemotePath == string(d.RemotePath) {
		found, err = m.store.ForgetAt(ctx, &x)
	} else {
		found = false
	}
	if !found {
		return control.Repaired{Outcome: control.NotDone, Reason: "it is here again"}, err
	}
	return control.Repaired{Outcome: control.Forgotten}, err
}
