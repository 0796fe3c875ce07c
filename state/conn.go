package state

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math"
	"net/url"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"modernc.org/sqlite"

	"github.com/dropferry/dropferry/file"
)

// conn is one connection to the store with its prepared statements, for one goroutine at a time. It stands on the
// driver itself and not on database/sql: the store needs one writer and a few readers, checks the settings of each
// connection as it opens, and walks over a million rows, where the conversions of database/sql cost nearly half as
// much again as the query.
type conn struct {
	driver     driver.Conn
	statements map[string]statement // by their SQL
}

type statement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// access is SQLite's URI parameter "mode".
type access string

const (
	readOnly  access = "ro"
	readWrite access = "rw" // never creates
)

// setting is a pragma, the value to give it and the text that it answers with when the value has taken.
type setting struct{ name, value, answer string }

// Every connection waits a while for a lock: a person may hold the store with the sqlite3 shell.
var common = []setting{
	{"busy_timeout", "5000", "5000"}, // milliseconds
	{"temp_store", "MEMORY", "2"},    // nothing of ours in /tmp
	{"trusted_schema", "0", "0"},
	{"cell_size_check", "1", "1"}, // notice damage before it is acted on
}

// The page caches, in KiB where negative, hold the upper levels of the trees. The kernel caches the rest.
var readerSettings = slices.Concat(common, []setting{
	{"query_only", "1", "1"},
	{"cache_size", "-1000", "-1000"},
})

var writerSettings = slices.Concat(common, []setting{
	{"cache_size", "-4000", "-4000"},
	{"journal_mode", "WAL", "wal"},
	{"synchronous", "FULL", "2"}, // a commit is on the disk when it returns
	{"foreign_keys", "1", "1"},
	{"journal_size_limit", "67108864", "67108864"}, // bytes of log that are kept after a long reader made it grow
}, diskSettings(runtime.GOOS))

// diskSettings are what makes a commit durable on one platform. On macOS fsync stops at the drive's cache, and only
// F_FULLFSYNC goes further; see fsync(2) there.
func diskSettings(goos string) []setting {
	if goos != "darwin" {
		return nil
	}
	return []setting{{"fullfsync", "1", "1"}, {"checkpoint_fullfsync", "1", "1"}}
}

// connect opens the database at name, applies the settings and reads each one back: SQLite ignores in silence a pragma
// or a value that it does not know.
func connect(name string, how access, settings []setting) (*conn, error) {
	connector, err := sqlite.NewConnector(uri(name, how))
	if err != nil {
		return nil, err
	}
	dc, err := connector.Connect(context.Background())
	if err != nil {
		return nil, err
	}
	c := &conn{driver: dc, statements: map[string]statement{}}
	for _, s := range settings {
		if err := c.set(s); err != nil {
			return nil, errors.Join(err, c.close())
		}
	}
	return c, nil
}

// uri names the database to SQLite. Escapes keep "?", "#", "%" and bytes that are not UTF-8 what they are.
func uri(name string, how access) string {
	slashed := filepath.ToSlash(name)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // a Windows drive letter
	}
	u := url.URL{Scheme: "file", Path: slashed, RawQuery: "mode=" + string(how) + "&_error_rc=1&_dqs=0"}
	return u.String()
}

func (c *conn) set(s setting) error {
	if _, err := c.exec("PRAGMA " + s.name + " = " + s.value); err != nil {
		return err
	}
	r, ok, err := c.one("PRAGMA " + s.name)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("pragma %s: SQLite does not know it", s.name)
	}
	if got := fmt.Sprint(r[0]); got != s.answer {
		return fmt.Errorf("pragma %s: set to %s, reads back as %s", s.name, s.value, got)
	}
	return nil
}

// close finalises the statements first: SQLite keeps a connection open in which one is left.
func (c *conn) close() error {
	var errs []error
	for _, st := range c.statements {
		errs = append(errs, st.Close())
	}
	return errors.Join(append(errs, c.driver.Close())...)
}

func (c *conn) prepare(sql string) (statement, error) {
	if st, ok := c.statements[sql]; ok {
		return st, nil
	}
	prepared, err := c.driver.Prepare(sql)
	if err != nil {
		return nil, err
	}
	st, ok := prepared.(statement)
	if !ok {
		return nil, errors.Join(errors.New("the driver's statements know no contexts"), prepared.Close())
	}
	c.statements[sql] = st
	return st, nil
}

// exec runs one statement and returns how many rows it changed. It is not interrupted: what has been begun has a true
// outcome. The driver starts a goroutine for each call under a context that can end, so no such context is passed on.
func (c *conn) exec(sql string, args ...any) (int64, error) {
	return c.interruptible(context.Background(), sql, args...)
}

