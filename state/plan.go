package state

import (
	"context"
	"errors"
	"fmt"

	"github.com/dropferry/dropferry/file"
)

// Plan is an intent to be recorded (T1).
type Plan struct {
	Intent     Intent // planned, or held or parked from the start
	Supersedes string // id of an intent that this one replaces; "" none
	Turn       Turn
	// Collides is the file whose name the destination takes for the intent's, which is held because of it; "" none.
	Collides file.Path
}

// PlanResult is what became of a Plan.
type PlanResult struct {
	OK    bool
	Other string // id of the intent that stands in the way, where OK is false
	// Collides is the file at the destination whose name it takes for the intent's, where OK is false.
	Collides *Known
}

// Plan records intents, each for itself: where one is refused, nothing changes for it and the others stand.
//
// One is refused where another open intent has the same destination and final name, and where the intent that it
// supersedes is committing or delivered, so that the world may have seen it. An intent that is superseded is removed
// and its temp queued to be swept; one that is gone already is no obstacle.
func (s *Store) Plan(ctx context.Context, plans []Plan) ([]PlanResult, error) {
	var all []PlanResult
	err := s.write(ctx, "plan", func(c *conn) error {
		all = make([]PlanResult, len(plans))
		for i := range plans {
			p, err := s.folds.plan(c, &plans[i])
			if err != nil {
				return fmt.Errorf("%s: %w", plans[i].Intent.ID, err)
			}
			all[i] = p
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range plans {
		if all[i].OK && plans[i].Supersedes != "" {
			s.attempts.forget(plans[i].Supersedes)
		}
	}
	return all, nil
}

func plan(c *conn, p *Plan) (PlanResult, error) {
	if p.Supersedes != "" {
		if other, err := supersede(c, p); other != "" || err != nil {
			return PlanResult{Other: other}, err
		}
	}
	if other, err := movingFrom(c, &p.Intent); other != "" || err != nil {
		return PlanResult{Other: other}, err
	}
	inserted, err := insertIntent(c, &p.Intent, &p.Turn)
	if err != nil || inserted {
		return PlanResult{OK: inserted}, err
	}
	other, err := inTheWay(c, &p.Intent, "")
	return PlanResult{Other: other}, err
}

// supersede removes the intent that p replaces, unless that or another one stands in the way; then it returns its id.
func supersede(c *conn, p *Plan) (other string, err error) {
	r, ok, err := c.one("SELECT phase FROM intents WHERE id = ?", p.Supersedes)
	if err != nil || !ok {
		return "", err
	}
	if phase := Phase(r.text(0)); phase == Committing || phase == Delivered {
		return p.Supersedes, nil
	}
	if other, err := inTheWay(c, &p.Intent, p.Supersedes); other != "" || err != nil {
		return other, err
	}
	_, err = abandon(c, p.Supersedes)
	return "", err
}

// inTheWay returns the id of the open intent, other than except, that holds in's final name; "" where there is none.
func inTheWay(c *conn, in *Intent, except string) (string, error) {
	r, ok, err := c.one(`SELECT id FROM intents
		WHERE destination = ? AND final = ? AND phase NOT IN ('delivered', 'cancelled') AND id <> ?`, in.Destination, in.Final, except)
	if err != nil || !ok {
		return "", err
	}
	return r.text(0), nil
}

// movingFrom returns the id of the open intent that is about to give in's file at the destination another name: until
// then nothing else may be published there. "" where there is none.
func movingFrom(c *conn, in *Intent) (string, error) {
	r, ok, err := c.one(`SELECT id FROM intents
		WHERE folder = ? AND destination = ? AND moved_from = ? AND moved_from <> '' AND phase NOT IN ('delivered', 'cancelled')`,
		in.Folder, in.Destination, in.Path)
	if err != nil || !ok {
		return "", err
	}
	return r.text(0), nil
}

// movable returns from, or "" where something is on its way for that path: then it is no file to be moved.
func movable(c *conn, r Route, from file.Path) (file.Path, error) {
	if from == "" {
		return "", nil
	}
	_, comes, err := c.one("SELECT 1 FROM intents WHERE folder = ? AND destination = ? AND path = ? AND phase NOT IN ('delivered', 'cancelled')",
		r.Folder, r.Destination, from)
	if comes || err != nil {
		return "", err
	}
	return from, nil
}

// insertIntent returns false where another open intent holds the final name.
//
// OR FAIL here and in the other inserts spares SQLite a journal for undoing one statement, which costs a copy of each
// page that it changes: an error ends the whole transaction in any case.
func insertIntent(c *conn, in *Intent, t *Turn) (bool, error) {
	if in.ID == "" || in.Version == "" {
		return false, errors.New("an intent needs an id and a version")
	}
	phase := in.Phase
	switch phase {
	case "":
		phase = Planned
	case Planned, Held, Parked:
	default:
		return false, fmt.Errorf("an intent cannot begin as %s", phase)
	}
	from, err := movable(c, in.Route, in.MovedFrom)
	if err != nil {
		return false, err
	}
	n, err := c.exec(`INSERT OR FAIL INTO intents (id, version, folder, destination, path, size, mtime, ctime, dev, ino,
			reason, final, temp, archive, ready_at, phase, next_attempt, last_error, source, moved_from, turn, place, dir,
			seen_at, settled_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (destination, final) WHERE phase NOT IN ('delivered', 'cancelled') DO NOTHING`,
		in.ID, in.Version, in.Folder, in.Destination, in.Path,
		in.Fingerprint.Size, in.Fingerprint.ModTime, in.Fingerprint.ChangeTime, in.Fingerprint.Dev, in.Fingerprint.Inode,
		in.Reason, in.Final, in.Temp, in.Archive, in.ReadyAt, phase, in.NextAttempt, in.LastError,
		in.Source, from, t.Kind, t.place(), t.dir(in.Path), in.SeenAt, in.SettledAt)
	return n == 1, err
}
