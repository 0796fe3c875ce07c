// Package fill gives a store a past: files that were delivered long ago, as many as a benchmark wants, without the time that
// delivering them takes.
//
// It knows nothing of what a delivery leaves in the store but where it stands. One real delivery is the pattern, and its rows
// are repeated for the others under their own names and fingerprints. So a store that is filled has what the program itself
// would have written.
package fill

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/dropferry/dropferry/file"
)

// File is one that was delivered.
type File struct {
	Path        file.Path
	Fingerprint file.Fingerprint
}

// Deliveries adds files to the store in stateDir, which nobody else has open. pattern is a path of its only delivery; what is
// added stands beside it, at the destination too.
func Deliveries(ctx context.Context, stateDir string, pattern file.Path, files iter.Seq[File]) (err error) {
	name := filepath.Join(stateDir, "dropferry.db")
	defer func() {
		if err != nil {
			err = fmt.Errorf("fill %s: %w", name, err)
		}
	}()
	u := url.URL{Scheme: "file", Path: name, RawQuery: "mode=rw&_pragma=synchronous(off)&_pragma=cache_size(-100000)"}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := fillIn(ctx, tx, pattern, files); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func fillIn(ctx context.Context, tx *sql.Tx, pattern file.Path, files iter.Seq[File]) error {
	known, err := rowOf(ctx, tx, "known", pattern)
	if err != nil {
		return err
	}
	receipt, err := rowOf(ctx, tx, "deliveries", pattern)
	if err != nil {
		return err
	}
	remote, ok := known.values["remote_path"].(string)
	if !ok || !strings.HasSuffix(remote, string(pattern)) {
		return fmt.Errorf("%s is at %v, which is no place that tells where others are", pattern, known.values["remote_path"])
	}
	root := strings.TrimSuffix(remote, string(pattern))
	at := time.Now().AddDate(0, -1, 0)
	for f := range files {
		for _, r := range []*row{known, receipt} {
			r.set("path", string(f.Path))
			r.set("remote_path", root+string(f.Path))
			r.set("size", f.Fingerprint.Size)
		}
		known.set("mtime", f.Fingerprint.ModTime)
		known.set("ctime", f.Fingerprint.ChangeTime)
		known.set("dev", int64(f.Fingerprint.Dev))
		known.set("ino", int64(f.Fingerprint.Inode))
		known.set("racy", 0)
		at = at.Add(time.Millisecond) // ids of one moment are few
		receipt.set("id", file.NewID(at))
		receipt.set("seq", nil) // the next one
		for _, r := range []*row{known, receipt} {
			if err := r.insert(ctx); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// row is a row of a table that is inserted again and again with other values.
type row struct {
	columns []string
	values  map[string]any
	again   *sql.Stmt
}

// rowOf returns the one row that a table has for a path.
func rowOf(ctx context.Context, tx *sql.Tx, table string, path file.Path) (*row, error) {
	found, err := tx.QueryContext(ctx, "SELECT * FROM "+table+" WHERE path = ?", string(path))
	if err != nil {
		return nil, err
	}
	defer found.Close() //nolint:errcheck // it was read to its end
	r := &row{values: map[string]any{}}
	if r.columns, err = found.Columns(); err != nil {
		return nil, err
	}
	n := 0
	for ; found.Next(); n++ {
		into := make([]any, len(r.columns))
		for i := range into {
			into[i] = new(any)
		}
		if err := found.Scan(into...); err != nil {
			return nil, err
		}
		for i, name := range r.columns {
			r.values[name] = *into[i].(*any)
		}
	}
	if err := found.Err(); err != nil {
		return nil, err
	}
	if n != 1 {
		return nil, fmt.Errorf("%s has %d rows of %s, want one", table, n, path)
	}
	r.again, err = tx.PrepareContext(ctx, fmt.Sprintf("INSERT INTO %s (%s) VALUES (?%s)", table, strings.Join(r.columns, ", "),
		strings.Repeat(", ?", len(r.columns)-1)))
	return r, err
}

func (r *row) set(column string, value any) { r.values[column] = value }

func (r *row) insert(ctx context.Context) error {
	values := make([]any, len(r.columns))
	for i, name := range r.columns {
		values[i] = r.values[name]
	}
	_, err := r.again.ExecContext(ctx, values...)
	return err
}
