package state

import (
	"bytes"
	"context"
	"errors"
)

// Repair is an intent to send a file again because its copy at the destination is not what is known of it.
type Repair struct {
	Intent    Intent // planned, or held from the start; its final name is the known one
	Overwrite bool   // it may replace what stands at its final name
	Size      int64  // what was known of the file when its copy was looked at
	SHA256    []byte
	Turn      Turn
	Conflict  *Conflict // of one that is held from the start: what stands in its way; nil where that is not known
}

// RepairResult is what became of a Repair.
type RepairResult struct {
	OK    bool
	Stale bool   // something else is known of the file by now
	Other Intent // that stands in the way, where OK and Stale are false
}

var errNoOther = errors.New("the intent that stood in the way is gone")

// Repair records intents for files whose copies are damaged, each for itself. Where one is recorded, the content at the
// destination counts as unknown from then on: should the intent come to nothing, the next scan plans the file anew and
// does not take it for unchanged. One is refused where another intent, a cancelled one too, is about the file.
func (s *Store) Repair(ctx context.Context, repairs []Repair) ([]RepairResult, error) {
	var all []RepairResult
	err := s.write(ctx, "repair", func(c *conn) error {
		all = make([]RepairResult, len(repairs))
		for i := range repairs {
			result, err := repair(c, &repairs[i])
			if err != nil {
				return err
			}
			all[i] = result
		}
		return nil
	})
	return all, err
}

func repair(c *conn, r *Repair) (RepairResult, error) {
	in := &r.Intent
	row, ok, err := c.one("SELECT remote_path, size, sha256 FROM known WHERE folder = ? AND path = ? AND destination = ?",
		in.Folder, in.Path, in.Destination)
	if err != nil {
		return RepairResult{}, err
	}
	if !ok || row.text(0) != in.Final || row.int(1) != r.Size || !bytes.Equal(row.blob(2), r.SHA256) {
		return RepairResult{Stale: true}, nil
	}
	others, err := intents(c, selectOpenOfPath, in.Folder, in.Path, in.Destination)
	if err != nil || len(others) > 0 {
		return otherThan(others), err
	}
	planned, err := plan(c, &Plan{Intent: *in, Turn: r.Turn})
	if err != nil {
		return RepairResult{}, err
	}
	if !planned.OK {
		others, err := intents(c, selectIntent+"WHERE id = ?", planned.Other)
		if err == nil && len(others) == 0 {
			err = errNoOther
		}
		return otherThan(others), err
	}
	if r.Overwrite {
		if _, err := c.exec("UPDATE intents SET overwrite = 1 WHERE id = ?", in.ID); err != nil {
			return RepairResult{}, err
		}
	}
	if r.Conflict != nil {
		if err := saveConflict(c, in.ID, r.Conflict); err != nil {
			return RepairResult{}, err
		}
	}
	_, err = c.exec("UPDATE known SET racy = 1, sha256 = NULL WHERE folder = ? AND path = ? AND destination = ?",
		in.Folder, in.Path, in.Destination)
	return RepairResult{OK: err == nil}, err
}

func otherThan(others []Intent) RepairResult {
	if len(others) == 0 {
		return RepairResult{}
	}
	return RepairResult{Other: others[0]}
}

// ForgetAt removes what is known of a file on one route, where that is still what was there when it was looked at and
// nothing is under way for it. It returns false else.
func (s *Store) ForgetAt(ctx context.Context, x *Expected) (bool, error) {
	var n int64
	err := s.write(ctx, "forget "+string(x.Path), func(c *conn) (err error) {
		n, err = c.exec(`DELETE FROM known WHERE folder = ?1 AND path = ?2 AND destination = ?3 AND remote_path = ?4 AND size = ?5
			AND sha256 IS ?6 AND NOT EXISTS (
				SELECT 1 FROM intents WHERE folder = ?1 AND path = ?2 AND destination = ?3 AND phase <> 'delivered')
			AND NOT EXISTS (`+selectLeaves+`)`,
			x.Folder, x.Path, x.Destination, x.RemotePath, x.Size, x.SHA256)
		if err == nil && n > 0 {
			err = s.folds.free(c, x.Destination, x.RemotePath)
		}
		return err
	})
	return n > 0 && err == nil, err
}