// interruptible is exec for a statement that may take long and change nothing of the store: the end of ctx ends it.
func (c *conn) interruptible(ctx context.Context, sql string, args ...any) (int64, error) {
	st, err := c.prepare(sql)
	if err != nil {
		return 0, err
	}
	res, err := st.ExecContext(ctx, bind(args))
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// script runs several statements once. The end of ctx interrupts them.
func (c *conn) script(ctx context.Context, sql string) error {
	st, err := c.driver.Prepare(sql)
	if err != nil {
		return err
	}
	_, err = st.(statement).ExecContext(ctx, nil)
	return errors.Join(err, st.Close())
}

// query starts a query. The cursor must be closed before the same query is started again on this connection.
func (c *conn) query(sql string, args ...any) (*cursor, error) {
	st, err := c.prepare(sql)
	if err != nil {
		return nil, err
	}
	rows, err := st.QueryContext(context.Background(), bind(args))
	if err != nil {
		return nil, err
	}
	return &cursor{rows: rows, row: make(row, len(rows.Columns()))}, nil
}

// one returns the first row of a query, if there is one.
func (c *conn) one(sql string, args ...any) (row, bool, error) {
	cur, err := c.query(sql, args...)
	if err != nil {
		return nil, false, err
	}
	ok := cur.next()
	return cur.row, ok, cur.close()
}

// each calls fn for every row of a query. The row is only valid during the call, its strings and blobs for ever.
func (c *conn) each(fn func(row) error, sql string, args ...any) error {
	cur, err := c.query(sql, args...)
	if err != nil {
		return err
	}
	for cur.next() {
		if err := fn(cur.row); err != nil {
			return errors.Join(err, cur.close())
		}
	}
	return cur.close()
}

// cursor stands on one row of a running query, before the first one at first.
type cursor struct {
	rows driver.Rows
	row  row
	err  error
}

// next moves to the next row; false is the end, or an error that close tells.
func (c *cursor) next() bool {
	if c.err != nil {
		return false
	}
	c.err = c.rows.Next(c.row)
	return c.err == nil
}

func (c *cursor) ok() bool     { return c.err == nil }
func (c *cursor) failed() bool { return c.err != nil && !errors.Is(c.err, io.EOF) }

// close ends the query and returns the error that ended it early, if one did.
func (c *cursor) close() error {
	var err error
	if c.failed() {
		err = c.err
	}
	// Resetting a statement repeats the error that its last step gave.
	if closed := c.rows.Close(); err == nil {
		err = closed
	}
	return err
}

// row holds the columns of a row: int64, string, []byte or nil.
type row []driver.Value

func (r row) int(i int) int64      { v, _ := r[i].(int64); return v }
func (r row) bool(i int) bool      { return r.int(i) != 0 }
func (r row) text(i int) string    { v, _ := r[i].(string); return v }
func (r row) blob(i int) []byte    { v, _ := r[i].([]byte); return v }
func (r row) time(i int) time.Time { return fromNanos(r.int(i)) }
func (r row) path(i int) file.Path { return file.Path(r.text(i)) }
func (r row) fingerprint(i int) file.Fingerprint {
	return file.Fingerprint{
		Size:       r.int(i),
		ModTime:    r.int(i + 1),
		ChangeTime: r.int(i + 2),
		Dev:        uint64(r.int(i + 3)),
		Inode:      uint64(r.int(i + 4)),
	}
}

// bind turns the values of this package into those of the driver. Bytes are kept as they are, in a Path too.
func bind(args []any) []driver.NamedValue {
	named := make([]driver.NamedValue, len(args))
	for i, a := range args {
		switch v := a.(type) {
		case int:
			a = int64(v)
		case uint64:
			a = int64(v) // the same 64 bits; row.fingerprint turns them back
		case file.Path:
			a = string(v)
		case Phase:
			a = string(v)
		case time.Time:
			a = nanos(v)
		case []byte:
			if v == nil {
				a = nil
			}
		}
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	return named
}

// nanos and fromNanos keep times as nanoseconds since 1970, and the zero time as 0. They hold about 292 years either way:
// what a person asks for beyond is the end of that, and not a time of the other side.
func nanos(t time.Time) int64 {
	switch {
	case t.IsZero():
		return 0
	case t.After(time.Unix(0, math.MaxInt64)):
		return math.MaxInt64
	case t.Before(time.Unix(0, math.MinInt64)):
		return math.MinInt64
	}
	return t.UnixNano()
}

func fromNanos(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}
